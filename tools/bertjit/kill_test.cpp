// Nothing is lost: a command that is killed, interrupted or fails at any of its writes leaves the old file or the new
// one, whole, and nothing beside it.
//
// write_faults/ ends the program at the Nth call that changes something in the target's folder. Without
// BERTJIT_ALL_KILL_POINTS a share of all N is tried, always the same; with it each of them.
#include <fstream>
#include <map>
#include <mutex>

#include "cli_testing.h"
#include "small_disk.h"
#include "support/parallel.h"

namespace bertjit {

using testing::list_folder;
using testing::read_bytes;
using testing::run_command;
using testing::SmallDisk;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;
using Names = std::vector<std::string>;

namespace {

namespace fs = std::filesystem;

constexpr const char* kOld = "old bytes\n";
/// Of one command over nothing, and as many over old files.
constexpr size_t kUsualPoints = 9;

std::string in_shell_quotes(const fs::path& path) {
  return "'" + path.string() + "'";
}

/// A command that is run in the folder of its targets.
struct Writer {
  std::string arguments;
  Names targets;
  int failure = 2;  ///< exit code where it cannot write
};

/// What the commands read, made once.
struct Inputs {
  TempDir dir;
  std::string tiny = in_shell_quotes(testdata("tiny-bert"));

  Inputs() {
    testing::trace_model("tiny-bert", dir / "traced.pt", {"--no-check"});
  }

  Writer trace() const {
    return {"trace " + tiny + " -o m.pt --checksum --no-check", {"m.pt", "m.pt.sha512"}};
  }
  Writer quantize() const {
    return {"quantize " + in_shell_quotes(dir / "traced.pt") + " -o q.pt --sensitivity layers.csv --no-isolate",
            {"q.pt", "layers.csv"}};
  }
  Writer checksum() const {
    return {"checksum -o SHA512SUMS --recursive " + tiny, {"SHA512SUMS"}, 1};
  }
  /// In one process: of one that dies in another, the report says so, and is neither of the two.
  Writer verify() const {
    return {"verify " + in_shell_quotes(dir / "traced.pt") +
                " --only safety,weights --html r.html --junit r.xml --no-isolate",
            {"r.html", "r.xml"}};
  }
  Writer run() const {
    return {"run " + tiny + " -o out.npz", {"out.npz"}};
  }
  Writer tokenize() const {
    return {"tokenize --tokenizer " + tiny + " -o lines.jsonl 'one text' 'and another'", {"lines.jsonl"}};
  }
};

enum class Before { kNothing, kOldFiles };

/// One run of a writer in a folder of its own.
class Trial {
 public:
  Trial(const Writer& writer, Before before) : writer_(writer), before_(before) {
    fs::create_directory(folder());
    for (const std::string& target : writer.targets) {
      if (before == Before::kOldFiles) {
        write_bytes(folder() / target, kOld);
      }
    }
  }

  /// The exit code; 128 and the signal for a program that was ended by one.
  int run(const std::string& environment = "") {
    const auto output =
        run_command("cd " + in_shell_quotes(folder()) + " && { " + environment + testing::program() + " " +
                    writer_.arguments + " >/dev/null 2>" + in_shell_quotes(dir_ / "err") + "; } 2>/dev/null; exit $?");
    return output.exit_code;
  }

  /// The same with the Nth call that changes something ended by `action`; 0: calls are only counted.
  int run_until(size_t call, const std::string& action) {
    const auto library = fs::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib";
    return run("env LD_PRELOAD=" + in_shell_quotes(library / "libbertjit_write_faults.so") +
               " ASAN_OPTIONS=detect_leaks=0:verify_asan_link_order=0" + " BERTJIT_FAULT_FOLDER=" +
               in_shell_quotes(folder()) + " BERTJIT_FAULT_STATE=" + in_shell_quotes(dir_ / "state") +
               " BERTJIT_FAULT_LOG=" + in_shell_quotes(dir_ / "log") + " BERTJIT_FAULT_AT=" + std::to_string(call) +
               " BERTJIT_FAULT_ACTION=" + action + " ");
  }

  /// Names of the calls that were counted, in order.
  Names calls() const {
    std::ifstream log(dir_ / "log");
    Names names;
    for (std::string name; std::getline(log, name);) {
      names.push_back(name);
    }
    return names;
  }

  std::string errors() const {
    return read_bytes(dir_ / "err");
  }

