// What the tests of hostile files share: every command is asked, and none may get as far as libtorch.
#pragma once

#include <string>
#include <vector>

#include "cli_testing.h"
#include "container/script_archive_testing.h"

namespace bertjit::testing {

/// A file that does no harm and is made as one that does.
struct HostileFile {
  std::string name;    ///< what is wrong with it
  std::string bytes;   ///< of the file
  std::string rule;    ///< of the scan (docs/formats/scan.md)
  std::string record;  ///< in which that is found; empty for a file without records
  std::string suffix = ".pt";
};

inline std::filesystem::path clean_script() {
  return testdata("torchscript/traced.pt");
}

/// Runs the program with an engine that is not there: whatever would load libtorch is exit code 2.
inline CommandOutput run_without_engine(const std::string& arguments) {
  return run_command("BERTJIT_ENGINE=/nonexistent/engine.so " + program() + " " + arguments + " 2>&1");
}

/// Every way to give a command a file that libtorch would load. Nothing may be written to `output`.
inline std::vector<std::string> loading_commands(const std::string& file, const std::string& output) {
  const std::string quoted = "'" + file + "'";
  return {"run " + quoted,
          "inspect " + quoted + " --code",
          "bench " + quoted + " --batch 1",
          "trace " + quoted + " -o '" + output + "'",
          "quantize " + quoted + " -o '" + output + "'",
          "eval " + quoted + " --task mrpc --data '" + testdata("glue").string() + "'",
          "verify " + quoted,
          "verify " + quoted + " --only weights --format json",
          "verify '" + clean_script().string() + "' --source " + quoted};
}

/// `scan` calls it unsafe by that rule, in that record, at a place that it names.
inline void check_scan_refuses(const HostileFile& file, const std::string& path) {
  const CommandOutput output = run_command(program() + " scan --format json '" + path + "'");
  INFO(output.out);
  CHECK(output.exit_code == 3);
  const auto result = parse_json(output.out).at("files").at(0);
  const auto& findings = result.at("findings");
  const auto found = std::find_if(findings.begin(), findings.end(),
                                  [&](const auto& finding) { return finding.at("rule") == file.rule; });
  REQUIRE(found != findings.end());
  CHECK(found->at("effect") == "unsafe");
  CHECK((file.record.empty() ? found->at("record").is_null() : found->at("record") == file.record));
  CHECK((!found->at("offset").is_null() || file.rule == "program" || file.rule == "unsafe" || file.rule == "zip-case"));
}

/// Each is exit code 3 of every command, before libtorch is loaded, and nothing is written.
inline void check_all_refuse(const std::vector<HostileFile>& files) {
  const TempDir dir;
  for (const HostileFile& file : files) {
    INFO(file.name);
    const std::string path = (dir / (file.name + file.suffix)).string();
    const std::string output = (dir / "out.pt").string();
    write_bytes(path, file.bytes);
    check_scan_refuses(file, path);
    for (const std::string& command : loading_commands(path, output)) {
      const CommandOutput refused = run_without_engine(command);
      INFO(command << "\n" << refused.out);
      CHECK(refused.exit_code == 3);
      CHECK(refused.out.find("engine.so") == std::string::npos);
      CHECK(!std::filesystem::exists(output));
    }
  }
}

/// Each is exit code 2 of `scan`, which names what is wrong, and of every command.
inline void check_none_answers(const std::vector<HostileFile>& files) {
  const TempDir dir;
  const std::string output = (dir / "out.pt").string();
  for (const HostileFile& file : files) {
    INFO(file.name);
    const std::string path = (dir / (file.name + file.suffix)).string();
    write_bytes(path, file.bytes);
    const CliOutput scanned = run_bertjit({"scan", "--format", "json", path});
    INFO(scanned);
    CHECK(scanned.exit_code == 2);
    const auto finding = parse_json(scanned.out).at("files").at(0).at("findings").at(0);
    CHECK(finding.at("rule") == file.rule);
    CHECK((file.record.empty() ? finding.at("record").is_null() : finding.at("record") == file.record));
    for (const std::vector<std::string>& command : {std::vector<std::string>{"run", path},
                                                    {"inspect", path, "--code"},
                                                    {"trace", path, "-o", output},
                                                    {"verify", path}}) {
      const CliOutput refused = run_bertjit(command);
      INFO(command[0] << "\n" << refused);
      CHECK(refused.exit_code == 2);
      CHECK(refused.out.empty());
      CHECK(!std::filesystem::exists(output));
    }
  }
}

}  // namespace bertjit::testing
