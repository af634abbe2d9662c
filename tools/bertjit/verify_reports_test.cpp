// --html and --junit of `bertjit verify`: written as a whole or not at all, and never over what is read.
#include <unistd.h>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::list_folder;
using testing::read_bytes;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

using Names = std::vector<std::string>;

/// A tiny-bert traced once for all cases; none changes it.
const fs::path& clean_trace() {
  static const TempDir folder;
  static const fs::path path = [] {
    testing::trace_model("tiny-bert", folder / "clean.pt");
    return folder / "clean.pt";
  }();
  return path;
}

CliOutput verify(const fs::path& module, const Names& more) {
  Names arguments{"verify", module.string(), "--only", "train-mode"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_bertjit(arguments);
}

void check_flags_refused(const Names& flags, const std::string& message) {
  testing::check_refused(verify(clean_trace(), flags), message);
}

}  // namespace

TEST_CASE("verify reports: --html and --junit are written beside the result, and nothing else is") {
  const TempDir folder;
  const std::string html = (folder / "a report.html").string();
  const std::string junit = (folder / "report.xml").string();
  const CliOutput plain = verify(clean_trace(), {});
  const CliOutput output = verify(clean_trace(), {"--html", html, "--junit", junit, "--seed", "3"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(output.out == plain.out);
  CHECK(output.err.empty());
  CHECK(list_folder(folder.path()) == Names{"a report.html", "report.xml"});
  CHECK_THAT(read_bytes(html), Contains("<strong>pass</strong>") && Contains("--html &#39;" + html + "&#39; --junit") &&
                                   Contains("<dt>seed</dt><dd>3</dd>"));
  CHECK_THAT(read_bytes(junit),
             Contains("tests=\"1\" failures=\"0\" errors=\"0\" skipped=\"0\"") &&
                 Contains("<testcase classname=\"bertjit.verify\" name=\"train-mode\"><system-out>pass"));
  // The same run gives the same bytes.
  const std::string first = read_bytes(html) + read_bytes(junit);
  verify(clean_trace(), {"--html", html, "--junit", junit, "--seed", "3"});
  CHECK(read_bytes(html) + read_bytes(junit) == first);
}

TEST_CASE("verify reports: a check that fails is a failure in both, and the exit code is 1") {
  const TempDir folder;
  testing::trace_model("tiny-bert", folder / "other.pt", {"--init", "random", "--seed", "3"});
  const std::string html = (folder / "r.html").string();
  const std::string junit = (folder / "r.xml").string();
  const CliOutput output =
      run_bertjit({"verify", (folder / "other.pt").string(), "--source", testdata("tiny-bert").string(), "--only",
                   "source", "--html", html, "--junit", junit, "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK(testing::parse_json(output.out).at("verdict") == "fail");
  CHECK_THAT(read_bytes(html),
             Contains("<strong>FAIL</strong>1 fail") && Contains("<span class=\"badge fail\">fail</span>"));
  CHECK_THAT(read_bytes(junit), Contains("failures=\"1\"") && Contains("<failure message=\""));
}

TEST_CASE("verify reports: nothing checked is an error in JUnit and says so on the page, exit 2") {
  const TempDir folder;
  const std::string html = (folder / "r.html").string();
  const std::string junit = (folder / "r.xml").string();
  const CliOutput output =
      run_bertjit({"verify", clean_trace().string(), "--only", "golden", "--html", html, "--junit", junit});
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(read_bytes(html), Contains("<strong>nothing was checked</strong>"));
  CHECK_THAT(read_bytes(junit), Contains("<error message=\"nothing was checked\" type=\"no answer\"/>"));
}

TEST_CASE("verify reports: without an answer JUnit has the error in place of an earlier report, the page stays") {
  const TempDir folder;
  const std::string html = (folder / "r.html").string();
  const std::string junit = (folder / "r.xml").string();
  write_bytes(html, "old page");
  write_bytes(junit, "old report");
  write_bytes(folder / "cut.pt", read_bytes(clean_trace()).substr(0, 5000));
  const CliOutput output = verify(folder / "cut.pt", {"--html", html, "--junit", junit});
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, Contains("cut.pt: is not a complete zip archive"));
  CHECK(read_bytes(html) == "old page");
  CHECK_THAT(read_bytes(junit), Contains("errors=\"1\"") && Contains("cut.pt: is not a complete zip archive"));
  CHECK(list_folder(folder.path()) == Names{"cut.pt", "r.html", "r.xml"});
}

TEST_CASE("verify reports: a target that cannot be is refused before anything is checked") {
  const TempDir folder;
  for (const std::string flag : {"--html", "--junit"}) {
    check_flags_refused({flag, "-"}, flag + " -: standard output has the result already; name a file");
    check_flags_refused({flag, ""}, flag + ": is empty");
    check_flags_refused({flag, folder.path().string()}, "is a directory; name a file in it");
    check_flags_refused({flag, (folder / "none/r.x").string()}, "cannot write " + (folder / "none/r.x").string());
    check_flags_refused({flag, clean_trace().string()}, "is a file that is read; the report would take its place");
    // Another way to write the same name, and a file that would only be read later.
    check_flags_refused({flag, (clean_trace().parent_path() / "." / "clean.pt").string()}, "is a file that is read");
    write_bytes(folder / "in.npz", "x");
    check_flags_refused({flag, (folder / "in.npz").string(), "--check-inputs", (folder / "in.npz").string()},
                        "is a file that is read");
  }
  write_bytes(folder / "loop.py", "def fn(x):\n    return x\n");
  check_flags_refused({"--html", (folder / "loop.py").string(), "--source", (folder / "loop.py:fn").string()},
                      "is a file that is read");
  check_flags_refused({"--html", (folder / "r").string(), "--junit", (folder / "./r").string()},
                      "--html and --junit both name ");
  CHECK(list_folder(folder.path()) == Names{"in.npz", "loop.py"});
}

TEST_CASE("verify reports: a folder without permission is refused before anything is checked") {
  if (::geteuid() == 0) {
    std::cerr << "SKIPPED: a folder without permission: root may write everywhere\n";
    check_flags_refused({"--html", "/proc/r.html"}, "cannot write /proc/r.html");
    return;
  }
  const TempDir folder;
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  check_flags_refused({"--html", (folder / "r.html").string()}, "Permission denied");
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST_CASE("verify reports: a full disk is no answer, though the result was printed, and the old file is whole") {
  const CliOutput full = verify(clean_trace(), {"--html", "/dev/full"});
  INFO(full);
  CHECK(full.exit_code == 2);
  CHECK_THAT(full.out, Contains(": pass (1 pass)"));
  CHECK_THAT(full.err, Contains("bertjit verify: cannot write /dev/full: No space left on device"));
}

TEST_CASE("verify reports: killed while a report is written, the old file is whole and nothing lies beside it") {
  const TempDir folder;
  write_bytes(folder / "r.html", "old page");
  // A file may not grow beyond 4 kB: the system kills the process that writes (SIGXFSZ) within its first write, and the
  // one that watches over it says so.
  const std::string arguments =
      " verify '" + clean_trace().string() + "' --only train-mode --html '" + (folder / "r.html").string() + "'";
  const auto killed = testing::run_command("bash -c 'ulimit -c 0; ulimit -f 4; exec \"$@\"' _ " + testing::program() +
                                           arguments + " 2>&1 > /dev/null");
  CHECK(killed.exit_code == 2);
  CHECK_THAT(killed.out, Contains("was ended in report by SIGXFSZ"));
  CHECK(read_bytes(folder / "r.html") == "old page");
  CHECK(list_folder(folder.path()) == Names{"r.html"});
  CHECK(testing::run_command(testing::program() + arguments + " > /dev/null 2>&1").exit_code == 0);
  CHECK_THAT(read_bytes(folder / "r.html"), Contains("<strong>pass</strong>"));
}

}  // namespace bertjit
