// `verify --html --junit` ended in the middle, by signals and by lack of memory: a report is the old one or the new
// one, whole, and nothing else is left in its folder.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <iomanip>

#include "cli_testing.h"

namespace bertjit {

using testing::list_folder;
using testing::read_bytes;
using testing::run_command;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

namespace {

constexpr const char* kOldHtml = "old page";
constexpr const char* kOldJunit = "old report";
/// What the shell says of `timeout -s KILL`.
constexpr int kKilled = 137;

/// A traced model, and a folder for its reports alone.
struct Story {
  TempDir dir;
  std::string verify;  ///< the command, without what limits it

  Story() {
    std::filesystem::create_directory(dir / "reports");
    const std::string source = testdata("tiny-bert").string();
    REQUIRE(testing::run_bertjit({"trace", source, "-o", (dir / "m.pt").string(), "--no-check"}).exit_code == 0);
    verify = testing::program() + " verify '" + (dir / "m.pt").string() + "' --source '" + source +
             "' --only grad-mode,source --html '" + html().string() + "' --junit '" + junit().string() + "'";
  }

  std::filesystem::path html() const {
    return dir / "reports" / "r.html";
  }
  std::filesystem::path junit() const {
    return dir / "reports" / "r.xml";
  }

  void put_old_reports() const {
    write_bytes(html(), kOldHtml);
    write_bytes(junit(), kOldJunit);
  }

  /// Runs it after `prefix` ("timeout 1 ", "ulimit -v 1000; "); the exit code.
  int run(const std::string& prefix) const {
    return run_command(prefix + verify + " >/dev/null 2>&1").exit_code;
  }

  void check_reports() const {
    const std::string page = read_bytes(html());
    CHECK((page == kOldHtml || page.ends_with("</html>\n")));
    const std::string report = read_bytes(junit());
    CHECK((report == kOldJunit || report.ends_with("</testsuites>\n")));
  }

  /// Names in the folder that nobody asked for.
  std::vector<std::string> strays() const {
    std::vector<std::string> names = list_folder(dir / "reports");
    std::erase(names, "r.html");
    std::erase(names, "r.xml");
    return names;
  }
};

/// The shorter of two runs: the first may have waited for the disk, and what is asked is when a run is not yet done.
double seconds_of(const Story& story) {
  double shortest = HUGE_VAL;
  for (int i = 0; i < 2; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    REQUIRE(story.run("") == 0);
    shortest = std::min(shortest, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return shortest;
}

/// Moments of a run: spread over all of it, and close together at its end, where reports are written.
std::vector<double> moments(double seconds) {
  std::vector<double> result;
  for (int i = 0; i < 6; ++i) {
    result.push_back(seconds * (0.01 + 0.16 * i));
  }
  for (int i = 0; i < 6; ++i) {
    result.push_back(seconds * (0.9 + 0.03 * i));
  }
  return result;
}

std::string timeout_after(double seconds, const std::string& signal) {
  std::ostringstream command;
  command << "timeout -s " << signal << " " << std::fixed << std::setprecision(4) << seconds << " ";
  return command.str();
}

}  // namespace

TEST_CASE("verify: killed at any moment, reports are whole, the old ones or the new ones") {
  const Story story;
  int killed = 0;
  for (const double moment : moments(seconds_of(story))) {
    INFO("after " << moment << " s");
    story.put_old_reports();
    killed += story.run(timeout_after(moment, "KILL")) == kKilled;
    story.check_reports();
    for (const std::string& name : story.strays()) {
      CHECK((name.starts_with(".r.") && name.ends_with(".tmp")));
      std::filesystem::remove(story.dir / "reports" / name);
    }
  }
  CHECK(killed >= 3);
}

TEST_CASE("verify: interrupted or terminated at any moment, reports are whole and no other file is left") {
  const Story story;
  const double seconds = seconds_of(story);
  for (const char* signal : {"INT", "TERM"}) {
    for (const double moment : moments(seconds)) {
      INFO(signal << " after " << moment << " s");
      story.put_old_reports();
      story.run(timeout_after(moment, signal));
      story.check_reports();
      CHECK(story.strays().empty());
    }
  }
}

TEST_CASE("verify: the process with the model killed at any moment, reports are whole and no other file is left") {
  const Story story;
  int killed = 0;
  for (const double moment : moments(seconds_of(story))) {
    INFO("after " << moment << " s");
    story.put_old_reports();
    const int exit_code = run_command(story.verify + " >/dev/null 2>&1 & p=$!; sleep " + std::to_string(moment) +
                                      "; kill -KILL $(cat /proc/$p/task/$p/children 2>/dev/null) 2>/dev/null; wait $p")
                              .exit_code;
    CHECK((exit_code == 0 || exit_code == 2));
    killed += exit_code == 2;
    story.check_reports();
    CHECK(story.strays().empty());
  }
  CHECK(killed >= 3);
}

TEST_CASE("verify: killed before there were reports, there is none") {
  const Story story;
  const double seconds = seconds_of(story);
  std::filesystem::remove(story.html());
  std::filesystem::remove(story.junit());
  REQUIRE(story.run(timeout_after(seconds * 0.3, "KILL")) == kKilled);
  CHECK(list_folder(story.dir / "reports").empty());
}

TEST_CASE("verify: out of memory is no answer, and leaves no half report") {
  const Story story;
  int failed = 0;
  for (const char* kilobytes : {"100000", "300000", "500000", "700000", "900000"}) {
    INFO("with " << kilobytes << " kB");
    story.put_old_reports();
    const int exit_code = story.run("ulimit -v " + std::string(kilobytes) + "; ");
    CHECK(exit_code != 1);
    failed += exit_code != 0;
    story.check_reports();
    CHECK(story.strays().empty());
  }
  CHECK(failed > 0);
}

}  // namespace bertjit
