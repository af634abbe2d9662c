// What a model can do to the process that loads it, and what the program makes of that: in processes of its own, on
// files that crash libtorch 2.13, keep it busy or feed it without end.
#include <unistd.h>

#include <chrono>
#include <csignal>

#include "cli_testing.h"
#include "container/script_archive_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::find_check;
using testing::parse_json;
using testing::run_command;
using testing::TempDir;

namespace fs = std::filesystem;

const char* const kInput = " --input x=rand:1x3";

/// -2^63 // -1 has no 64-bit answer: the processor raises SIGFPE. Plain arithmetic, so the scan calls it safe.
const char* const kDivides =
    "_9 = torch.floordiv(torch.sub(-9223372036854775807, torch.size(x, 0)), torch.neg(torch.size(x, 0)))\n"
    "    return torch.add(_3, _9)\n";
/// Compressed rows that claim 4,000,000,000 entries of 2 (libtorch trusts them).
const char* const kReadsFarOff =
    "_9 = torch._convert_indices_from_csr_to_coo(torch.tensor([0, 1000000000, 4000000000]), torch.tensor([0, 1]))\n"
    "    return torch.add(_3, torch.sum(_9))\n";
const char* const kNeverEnds =
    "y = _3\n    while torch.gt(torch.size(y, 0), 0):\n      y = torch.neg(torch.detach(y))\n    return y\n";
const char* const kTakesAll =
    "y = _3\n    while torch.gt(torch.size(y, 0), 0):\n      y = torch.cat([y, torch.neg(y)])\n    return y\n";

/// traced.pt with other last lines of forward, in place of "return _3".
std::string file_that(const TempDir& folder, const std::string& lines, const std::string& name = "m.pt") {
  const fs::path path = folder / name;
  testing::edit_archive(testing::testdata("torchscript/traced.pt"), path, [&](testing::RecordMap& records) {
    testing::replace_once(records["traced/code/__torch__.py"], "return _3\n", lines);
  });
  return path.string();
}

/// A module whose __setstate__, which loading runs, does the same division.
std::string file_that_crashes_load(const TempDir& folder) {
  using namespace std::string_literals;
  const std::string code = R"(class Bomb(Module):
  __parameters__ = []
  __buffers__ = []
  training : bool
  count : int
  def forward(self: __torch__.Bomb,
    x: Tensor) -> Tensor:
    return x
  def __getstate__(self: __torch__.Bomb) -> Tuple[int]:
    return (1,)
  def __setstate__(self: __torch__.Bomb,
    state: Tuple[int]) -> NoneType:
    a, = state
    self.training = False
    self.count = torch.floordiv(torch.sub(-9223372036854775807, a), torch.neg(a))
    return None
)";
  const fs::path path = folder / "bomb.pt";
  // The object of that class, made without arguments and given the state (1,).
  testing::write_bytes(path, testing::make_zip({{"bomb/data.pkl",
                                                 "\x80\x02"
                                                 "c__torch__\nBomb\n)\x81K\x01\x85"
                                                 "b."},
                                                {"bomb/code/__torch__.py", code},
                                                {"bomb/constants.pkl", "\x80\x02)."},
                                                {"bomb/version", "3\n"},
                                                {"bomb/byteorder", "little"}}));
  return path.string();
}

/// Exit code, standard output and standard error of the program in a shell, where it runs as `prefix PROGRAM ...`.
testing::CliOutput run_program(const std::string& arguments, const std::string& prefix = "") {
  const TempDir folder;
  const std::string err = (folder / "err").string();
  // The subshell keeps the shell's own word on a crash out of the way.
  const auto output =
      run_command("(" + prefix + testing::program() + " " + arguments + " 2>'" + err + "'; exit $?) 2>/dev/null");
  return {output.exit_code, output.out, testing::read_bytes(err)};
}

