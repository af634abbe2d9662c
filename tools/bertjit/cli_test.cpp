// The program itself: help, usage errors, and how it ends when its output cannot be written.
#include "cli_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::CliOutput;
using testing::run_bertjit;

/// A line the user can act on, and where to read more.
void check_usage_error(const std::vector<std::string>& arguments, const std::string& message) {
  const CliOutput output = run_bertjit(arguments);
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, Contains(message));
  CHECK_THAT(output.err, StartsWith("bertjit"));
  CHECK_THAT(output.err, Contains("--help' for more information.\n"));
}

const std::string kTiny = testing::testdata("tiny-bert").string();

/// The commands in the order in which --help has them.
std::vector<std::string> listed_commands() {
  std::istringstream help(run_bertjit({"--help"}).out);
  std::vector<std::string> names;
  bool inside = false;
  for (std::string line; std::getline(help, line);) {
    if (inside && line.starts_with("  ")) {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
    inside = line == "Subcommands:" || (inside && line.starts_with("  "));
  }
  return names;
}

}  // namespace

TEST_CASE("cli: --help lists the commands in order, with examples and exit codes") {
  const CliOutput output = run_bertjit({"--help"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(output.err.empty());
  size_t before = 0;
  for (const char* command : {"\n  trace ", "\n  checksum ", "\n  verify ", "\n  run ", "\n  tokenize "}) {
    const size_t position = output.out.find(command);
    INFO(command);
    CHECK(position != std::string::npos);
    CHECK(position > before);
    before = position;
  }
  CHECK_THAT(output.out, Contains("Examples:\n  bertjit trace "));
  CHECK_THAT(output.out, Contains("Exit code: 0 yes, 1 no"));
  CHECK(run_bertjit({"-h"}).out == output.out);
}

TEST_CASE("cli: --version prints name and version on one line") {
  const CliOutput output = run_bertjit({"--version"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(output.err.empty());
  CHECK_THAT(output.out, Catch::Matchers::Matches("bertjit [0-9]+\\.[0-9]+\\.[0-9]+\n"));
}

TEST_CASE("cli: each command's --help shows its usage, examples and exit codes") {
  const auto commands = listed_commands();
  CHECK(commands.size() >= 9);
  for (const std::string& command : commands) {
    const CliOutput output = run_bertjit({command, "--help"});
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK(output.err.empty());
    CHECK_THAT(output.out, Contains("Usage: bertjit " + command));
    CHECK_THAT(output.out, Contains("\nExamples:\n  bertjit " + command));
    CHECK_THAT(output.out, Contains("Exit code: 0"));
  }
}

TEST_CASE("cli: an unknown command is named, with the known ones") {
  std::string known;
  for (const auto& command : listed_commands()) {
    known += (known.empty() ? "" : ", ") + command;
  }
  CHECK_THAT(known, StartsWith("trace, checksum, diff, verify, scan, run, inspect, "));
  check_usage_error({"tracee", "model"}, "bertjit: 'tracee' is no command (known: " + known + ")\n");
  check_usage_error({"--frob"}, "'--frob'");
  check_usage_error({}, "bertjit: A subcommand is required\n");
}

TEST_CASE("cli: missing arguments and unknown flags are named") {
  check_usage_error({"trace"}, "bertjit trace: SOURCE is required");
  check_usage_error({"trace", kTiny}, "bertjit trace: --output is required");
  check_usage_error({"run"}, "bertjit run: MODEL is required");
  check_usage_error({"verify"}, "bertjit verify: MODULE or --list is required");
  check_usage_error({"run", kTiny, "--frob"}, "not expected: --frob");
  check_usage_error({"run", kTiny, "second"}, "not expected: second");
  check_usage_error({"run", kTiny, "--text", "a", "--text", "b"}, "--text: At Most 1 required but received 2");
  check_usage_error({"run", kTiny, "--inputs"}, "--inputs");
}

TEST_CASE("cli: a word that is no choice of a flag lists those that are") {
  check_usage_error({"trace", kTiny, "-o", "x.pt", "--attention", "x"}, "--attention: 'x' is not one of eager|sdpa");
  check_usage_error({"trace", kTiny, "-o", "x.pt", "--tie", ""}, "--tie: '' is not one of clone|share");
  check_usage_error({"trace", kTiny, "-o", "x.pt", "--grad", "inference"}, "'inference' is not one of off|on");
  check_usage_error({"run", kTiny, "--grad", "maybe"}, "--grad: 'maybe' is not one of inference|off|on");
  check_usage_error({"run", kTiny, "--format", "yaml"}, "--format: 'yaml' is not one of json|text");
  check_usage_error({"run", kTiny, "--color", "blue"}, "--color: 'blue' is not one of always|auto|never");
}

TEST_CASE("cli: numbers that are none, or below zero, are refused") {
  check_usage_error({"run", kTiny, "--threads", "-1"}, "--threads: Value -1 not in range 0 to 1024");
  check_usage_error({"run", kTiny, "--threads", "x"}, "--threads: Value x not in range");
  check_usage_error({"run", kTiny, "--seed", "-1"}, "--seed: '-1' is not a whole number below 2^64");
  check_usage_error({"run", kTiny, "--seed", "1x"}, "--seed: '1x' is not a whole number");
  check_usage_error({"run", kTiny, "--seed", "18446744073709551616"}, "is not a whole number below 2^64");
  check_usage_error({"run", kTiny, "--text", "a", "--mask-index", "x"}, "--mask-index");
  check_usage_error({"verify", "x.pt", "--rtol", "-1"}, "--rtol");
  check_usage_error({"verify", "x.pt", "--atol", "x"}, "--atol");
}

TEST_CASE("cli: options that would be ignored are refused") {
  check_usage_error({"verify", "x.pt", "--attention", "eager"}, "--attention requires --source");
  check_usage_error({"verify", "x.pt", "--init", "random"}, "--init requires --source");
  check_usage_error({"trace", kTiny, "-o", "x.pt", "--no-check", "--check-shapes", "1x2"},
                    "--check-shapes excludes --no-check");
  check_usage_error({"run", kTiny, "--text", ""}, "--text: is empty");
  check_usage_error({"run", kTiny, "--text", "a", "--text-pair", ""}, "--text-pair: is empty");
  const CliOutput output = run_bertjit({"run", "x.pt", "--tie", "share"});
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.err == "bertjit run: --tie is for checkpoints; x.pt is taken as it is\n");
}

TEST_CASE("cli: a full standard output is an error, with a message") {
  for (const auto& arguments : std::vector<std::string>{"--help", "--version", "run '" + kTiny + "' --quiet",
                                                        "run '" + kTiny + "' --quiet --format json"}) {
    const auto output = testing::run_command(testing::program() + " " + arguments + " 2>&1 >/dev/full");
    INFO(arguments << "\n" << output.out);
    CHECK(output.exit_code == 2);
    CHECK_THAT(output.out, Contains("cannot write to standard output"));
  }
}

TEST_CASE("cli: a reader that goes away ends the program quietly") {
  // 16 MB of output: more than a pipe holds, so the program must meet the closed end.
  const testing::TempDir folder;
  const auto output = testing::run_command("bash -c \"" + testing::program() + " run '" + kTiny +
                                           "' --input input_ids='randint(0,100):512x64' --format json --quiet 2>'" +
                                           (folder / "err").string() + "' | head -1; echo \\${PIPESTATUS[0]}\"");
  INFO(output.out);
  // 141 is a shell's word for death by SIGPIPE, what cat and sha512sum answer too.
  CHECK(output.out == "{\n141\n");
  CHECK(testing::read_bytes(folder / "err").empty());
}

}  // namespace bertjit
