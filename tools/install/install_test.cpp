// The installed tree, moved to another folder: the program finds its parts and libtorch, another project finds the
// library, manuals and completions are where systems look for them.
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <string>

#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::CommandOutput;
using testing::run_command;

namespace {

std::string quoted(const fs::path& path) {
  return "'" + path.string() + "'";
}

/// Installed once, under a name that it does not keep.
class Installed {
 public:
  Installed() {
    const fs::path first = folder_ / "first";
    const CommandOutput output =
        run_command("cmake --install " BERTJIT_BINARY_DIR " --prefix " + quoted(first) + " 2>&1");
    INFO(output.out);
    REQUIRE(output.exit_code == 0);
    fs::rename(first, prefix());
  }
  fs::path prefix() const {
    return folder_ / "moved here";
  }

 private:
  testing::TempDir folder_;
};

const fs::path& prefix() {
  static const Installed installed;
  static const fs::path folder = installed.prefix();
  return folder;
}

/// The installed program with nothing of the user's environment but `environment`.
CommandOutput run_alone(const std::string& environment, const std::string& arguments) {
  return run_command("env -i HOME=/nonexistent PATH=/nonexistent " + environment + " " +
                     quoted(prefix() / "bin/bertjit") + " " + arguments + " 2>&1");
}

std::string trace_tiny(const fs::path& output) {
  return "trace " + quoted(testing::testdata("tiny-bert")) + " --quiet -o " + quoted(output);
}

/// A folder that looks like a libtorch of that version to whoever does not load it.
fs::path make_other_version(const fs::path& folder, const std::string& version) {
  fs::create_directories(folder / "lib");
  fs::create_directories(folder / "share/cmake/Torch");
  testing::write_bytes(folder / "lib/libtorch_cpu.so", "");
  testing::write_bytes(folder / "share/cmake/Torch/TorchConfigVersion.cmake",
                       "set(PACKAGE_VERSION \"" + version + "\")\n");
  return folder;
}

/// The machine may have a torch where every program looks; then none can be missed.
bool system_has_torch() {
  const bool found =
      run_command("ls -d /usr/lib/python3*/*-packages/torch /usr/local/lib/python3*/*-packages/torch 2>/dev/null")
          .out != "";
  if (found) {
    std::cerr << "SKIPPED: " << Catch::getResultCapture().getCurrentTestName() << ": this system has a torch\n";
  }
  return found;
}

}  // namespace

TEST_CASE("install: the tree works where it was moved to, and names no folder of the machine it was built on") {
  const CommandOutput version = run_alone("", "--version");
  CHECK(version.exit_code == 0);
  CHECK_THAT(version.out, Catch::Matchers::StartsWith("bertjit "));
  CHECK(run_alone("", "checksum /dev/null").exit_code == 0);
  const CommandOutput tokens =
      run_alone("", "tokenize --tokenizer " + quoted(testing::testdata("tiny-bert")) + " hello");
  INFO(tokens.out);
  CHECK(tokens.exit_code == 0);
  for (const char* file : {"bin/bertjit", "lib/bertjit/libbertjit_engine.so", "lib/bertjit/libbertjit_text.so"}) {
    const std::string dynamic = run_command("readelf -d " + quoted(prefix() / file)).out;
    INFO(file << "\n" << dynamic);
    CHECK_THAT(dynamic, Contains("NEEDED"));
    CHECK_THAT(dynamic, !Contains("[/") && !Contains("RPATH"));
  }
  const std::string config = run_command("grep -rl " + quoted(BERTJIT_TORCH_FOLDER) + " " +
                                         quoted(prefix() / "lib/cmake") + " " + quoted(prefix() / "include"))
                                 .out;
  CHECK(config.empty());
}

TEST_CASE("install: without libtorch a command says what was looked for and what to do") {
  if (system_has_torch()) {
    return;
  }
  const testing::TempDir folder;
  const CommandOutput output = run_alone("", trace_tiny(folder / "t.pt"));
  INFO(output.out);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.out, Contains("no libtorch 2.") && Contains("BERTJIT_LIBTORCH is not set") &&
                             Contains("pip install torch==2."));
  const CommandOutput env = run_alone("", "env --format json");
  CHECK(env.exit_code == 0);
  CHECK_THAT(env.out, Contains("\"loaded\": false") && Contains("no libtorch 2."));
}