std::string quoted(const std::string& path) {
  return " '" + path + "' ";
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

TEST_CASE("isolation: verify of a file that crashes libtorch fails, and keeps the checks that were done") {
  const TempDir folder;
  const std::string file = file_that(folder, kDivides);
  const auto output = run_program("verify" + quoted(file) + kInput + " --format json");
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK(output.err.empty());
  const auto json = parse_json(output.out);
  CHECK(json.at("schema") == "bertjit.verify/1");
  CHECK(json.at("verdict") == "fail");
  CHECK(json.at("blamed") == "grad-mode");
  CHECK(json.at("where") == "x [1, 3]");
  CHECK(json.at("environment").at("libtorch").is_string());
  CHECK(find_check(json, "safety").at("verdict") == "pass");
  const auto crashed = find_check(json, "grad-mode");
  CHECK(crashed.at("verdict") == "fail");
  CHECK(crashed.at("summary") == "crashed in run: SIGFPE");
  CHECK(crashed.at("evidence").at("signal") == "SIGFPE");
  CHECK(crashed.at("evidence").at("file") == file);
  CHECK(crashed.at("evidence").at("stages") == nlohmann::json({"verify", "check grad-mode", "run"}));
  CHECK(crashed.at("evidence").at("process").at("peak_memory_bytes") > 50000000);
  for (const char* id : {"roundtrip", "shapes", "weights"}) {
    CHECK(find_check(json, id).at("verdict") == "skip");
    CHECK(find_check(json, id).at("summary") == "not reached: crashed in run: SIGFPE");
  }
}

TEST_CASE("isolation: a crash is in every form of the report") {
  const TempDir folder;
  const std::string file = file_that(folder, kDivides);
  const fs::path html = folder / "r.html";
  const fs::path junit = folder / "r.xml";
  const auto output = run_program("verify" + quoted(file) + kInput + " --only safety,weights,repeat --html" +
                                  quoted(html.string()) + "--junit" + quoted(junit.string()));
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out, StartsWith("pass  safety   nothing in it does more than compute\n"
                                    "fail  repeat   crashed in run: SIGFPE\n"));
  CHECK_THAT(output.out, Contains("skip  weights  not reached: crashed in run: SIGFPE\n"));
  CHECK_THAT(output.out, Contains("m.pt: FAIL (1 pass, 1 fail, 1 skip), see repeat: x [1, 3]\n"));
  CHECK_THAT(testing::read_bytes(html), Contains("crashed in run: SIGFPE") && Catch::Matchers::EndsWith("</html>\n"));
  CHECK_THAT(testing::read_bytes(junit), Contains("tests=\"3\" failures=\"1\" errors=\"0\" skipped=\"1\"") &&
                                             Contains("<failure message=\"crashed in run: SIGFPE"));
}

TEST_CASE("isolation: a file that crashes while it is loaded fails, though no check was under way") {
  const TempDir folder;
  const auto output =
      run_program("verify" + quoted(file_that_crashes_load(folder)) + kInput + " --skip safety --format json");
  INFO(output);
  CHECK(output.exit_code == 1);
  const auto json = parse_json(output.out);
  CHECK(json.at("blamed") == "load");
  CHECK(find_check(json, "load").at("verdict") == "fail");
  CHECK(find_check(json, "load").at("summary") == "crashed in load: SIGFPE");
  CHECK(find_check(json, "grad-mode").at("verdict") == "skip");
}

TEST_CASE("isolation: other commands have no answer to a crash, and say which file, where and how") {
  const TempDir folder;
  const std::string runs_badly = file_that(folder, kDivides);
  const std::string loads_badly = file_that_crashes_load(folder);
  for (const std::string command : {"run", "bench"}) {
    const auto output = run_program(command + quoted(runs_badly) + kInput);
    INFO(command << " " << output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err,
               StartsWith("bertjit " + command + ": " + runs_badly + ": libtorch crashed in run: SIGFPE (on "));
    CHECK_THAT(output.err, Contains("--no-isolate"));
  }
  for (const std::string& arguments :
       {"inspect" + quoted(loads_badly), "run" + quoted(loads_badly) + kInput,
        "trace" + quoted(loads_badly) + kInput + " -o" + quoted((folder / "t.pt").string()),
        "quantize" + quoted(loads_badly) + kInput + " -o" + quoted((folder / "q.pt").string())}) {
    const auto output = run_program(arguments + " --no-scan");
    INFO(arguments << " " << output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains(": " + loads_badly + ": libtorch crashed in load: SIGFPE; "));
  }
  CHECK(testing::list_folder(folder.path()) == std::vector<std::string>{"bomb.pt", "m.pt"});
}

