// What happens without libtorch, in processes of their own: this one has it loaded.
#include "cli_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::CommandOutput;

const std::string kTiny = testing::testdata("tiny-bert").string();
const std::string kTraced = testing::testdata("torchscript/traced.pt").string();

/// stdout and stderr of the program under some environment.
CommandOutput run_under(const std::string& environment, const std::string& arguments) {
  return testing::run_command(environment + " " + testing::program() + " " + arguments + " 2>&1");
}

void check_engine_missing(const std::string& environment, const std::string& reason) {
  for (const std::string& arguments :
       {"run '" + kTiny + "'", "trace '" + kTiny + "' -o /dev/null", "verify '" + kTraced + "'"}) {
    const CommandOutput output = run_under(environment, arguments);
    INFO(environment << " " << arguments << "\n" << output.out);
    CHECK(output.exit_code == 2);
    CHECK_THAT(output.out, Contains("cannot load the part that needs libtorch: " + reason));
    CHECK_THAT(output.out, Contains("pip install torch=="));
    CHECK_THAT(output.out, Contains("scripts/setup.sh"));
    CHECK_THAT(output.out, Contains("BERTJIT_LIBTORCH"));
  }
}

}  // namespace

TEST_CASE("engine: a missing engine says what is missing and how to install it") {
  check_engine_missing("BERTJIT_ENGINE=/nonexistent", "/nonexistent: cannot open shared object file");
}

TEST_CASE("engine: a library that is no engine is refused by name") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "text.so", "not a library");
  check_engine_missing("BERTJIT_ENGINE='" + (folder / "text.so").string() + "'", (folder / "text.so").string());
  const CommandOutput found = testing::run_command("ldd " + testing::program() + " | awk '/libm\\.so/ {print $3}'");
  const std::string libm = found.out.substr(0, found.out.find('\n'));
  if (libm.empty()) {
    std::cerr << "SKIPPED: a library without bertjit_engine: the program links no libm\n";
    return;
  }
  check_engine_missing("BERTJIT_ENGINE=" + libm, libm + ": is no engine of bertjit");
}

TEST_CASE("engine: a folder without libtorch is named, with the variable that names it") {
  const testing::TempDir folder;
  for (const std::string variable : {"BERTJIT_LIBTORCH", "TORCH_DIR"}) {
    check_engine_missing(variable + "='" + folder.path().string() + "'",
                         variable + ": " + folder.path().string() + ": ");
  }
}

TEST_CASE("engine: a libtorch of another version is refused before it is loaded") {
  const testing::TempDir folder;
  std::filesystem::create_directories(folder / "lib");
  testing::write_bytes(folder / "lib/libtorch_cpu.so", "never read");
  testing::write_bytes(folder / "version.py", "__version__ = '1.13.1+cpu'\n");
  check_engine_missing(
      "BERTJIT_LIBTORCH='" + folder.path().string() + "'",
      "BERTJIT_LIBTORCH: " + folder.path().string() + " holds libtorch 1.13.1, this bertjit was built with 2.");
}

TEST_CASE("engine: empty variables count as unset") {
  const CommandOutput output =
      run_under("BERTJIT_ENGINE= BERTJIT_LIBTORCH= TORCH_DIR=", "run '" + kTiny + "' --text hi --quiet");
  INFO(output.out);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Catch::Matchers::StartsWith("(tensor(["));
}

TEST_CASE("engine: checksum and help work without one, and the program maps no libtorch and no ICU") {
  const testing::TempDir folder;
  // FIPS 180-4's example: SHA-512 of "abc".
  testing::write_bytes(folder / "abc", "abc");
  const CommandOutput hashed =
      run_under("BERTJIT_ENGINE=/nonexistent", "checksum < '" + (folder / "abc").string() + "'");
  CHECK(hashed.exit_code == 0);
  CHECK(
      hashed.out ==
      "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e"
      "2a9ac94fa54ca49f  -\n");
  for (const char* arguments : {"--help", "--version", "trace --help", "verify --help", "tokenize --help"}) {
    const CommandOutput output = run_under("BERTJIT_ENGINE=/nonexistent BERTJIT_LIBTORCH=/nonexistent", arguments);
    INFO(output.out);
    CHECK(output.exit_code == 0);
  }
  const CommandOutput libraries = testing::run_command("ldd " + testing::program());
  INFO(libraries.out);
  CHECK(libraries.exit_code == 0);
  CHECK_THAT(libraries.out, Contains("libstdc++.so"));
  CHECK_THAT(libraries.out, !Contains("torch") && !Contains("libc10"));
  CHECK_THAT(libraries.out, !Contains("libicu"));
}

}  // namespace bertjit
