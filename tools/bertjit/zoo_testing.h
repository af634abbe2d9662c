// What the tests of --list share: a few tiny files and lists of them.
#pragma once

#include <string>
#include <vector>

#include "cli_testing.h"

namespace bertjit::testing {

/// Files made once for all cases, which none changes: good.pt is a trace of tiny-bert, other.pt one of the same network
/// with other weights, cut.pt half of good.pt, unsafe.pt one that runs code.
inline const std::filesystem::path& zoo_files() {
  static const TempDir folder;
  static const std::filesystem::path path = [] {
    trace_model("tiny-bert", folder / "good.pt", {"--no-check"});
    trace_model("tiny-bert/config.json", folder / "other.pt", {"--no-check", "--init", "random", "--seed", "7"});
    const std::string good = read_bytes(folder / "good.pt");
    write_bytes(folder / "cut.pt", good.substr(0, good.size() / 2));
    std::filesystem::copy_file(testdata("broken/unsafe_pickle/pytorch_model.bin"), folder / "unsafe.pt");
    return folder.path();
  }();
  return path;
}

/// A fresh folder with these files in it, and a way to run the program there: a list starts processes, which a test
/// program does not survive.
class Zoo {
 public:
  Zoo() {
    for (const auto& entry : std::filesystem::directory_iterator(zoo_files())) {
      std::filesystem::copy_file(entry.path(), dir_ / entry.path().filename().string());
    }
    std::filesystem::create_directory_symlink(testdata("tiny-bert"), dir_ / "tiny-bert");
  }

  std::string path(const std::string& name) const {
    return (dir_ / name).string();
  }
  void write(const std::string& name, const std::string& text) const {
    write_bytes(dir_ / name, text);
  }
  std::string read(const std::string& name) const {
    return read_bytes(dir_ / name);
  }
  /// `bertjit ARGUMENTS` by the shell; standard error apart.
  CliOutput run(const std::string& arguments) const {
    const CommandOutput output = run_command("cd '" + dir_.path().string() + "' && " + program() + " " + arguments +
                                             " 2> '" + path("stderr.txt") + "'");
    return {output.exit_code, output.out, read("stderr.txt")};
  }

 private:
  TempDir dir_;
};

/// So many jobs, "j1" and so on, of what takes milliseconds.
inline std::string quick_list(size_t count) {
  std::string list;
  for (size_t i = 1; i <= count; ++i) {
    list += "{\"name\": \"j" + std::to_string(i) + "\", \"module\": \"good.pt\", \"only\": \"weights\"}\n";
  }
  return list;
}

/// The document without what is of single runs.
inline std::string without_runs(const std::string& document) {
  auto json = nlohmann::ordered_json::parse(document);
  json.erase("runs");
  return json.dump(2);
}

}  // namespace bertjit::testing
