// The command `scan`: stdout, stderr and exit codes together. What it finds is tested in lib/scan.
#include "cli_testing.h"
#include "container/script_archive_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;

namespace {

std::string clean_file() {
  return testing::testdata("torchscript/traced.pt").string();
}

/// traced.pt with a line more in the root module's forward.
std::string file_with_line(const TempDir& dir, const std::string& line) {
  const auto path = dir / "edited.pt";
  testing::edit_archive(clean_file(), path, [&](testing::RecordMap& records) {
    testing::replace_once(records["traced/code/__torch__.py"], "    return _3\n", "    " + line + "\n    return _3\n");
  });
  return path.string();
}

std::string damaged_file(const TempDir& dir) {
  testing::flip_bit(clean_file(), dir / "damaged.pt", "traced/data/1");
  return (dir / "damaged.pt").string();
}

}  // namespace

TEST_CASE("scan: a clean file is one line and exit code 0") {
  const CliOutput output = run_bertjit({"scan", clean_file()});
  CHECK(output.exit_code == 0);
  CHECK(output.err.empty());
  CHECK(output.out.starts_with(clean_file() + ": safe (torchscript: 15 records, "));
  CHECK(std::count(output.out.begin(), output.out.end(), '\n') == 1);
}

TEST_CASE("scan: an unsafe file is exit code 3, with record, line, what there is and why it matters") {
  const TempDir dir;
  const CliOutput output = run_bertjit({"scan", file_with_line(dir, "torch.save(_3, \"/dev/null\")")});
  CHECK(output.exit_code == 3);
  CHECK(output.out.find("edited.pt: unsafe") != std::string::npos);
  CHECK(output.out.find("code/__torch__.py, line ") != std::string::npos);
  CHECK(output.out.find("uses operator 'aten::save'") != std::string::npos);
  CHECK(output.out.find("it writes a file by its name") != std::string::npos);
}

TEST_CASE("scan: a damaged file and one that is not there are exit code 2") {
  const TempDir dir;
  const CliOutput damaged = run_bertjit({"scan", damaged_file(dir)});
  CHECK(damaged.exit_code == 2);
  CHECK(damaged.out.find("cannot tell") != std::string::npos);
  CHECK(damaged.out.find("CRC-32") != std::string::npos);
  CHECK(run_bertjit({"scan", (dir / "absent.pt").string()}).exit_code == 2);
}

TEST_CASE("scan: of several files each is scanned, and the worst decides the exit code") {
  const TempDir dir;
  const std::string unsafe = file_with_line(dir, "torch.save(_3, \"/dev/null\")");
  const std::string damaged = damaged_file(dir);
  CHECK(run_bertjit({"scan", clean_file(), clean_file()}).exit_code == 0);
  CHECK(run_bertjit({"scan", damaged, clean_file()}).exit_code == 2);
  const CliOutput all = run_bertjit({"scan", unsafe, damaged, clean_file()});
  CHECK(all.exit_code == 3);
  CHECK(all.out.find(clean_file() + ": safe") != std::string::npos);
}

TEST_CASE("scan: JSON is one document with a verdict, and every finding's record, offset and line") {
  const TempDir dir;
  const std::string unsafe = file_with_line(dir, "torch.save(_3, \"/dev/null\")");
  const CliOutput output = run_bertjit({"scan", unsafe, clean_file(), "--format", "json"});
  CHECK(output.exit_code == 3);
  const auto json = testing::parse_json(output.out);
  CHECK(json.at("schema") == "bertjit.scan/1");
  CHECK(json.at("verdict") == "fail");
  const auto& file = json.at("files").at(0);
  CHECK(file.at("path") == unsafe);
  CHECK(file.at("safety") == "unsafe");
  CHECK(file.at("kind") == "torchscript");
  CHECK(file.at("examined").at("operators") > 0);
  const auto& finding = file.at("findings").at(0);
  CHECK(finding.at("effect") == "unsafe");
  CHECK(finding.at("rule") == "operator");
  CHECK(finding.at("record") == "code/__torch__.py");
  CHECK(finding.at("offset") > 0);
  CHECK(finding.at("line") > 0);
  CHECK(json.at("files").at(1).at("safety") == "safe");
  CHECK(testing::parse_json(run_bertjit({"scan", clean_file(), "--format", "json"}).out).at("verdict") == "pass");
}

TEST_CASE("scan: --allow lets operators pass, may be repeated, and refuses what is no name") {
  const TempDir dir;
  const std::string file = file_with_line(dir, "torch.save(ops.mine.op(_3), \"/dev/null\")");
  CHECK(run_bertjit({"scan", file, "--allow", "aten::save"}).exit_code == 3);
  CHECK(run_bertjit({"scan", "--allow", "aten::save", "--allow", "mine::*", file}).exit_code == 0);
  const CliOutput wrong = run_bertjit({"scan", file, "--allow", "a b"});
  CHECK(wrong.exit_code == 2);
  CHECK(wrong.err.find("--allow a b") != std::string::npos);
}

TEST_CASE("scan: names out of a hostile file do not reach the terminal as they are") {
  const TempDir dir;
  testing::edit_archive(clean_file(), dir / "edited.pt",
                        [](testing::RecordMap& records) { records["traced/../\x1b[31mred"] = "x"; });
  const CliOutput output = run_bertjit({"scan", (dir / "edited.pt").string()});
  CHECK(output.exit_code == 3);
  CHECK(output.out.find('\x1b') == std::string::npos);
}

TEST_CASE("scan: without a file it is a usage error") {
  CHECK(run_bertjit({"scan"}).exit_code == 2);
}

TEST_CASE("scan: no command loads an unsafe file: exit code 3, the record and line, and nothing is written") {
  const TempDir dir;
  const std::string file = file_with_line(dir, "torch.save(_3, \"/dev/null\")");
  const std::string output = (dir / "out.pt").string();
  const std::vector<std::vector<std::string>> commands = {{"run", file},
                                                          {"inspect", file, "--code"},
                                                          {"bench", file, "--batch", "1"},
                                                          {"trace", file, "-o", output},
                                                          {"quantize", file, "-o", output},
                                                          {"verify", clean_file(), "--source", file}};
  for (const auto& command : commands) {
    const CliOutput refused = run_bertjit(command);
    INFO(command[0] << ": " << refused.err);
    CHECK(refused.exit_code == 3);
    CHECK(refused.out.empty());
    CHECK_THAT(refused.err, Contains("code/__torch__.py:") && Contains("uses operator 'aten::save'"));
  }
  CHECK(!std::filesystem::exists(output));
  CHECK(run_bertjit({"inspect", file, "--records"}).exit_code == 0);  // which loads nothing
}

TEST_CASE("scan: --no-scan and --allow let a file be loaded that the scan refuses") {
  const TempDir dir;
  const std::string file = file_with_line(dir, "torch.save(_3, \"/dev/null\")");
  CHECK(run_bertjit({"inspect", file, "--code", "--no-scan"}).exit_code == 0);
  CHECK(run_bertjit({"inspect", file, "--code", "--allow", "aten::save"}).exit_code == 0);
  CHECK(run_bertjit({"inspect", file, "--code", "--allow", "aten::from_file"}).exit_code == 3);
  CHECK(run_bertjit({"inspect", damaged_file(dir), "--code"}).exit_code == 2);
}

}  // namespace bertjit
