// verify on the shared corpus of faulty and clean exports, made with torch 2.13.0 and transformers 4.57.6.
//
// Each file is judged in a child process, since some are damaged. What a file claims to be, its source and its recorded
// outputs are what a checker may know; verdict and class come from labels that it does not see.
#include <algorithm>
#include <filesystem>
#include <iomanip>
#include <sstream>

#include <nlohmann/json.hpp>

#include "models/model.h"
#include "support/json.h"
#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

struct Case {
  fs::path folder;
  nlohmann::json label;
  int exit_code = 0;
  std::string found;  ///< ids of the checks that failed
};

bool is_supported(const fs::path& source) {
  const Config config = Config::read(source / "config.json");
  return std::any_of(registered_heads().begin(), registered_heads().end(), [&](const HeadEntry& entry) {
    const auto names = config.architectures();
    return entry.model_type == config.model_type() && !names.empty() && entry.head == names.front();
  });
}

std::string command_for(const fs::path& program, const Case& item) {
  const auto quoted = [&](const fs::path& path) { return " '" + path.string() + "'"; };
  std::string command = program.string() + " verify --format json --threads 1" + quoted(item.folder / "model.pt") +
                        " --inputs" + quoted(item.folder / "inputs.npz");
  const auto& source = item.label.at("source");
  const auto& files = item.label.at("files");
  if (source.is_string() && is_supported(item.folder / source.get<std::string>())) {
    command += " --source" + quoted(item.folder / source.get<std::string>());
    for (const auto& file : files.value("check_inputs", nlohmann::json::array())) {
      command += " --check-inputs" + quoted(item.folder / file.get<std::string>());
    }
  }
  if (files.contains("expected") && files.at("expected").is_string()) {
    command += " --golden" + quoted(item.folder / files.at("expected").get<std::string>());
  }
  return command + " 2>/dev/null";
}

void judge(const fs::path& program, Case& item) {
  const auto result = testing::run_command(command_for(program, item));
  item.exit_code = result.exit_code;
  const auto json = nlohmann::json::parse(result.out, nullptr, /*allow_exceptions=*/false);
  if (json.is_object()) {
    for (const auto& check : json.at("checks")) {
      if (check.at("verdict") == "fail") {
        item.found += (item.found.empty() ? "" : ", ") + check.at("id").get<std::string>();
      }
    }
  }
}

}  // namespace

TEST_CASE("verify: no clean float32 file of the shared corpus is accused, and faults are found") {
  SKIP_WITHOUT_SHARED("faults");
  const fs::path program = fs::read_symlink("/proc/self/exe").parent_path() / "bertjit";
  if (!fs::exists(program)) {
    WARN("skipped: the program bertjit is not built beside the tests");
    return;
  }
  int clean = 0, accused = 0, faults = 0, found = 0;
  std::ostringstream table;
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(testing::shared("faults"))) {
    if (entry.path().filename().string().starts_with("case-")) {
      folders.push_back(entry.path());
    }
  }
  std::sort(folders.begin(), folders.end());
  for (const auto& folder : folders) {
    Case item{folder, read_json_file(folder / "case.json"), 0, ""};
    judge(program, item);
    const bool is_clean = item.label.at("verdict") == "clean";
    const std::string kind = item.label.at("class").get<std::string>();
    const bool is_float32 = item.label.at("claims").is_object() && item.label["claims"].value("dtype", "") == "float32";
    INFO(folder.filename().string() << " (" << kind << ") exits " << item.exit_code << ": " << item.found);
    // 0, 1 or 2: an answer, or a reason why there is none; never a crash.
    CHECK(item.exit_code <= 2);
    if (is_clean) {
      ++clean;
      accused += item.exit_code == 1;
      if (is_float32) {
        CHECK(item.exit_code != 1);
      }
    } else {
      ++faults;
      // A file whose record is damaged is refused as corrupt: that is found, too.
      const bool caught = item.exit_code == 1 || kind == "record_corrupt";
      found += caught;
      if (kind == "record_corrupt") {
        CHECK(item.exit_code == 2);
      }
      // What these checks are for must be found where the source or recorded outputs were given.
      if (kind == "train_mode" || kind == "mask_ignored" || kind == "code_edited" || kind == "layers_swapped") {
        CHECK(item.exit_code == 1);
      }
    }
    table << "  " << folder.filename().string() << "  " << std::left << std::setw(6) << (is_clean ? "clean" : "fault")
          << std::setw(22) << kind << "exit " << item.exit_code << "  " << item.found << "\n";
  }
  WARN("clean files: " << clean << ", accused: " << accused << "; faults: " << faults << ", found: " << found << "\n"
                       << table.str());
  CHECK(clean > 0);
  CHECK(found > 0);
}

}  // namespace bertjit