TEST_CASE("isolation: a read far outside of memory is told as such") {
  const TempDir folder;
  const auto output = run_program("run" + quoted(file_that(folder, kReadsFarOff)) + kInput + " --no-scan");
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("libtorch crashed in run: SIGSEGV"));
}

TEST_CASE("isolation: a source that crashes is no answer, and the report for CI systems says so") {
  const TempDir folder;
  const std::string source = file_that_crashes_load(folder);
  const fs::path junit = folder / "r.xml";
  const auto output = run_program("verify" + quoted(testing::testdata("torchscript/traced.pt").string()) + "--source" +
                                  quoted(source) + kInput + " --skip safety --junit" + quoted(junit.string()));
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, StartsWith("bertjit verify: " + source + ": libtorch crashed in load: SIGFPE"));
  CHECK_THAT(testing::read_bytes(junit), Contains("<error message=\"crashed in load: SIGFPE\""));
}

TEST_CASE("isolation: --timeout ends what never ends") {
  const TempDir folder;
  const std::string file = file_that(folder, kNeverEnds);
  const auto begin = std::chrono::steady_clock::now();
  const auto ran = run_program("run" + quoted(file) + kInput + " --timeout 2.5");
  INFO(ran);
  CHECK(seconds_since(begin) >= 2.5);
  CHECK(seconds_since(begin) < 60);
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, Contains(": libtorch gave no answer within 2.5 s, in run (on x [1, 3]); "));
  CHECK_THAT(ran.err, Contains("--timeout"));
  const auto verified = run_program("verify" + quoted(file) + kInput + " --timeout 2.5 --format json");
  INFO(verified);
  CHECK(verified.exit_code == 1);
  const auto check = find_check(parse_json(verified.out), "grad-mode");
  CHECK(check.at("summary") == "gave no answer within 2.5 s, in run");
  CHECK(check.at("evidence").at("limit_seconds") == 2.5);
  CHECK(check.at("evidence").at("process").at("seconds") >= 2.5);
}

TEST_CASE("isolation: --max-memory ends what takes more, and lets pass what does not") {
  const TempDir folder;
  const std::string file = file_that(folder, kTakesAll);
  const auto verified = run_program("verify" + quoted(file) + kInput + " --max-memory 1GB --format json");
  INFO(verified);
  CHECK(verified.exit_code == 1);
  const auto check = find_check(parse_json(verified.out), "grad-mode");
  CHECK(check.at("summary") == "took more than 1.00 GB, in run");
  CHECK(check.at("evidence").at("limit_bytes") == 1000000000);
  CHECK(check.at("evidence").at("process").at("peak_memory_bytes") > 1000000000);
  CHECK(check.at("evidence").at("process").at("peak_memory_bytes") < 2000000000);
  const auto ran = run_program("run" + quoted(file) + kInput + " --max-memory 1GB");
  CHECK(ran.exit_code == 2);
  CHECK_THAT(ran.err, Contains("took more than 1.00 GB") && Contains("allow more with --max-memory"));
  const std::string good = testing::testdata("torchscript/traced.pt").string();
  CHECK(run_program("run" + quoted(good) + kInput + " --max-memory 1GB --timeout 300").exit_code == 0);
}