TEST_CASE("install: libtorch is found where it is named, beside the program, and where Python has it") {
  const testing::TempDir folder;
  const fs::path torch = BERTJIT_TORCH_FOLDER;
  const auto check = [&](const std::string& environment) {
    const CommandOutput output = run_alone(environment, trace_tiny(folder / "t.pt"));
    INFO(environment << "\n" << output.out);
    CHECK(output.exit_code == 0);
  };
  check("BERTJIT_LIBTORCH=" + quoted(torch));
  check("TORCH_DIR=" + quoted(torch));

  fs::create_directory_symlink(torch, prefix() / "libtorch");
  check("");
  fs::remove(prefix() / "libtorch");

  const fs::path packages = folder / "venv/lib/python3.11/site-packages";
  fs::create_directories(packages);
  fs::create_directory_symlink(torch, packages / "torch");
  check("VIRTUAL_ENV=" + quoted(folder / "venv"));
  check("CONDA_PREFIX=" + quoted(folder / "venv"));
  fs::create_directories(folder / "venv/bin");
  testing::write_bytes(folder / "venv/bin/python3", "#!/bin/false\n");
  check("PATH=" + quoted(folder / "venv/bin"));
  check("PYTHONPATH=" + quoted(packages) + " PATH=/usr/bin:/bin");  // what only Python itself knows
}

TEST_CASE("install: a libtorch in the current folder is not taken") {
  if (system_has_torch()) {
    return;
  }
  const testing::TempDir folder;
  fs::create_directory_symlink(BERTJIT_TORCH_FOLDER, folder / "torch");
  fs::create_directory_symlink(BERTJIT_TORCH_FOLDER, folder / "libtorch");
  const CommandOutput output =
      run_command("cd " + quoted(folder.path()) + " && env -i HOME=/nonexistent PATH=/usr/bin:/bin " +
                  quoted(prefix() / "bin/bertjit") + " " + trace_tiny(folder / "t.pt") + " 2>&1");
  INFO(output.out);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.out, Contains("no libtorch 2."));
}

TEST_CASE("install: a libtorch of another version is told and not loaded") {
  const testing::TempDir folder;
  const fs::path other = make_other_version(folder / "libtorch", "1.13.1");
  const CommandOutput named = run_alone("BERTJIT_LIBTORCH=" + quoted(other), trace_tiny(folder / "t.pt"));
  INFO(named.out);
  CHECK(named.exit_code == 2);
  CHECK_THAT(named.out, Contains("BERTJIT_LIBTORCH: " + other.string() +
                                 " holds libtorch 1.13.1, this bertjit was built"
                                 " with 2."));

  // One that nobody named is passed over, and told if there is no other.
  const fs::path venv = folder / "venv";
  make_other_version(venv / "lib/python3.9/site-packages/torch", "2.1.0");
  if (!system_has_torch()) {
    const CommandOutput found = run_alone("VIRTUAL_ENV=" + quoted(venv), trace_tiny(folder / "t.pt"));
    INFO(found.out);
    CHECK(found.exit_code == 2);
    CHECK_THAT(found.out, Contains("python3.9/site-packages/torch holds libtorch 2.1.0"));
  }
  fs::create_directories(venv / "lib/python3.11/site-packages");
  fs::create_directory_symlink(BERTJIT_TORCH_FOLDER, venv / "lib/python3.11/site-packages/torch");
  const CommandOutput right = run_alone("VIRTUAL_ENV=" + quoted(venv), trace_tiny(folder / "t.pt"));
  INFO(right.out);
  CHECK(right.exit_code == 0);
}

TEST_CASE("install: each command has a manual, each shell its completions") {
  for (const char* file : {"share/man/man1/bertjit.1", "share/man/man1/bertjit-verify.1",
                           "share/man/man1/bertjit-env.1", "share/bash-completion/completions/bertjit",
                           "share/zsh/site-functions/_bertjit", "share/fish/vendor_completions.d/bertjit.fish",
                           "share/doc/bertjit/copyright", "share/bertjit/schemas/verify-1.schema.json"}) {
    INFO(file);
    CHECK(fs::is_regular_file(prefix() / file));
  }
}