  Names contents() const {
    Names bytes;
    for (const std::string& target : writer_.targets) {
      bytes.push_back(fs::exists(folder() / target) ? read_bytes(folder() / target) : "");
    }
    return bytes;
  }

  Names strays() const {
    Names names = list_folder(folder());
    std::erase_if(names, [&](const std::string& name) { return std::ranges::count(writer_.targets, name) > 0; });
    return names;
  }

  /// What is wrong with what it left; empty if nothing is. `finished` are the targets after a run to the end.
  std::string fault(const Names& finished, bool killed) const {
    const Names left = contents();
    for (size_t i = 0; i < left.size(); ++i) {
      if (left[i] != finished[i] && left[i] != (before_ == Before::kOldFiles ? kOld : "")) {
        return writer_.targets[i] + " is neither the old file nor the new one, but " + std::to_string(left[i].size()) +
               " bytes";
      }
    }
    for (const std::string& name : strays()) {
      if (!killed || !name.starts_with(".") || !name.ends_with(".tmp")) {
        return "left " + name;
      }
    }
    return "";
  }

 private:
  fs::path folder() const {
    return dir_ / "out";
  }

  TempDir dir_;
  const Writer& writer_;
  Before before_;
};

struct Point {
  Before before;
  size_t call;  ///< from 1
  std::string name;
  std::string action;
};

bool tries_all() {
  return std::getenv("BERTJIT_ALL_KILL_POINTS") != nullptr;
}

/// A kill at every call, and of the other ways to fail each at every call that is no plain write and at some that are;
/// without tries_all() a few points of these, with one way after the other.
std::vector<Point> choose_points(const Names& calls, Before before) {
  static const Names kOthers = {"TERM", "ENOSPC", "EIO", "INT", "EDQUOT"};
  const size_t stride = std::max<size_t>(1, calls.size() / (tries_all() ? 40 : 4));
  std::vector<Point> points;
  for (size_t i = 0; i < calls.size(); ++i) {
    const bool is_sampled = calls[i] != "write" || i % stride == stride / 2;
    if (tries_all()) {
      points.push_back({before, i + 1, calls[i], "KILL"});
      for (const std::string& action : is_sampled ? kOthers : Names()) {
        points.push_back({before, i + 1, calls[i], action});
      }
    } else if (is_sampled) {
      const size_t turn = points.size();
      points.push_back({before, i + 1, calls[i], turn % 2 == 0 ? "KILL" : kOthers[turn / 2 % kOthers.size()]});
    }
  }
  if (!tries_all() && points.size() > kUsualPoints) {
    // Every so many, so that ways and places still take turns.
    std::vector<Point> fewer;
    for (size_t i = 0; i < kUsualPoints; ++i) {
      fewer.push_back(points[i * points.size() / kUsualPoints]);
    }
    return fewer;
  }
  return points;
}

struct Tally {
  std::map<std::string, size_t> runs;  ///< by action
  std::map<std::string, size_t> left_old;
  size_t temporaries = 0;
  Names faults;
};

/// A run to the end that finds what an earlier one left behind.
std::string fault_of_next_run(Trial& trial, const Names& finished) {
  const Names before = trial.strays();
  if (trial.run() != 0 || trial.contents() != finished) {
    return "the next run does not finish: " + trial.errors();
  }
  return trial.strays() == before ? "" : "the next run touches what an earlier one left";
}

std::string try_point(const Writer& writer, const Point& point, const Names& finished, std::mutex& mutex,
                      Tally& tally) {
  const bool killed = point.action == "KILL";
  const bool is_signal = killed || point.action == "TERM" || point.action == "INT";
  Trial trial(writer, point.before);
  const int exit_code = trial.run_until(point.call, point.action);
  std::string fault = trial.fault(finished, killed);
  const bool is_done = trial.contents() == finished;
  const bool left_temporary = !trial.strays().empty();
  if (fault.empty() && trial.calls().size() < point.call) {
    fault = "never came to that call: exit code " + std::to_string(exit_code);
  } else if (fault.empty() && exit_code == 0 && !is_done) {
    fault = "says that all is well, and has not written";
  } else if (fault.empty() && !is_signal && exit_code != 0 && exit_code != writer.failure) {
    fault = "exit code " + std::to_string(exit_code);
  } else if (fault.empty() && exit_code == writer.failure && trial.errors().empty()) {
    fault = "fails without a word";
  } else if (fault.empty() && left_temporary) {
    fault = fault_of_next_run(trial, finished);
  }
  const std::lock_guard lock(mutex);
  ++tally.runs[point.action];
  tally.left_old[point.action] += !is_done;
  tally.temporaries += left_temporary;
  return fault;
}

Tally try_points(const Writer& writer, const std::vector<Point>& points, const Names& finished) {
  Tally tally;
  std::mutex mutex;
  for_each_index(points.size(), 0, [&](size_t i) {
    const std::string fault = try_point(writer, points[i], finished, mutex, tally);
    if (!fault.empty()) {
      const std::lock_guard lock(mutex);
      tally.faults.push_back(points[i].action + " at call " + std::to_string(points[i].call) + " (" + points[i].name +
                             (points[i].before == Before::kOldFiles ? ", over old files): " : ", over nothing): ") +
                             fault);
    }
  });
  return tally;
}

void report(const Writer& writer, const Tally& tally) {
  std::ostringstream line;
  line << writer.arguments.substr(0, writer.arguments.find(' ')) << ":";
  for (const auto& [action, count] : tally.runs) {
    line << " " << action << " " << count << " (old files kept " << tally.left_old.at(action) << ")";
  }
  std::cerr << line.str() << "; temporary files left by KILL: " << tally.temporaries << "\n";
}

void check_writer(const Writer& writer) {
  std::vector<Point> points;
  Names finished;
  for (const Before before : {Before::kNothing, Before::kOldFiles}) {
    Trial trial(writer, before);
    REQUIRE(trial.run_until(0, "") == 0);
    const Names contents = trial.contents();
    REQUIRE((finished.empty() || contents == finished));
    finished = contents;
    CHECK(std::ranges::count(contents, "") == 0);
    CHECK(trial.strays().empty());
    const auto chosen = choose_points(trial.calls(), before);
    REQUIRE(chosen.size() >= 4);
    points.insert(points.end(), chosen.begin(), chosen.end());
  }
  const Tally tally = try_points(writer, points, finished);
  for (const std::string& fault : tally.faults) {
    FAIL_CHECK(writer.arguments << ": " << fault);
  }
  // A library that is not loaded would let every run end well.
  CHECK(tally.left_old.at("KILL") > 0);
  if (tries_all()) {
    report(writer, tally);
  }
}

}  // namespace

TEST_CASE("nothing lost: trace, ended at any of its writes, leaves the old file or the new one") {
  check_writer(Inputs().trace());
}

TEST_CASE("nothing lost: quantize, ended at any of its writes, leaves the old file or the new one") {
  check_writer(Inputs().quantize());
}

TEST_CASE("nothing lost: verify, ended at any write of its reports, leaves the old ones or the new ones") {
  check_writer(Inputs().verify());
}

TEST_CASE("nothing lost: checksum, run and tokenize, ended at any of their writes, leave the old file or the new one") {
  const Inputs inputs;
  check_writer(inputs.checksum());
  check_writer(inputs.run());
  check_writer(inputs.tokenize());
}

TEST_CASE("nothing lost: a file is synced before it gets its name, and its folder after") {
  const Inputs inputs;
  for (const Writer& writer : {inputs.trace(), inputs.checksum()}) {
    for (const Before before : {Before::kNothing, Before::kOldFiles}) {
      Trial trial(writer, before);
      REQUIRE(trial.run_until(0, "") == 0);
      Names order = trial.calls();
      std::erase(order, "write");
      Names expected;
      for (size_t i = 0; i < writer.targets.size(); ++i) {
        const Names one = before == Before::kOldFiles
                              ? Names{"open", "fchmod", "fsync", "linkat", "linkat", "close", "rename", "fsync"}
                              : Names{"open", "fchmod", "fsync", "linkat", "close", "fsync"};
        expected.insert(expected.end(), one.begin(), one.end());
      }
      const bool has_nameless_files = std::ranges::count(order, "mkostemps") == 0;
      CHECK((!has_nameless_files || order == expected));
    }
  }
}

TEST_CASE("nothing lost: on a disk of any size the old file stays or the new one is whole, and no other is left") {
  const Inputs inputs;
  for (const Writer& writer : {inputs.trace(), inputs.quantize(), inputs.verify(), inputs.checksum()}) {
    Trial reference(writer, Before::kNothing);
    REQUIRE(reference.run() == 0);
    const Names finished = reference.contents();
    size_t kept = 0;
    const std::vector<int> kilobytes = {8, 16, 48, 100, 140, 160, 400, 1000};
    for (const int size : kilobytes) {
      const SmallDisk disk(size);
      if (!disk.mounted) {
        return;
      }
      for (const std::string& target : writer.targets) {
        write_bytes(disk / target, kOld);
      }
      const auto output = run_command("cd " + in_shell_quotes(disk.path()) + " && " + testing::program() + " " +
                                      writer.arguments + " 2>&1");
      INFO(writer.arguments << " on " << size << " kB: " << output.out);
      for (size_t i = 0; i < finished.size(); ++i) {
        const std::string left = read_bytes(disk / writer.targets[i]);
        CHECK((left == kOld || left == finished[i]));
        kept += left == kOld;
        CHECK((output.exit_code == 0) <= (left == finished[i]));
      }
      CHECK((output.exit_code == 0 ||
             (output.exit_code == writer.failure && output.out.find("No space left") != std::string::npos)));
      CHECK(list_folder(disk.path()).size() == writer.targets.size());
    }
    CHECK(kept < kilobytes.size() * finished.size());
  }
}

TEST_CASE("nothing lost: on a read-only disk every command says so, and the old file stays") {
  SmallDisk disk(64);
  if (!disk.mounted) {
    return;
  }
  const Inputs inputs;
  const std::vector<Writer> writers = {inputs.trace(),    inputs.quantize(), inputs.verify(),
                                       inputs.checksum(), inputs.run(),      inputs.tokenize()};
  for (const Writer& writer : writers) {
    for (const std::string& target : writer.targets) {
      write_bytes(disk / target, kOld);
    }
  }
  disk.make_read_only();
  for (const Writer& writer : writers) {
    const auto output = run_command("cd " + in_shell_quotes(disk.path()) + " && " + testing::program() + " " +
                                    writer.arguments + " 2>&1");
    INFO(writer.arguments << ": " << output.out);
    CHECK(output.exit_code == writer.failure);
    CHECK(output.out.find("Read-only file system") != std::string::npos);
    for (const std::string& target : writer.targets) {
      CHECK(read_bytes(disk / target) == kOld);
    }
  }
}

TEST_CASE("nothing lost: a reader that closes the pipe early does not cost the file, nor does a closed output") {
  const Inputs inputs;
  for (const Writer& writer : {inputs.trace(), inputs.run()}) {
    Trial reference(writer, Before::kNothing);
    REQUIRE(reference.run() == 0);
    for (const char* ending : {" | true", " >&- 2>&-", " > /dev/full 2>&1"}) {
      const TempDir dir;
      run_command("cd " + in_shell_quotes(dir.path()) + " && { " + testing::program() + " " + writer.arguments +
                  " --format json" + ending + "; } 2>/dev/null");
      INFO(writer.arguments << ending);
      CHECK(list_folder(dir.path()) == writer.targets);
      Names contents;
      for (const std::string& target : writer.targets) {
        contents.push_back(read_bytes(dir / target));
      }
      CHECK(contents == reference.contents());
    }
  }
}

TEST_CASE("nothing lost: of two writers of one target one wins, whole") {
  const Inputs inputs;
  const Writer first = {"run " + inputs.tiny + " -o out.npz --seed 1 --input 'input_ids=randint(0,100):64x64'",
                        {"out.npz"}};
  const Writer second = {"run " + inputs.tiny + " -o out.npz --seed 2 --input 'input_ids=randint(0,100):8x64'",
                         {"out.npz"}};
  Names finished;
  for (const Writer& writer : {first, second}) {
    Trial trial(writer, Before::kNothing);
    REQUIRE(trial.run() == 0);
    finished.push_back(trial.contents().front());
  }
  REQUIRE(finished[0] != finished[1]);
  for (int i = 0; i < 6; ++i) {
    const TempDir dir;
    if (i % 2 == 1) {
      write_bytes(dir / "out.npz", kOld);
    }
    const auto output = run_command("cd " + in_shell_quotes(dir.path()) + " && { " + testing::program() + " " +
                                    first.arguments + " >/dev/null 2>&1 & one=$!; " + testing::program() + " " +
                                    second.arguments + " >/dev/null 2>&1; two=$?; wait $one && exit $two; }");
    CHECK(output.exit_code == 0);
    const std::string left = read_bytes(dir / "out.npz");
    CHECK((left == finished[0] || left == finished[1]));
    CHECK(list_folder(dir.path()) == Names{"out.npz"});
  }
}

}  // namespace bertjit