TEST_CASE("isolation: with and without it a good file gets the same answer") {
  const std::string good = testing::testdata("torchscript/traced.pt").string();
  for (const std::string& arguments :
       {"run" + quoted(good) + kInput, "inspect" + quoted(good) + "--code",
        "verify" + quoted(good) + kInput + " --format json", "run" + quoted(good) + "--input y=rand:1x3",
        std::string("run /nonexistent.pt")}) {
    const auto apart = run_program(arguments);
    const auto together = run_program(arguments + " --no-isolate");
    INFO(arguments << "\n" << apart << "\n" << together);
    CHECK(apart.exit_code == together.exit_code);
    CHECK(apart.out == together.out);
    CHECK(apart.err == together.err);
  }
}

TEST_CASE("isolation: --no-isolate lets the program itself crash, for a debugger") {
  const TempDir folder;
  const auto output = run_program("run" + quoted(file_that(folder, kDivides)) + kInput + " --no-isolate");
  CHECK(output.exit_code == 128 + SIGFPE);
}

TEST_CASE("isolation: a model's process that the system kills is no verdict on the model") {
  const TempDir folder;
  if (!fs::exists("/proc/self/task/" + std::to_string(::getpid()) + "/children")) {
    std::cerr << "SKIPPED: isolation: a kill from outside: the system does not list children\n";
    return;
  }
  const std::string command =
      testing::program() + " verify" + quoted(file_that(folder, kNeverEnds)) + kInput + " 2>&1 & ";
  const auto output = run_command(command + "p=$!; sleep 2; kill -KILL $(cat /proc/$p/task/$p/children); wait $p");
  INFO(output.out);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.out,
             Contains("libtorch was ended in run by SIGKILL (on x [1, 3]); as a rule the system does that"));
}

TEST_CASE("isolation: who ends the program by a signal sees that signal, and the model's process ends too") {
  const TempDir folder;
  // Under nohup signals are ignored, and programs inherit that.
  const std::string busy =
      "env --default-signal " + testing::program() + " run" + quoted(file_that(folder, kNeverEnds)) + kInput;
  for (const auto& [name, code] : {std::pair("TERM", 143), std::pair("HUP", 129)}) {
    // The signal goes to the program alone; its child's number is asked for before, and looked for after.
    const auto output = run_command("(" + busy + " & p=$!; sleep 1.5; c=$(cat /proc/$p/task/$p/children); kill -" +
                                    name + " $p; wait $p; echo $?; kill -0 $c && echo still there) 2>/dev/null");
    CHECK(output.out == std::to_string(code) + "\n");
  }
  CHECK(run_command("timeout --preserve-status -s INT 1.5 " + busy).exit_code == 130);
}

TEST_CASE("isolation: an old file stays when the process that was to replace it dies") {
  const TempDir folder;
  const std::string file = file_that(folder, kDivides);
  fs::create_directory(folder / "out");
  const std::string target = (folder / "out" / "o.npz").string();
  testing::write_bytes(target, "old");
  CHECK(run_program("run" + quoted(file) + kInput + " -o" + quoted(target)).exit_code == 2);
  CHECK(testing::read_bytes(target) == "old");
  CHECK(testing::list_folder(folder / "out") == std::vector<std::string>{"o.npz"});
}

TEST_CASE("isolation: flags that mean nothing are refused") {
  const std::string run = "run" + quoted(testing::testdata("torchscript/traced.pt").string()) + kInput;
  for (const char* flags : {" --timeout 0", " --timeout -1", " --timeout nan", " --timeout inf", " --timeout soon",
                            " --max-memory 0", " --max-memory -1", " --max-memory much", " --max-memory 99999999999TB",
                            " --timeout 5 --no-isolate", " --max-memory 1GB --no-isolate"}) {
    const auto output = run_program(run + flags);
    INFO(flags << " " << output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
  }
  const auto shared = testing::run_bertjit({"run", "x.pt", "--timeout", "5"});
  CHECK(shared.exit_code == 2);
  CHECK_THAT(shared.err, Contains("are for the program"));
}

}  // namespace bertjit