// Configured, built and run, with the compiler that built bertjit.
TEST_CASE("install: the example of the C++ API is built against the installed library, and its test passes") {
  const testing::TempDir build;
  const fs::path source = testing::testdata("../docs/examples/cpp-api").lexically_normal();
  const auto configure = [&](const std::string& torch) {
    return run_command("cmake -S " + quoted(source) + " -B " + quoted(build.path()) +
                       " -G Ninja -D CHECKPOINT=" + quoted(testing::testdata("tiny-bert")) + " -D CMAKE_PREFIX_PATH='" +
                       prefix().string() + ";" + torch + "' 2>&1");
  };
  const CommandOutput configured = configure(BERTJIT_TORCH_FOLDER);
  INFO(configured.out);
  REQUIRE(configured.exit_code == 0);
  const CommandOutput built = run_command("cmake --build " + quoted(build.path()) + " 2>&1");
  INFO(built.out);
  REQUIRE(built.exit_code == 0);
  const CommandOutput tested = run_command("ctest --test-dir " + quoted(build.path()) + " --output-on-failure 2>&1");
  INFO(tested.out);
  CHECK(tested.exit_code == 0);
  CHECK_THAT(tested.out, Contains("100% tests passed"));
}

TEST_CASE("install: find_package refuses a libtorch of another version, and names both") {
  const testing::TempDir folder;
  const fs::path stub = folder / "stub/share/cmake/Torch";
  fs::create_directories(stub);
  testing::write_bytes(stub / "TorchConfig.cmake", "set(TORCH_INSTALL_PREFIX /stub)\n");
  testing::write_bytes(stub / "TorchConfigVersion.cmake",
                       "set(PACKAGE_VERSION 1.13.1)\nset(PACKAGE_VERSION_COMPATIBLE TRUE)\n");
  testing::write_bytes(folder / "CMakeLists.txt",
                       "cmake_minimum_required(VERSION 3.25)\nproject(other LANGUAGES CXX)\n"
                       "find_package(bertjit 0.1 REQUIRED)\n");
  const CommandOutput output =
      run_command("cd " + quoted(folder.path()) + " && cmake -S . -B build -G Ninja -D CMAKE_PREFIX_PATH='" +
                  prefix().string() + ";" + (folder / "stub").string() + "' 2>&1");
  INFO(output.out);
  CHECK(output.exit_code != 0);
  CHECK_THAT(output.out, Contains("it was built with libtorch 2.") && Contains("CMake found 1.13.1 in /stub"));
}

TEST_CASE("install: bertjit::core is found and linked without libtorch") {
  const testing::TempDir folder;
  testing::write_bytes(folder / "CMakeLists.txt",
                       "cmake_minimum_required(VERSION 3.25)\nproject(core LANGUAGES CXX)\n"
                       "find_package(bertjit 0.1 REQUIRED COMPONENTS core)\n"
                       "add_executable(core main.cpp)\ntarget_compile_features(core PRIVATE cxx_std_20)\n"
                       "target_link_libraries(core PRIVATE bertjit::core)\n");
  testing::write_bytes(folder / "main.cpp",
                       "#include <iostream>\n#include \"scan/scan.h\"\n"
                       "int main(int, char** argv) {\n"
                       "  return bertjit::scan_file(argv[1], {}).verdict == bertjit::ScanVerdict::kSafe ? 0 : 1;\n}\n");
  const CommandOutput built = run_command("cd " + quoted(folder.path()) +
                                          " && cmake -S . -B build -G Ninja -D CMAKE_PREFIX_PATH=" + quoted(prefix()) +
                                          " 2>&1 && cmake --build build 2>&1");
  INFO(built.out);
  REQUIRE(built.exit_code == 0);
  const std::string program = quoted(folder / "build/core");
  CHECK(run_command(program + " " + quoted(testing::testdata("torchscript/traced.pt"))).exit_code == 0);
  CHECK_THAT(run_command("ldd " + program).out, !Contains("torch"));
}

TEST_CASE("install: the reference of the headers is made without a warning") {
  if (run_command("command -v doxygen").exit_code != 0) {
    std::cerr << "SKIPPED: install: there is no doxygen\n";
    return;
  }
  const CommandOutput output =
      run_command(quoted(testing::testdata("../scripts/api_docs.sh").lexically_normal()) + " 2>&1");
  INFO(output.out);
  CHECK(output.exit_code == 0);
  CHECK(output.out == "build/api/html/index.html\n");
}

}  // namespace bertjit
