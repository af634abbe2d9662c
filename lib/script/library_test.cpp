// The Python texts of lib/script/library against PyTorch's own, in Python; what they compute in bertjit is compared in
// tools/bertjit/corpus_test.cpp (layers.py).
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "script/library.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

std::string shell_word(const std::filesystem::path& path) {
  std::string text = path.string();
  text.insert(0, 1, '\'');
  text.push_back('\'');
  return text;
}

std::string python() {
  const char* named = std::getenv("BERTJIT_PYTHON");
  return named != nullptr ? named : testing::testdata("../.deps/venv/bin/python").lexically_normal().string();
}

}  // namespace

TEST_CASE("library: every layer, function and initialiser is PyTorch's own in parameters, outputs and operators") {
  if (testing::run_command(shell_word(python()) + " -c 'import torch, numpy' 2>&1").exit_code != 0) {
    std::cerr << "SKIPPED: library: no Python with torch and numpy at " << python() << "\n";
    SUCCEED("skipped: no Python with torch");
    return;
  }
  // Made by PyTorch 2.13.0, on whose torch.nn the texts are modelled.
  const auto script = testing::testdata("../scripts/check_library.py").lexically_normal().string();
  const auto output = testing::run_command(shell_word(python()) + " " + shell_word(script) + " 2>/dev/null");
  INFO(output.out);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Catch::Matchers::Contains("compared, 0 differ"));
}

TEST_CASE("library: a text that draws other numbers than PyTorch is found by the comparison") {
  if (testing::run_command(shell_word(python()) + " -c 'import torch, numpy' 2>&1").exit_code != 0) {
    std::cerr << "SKIPPED: library: no Python with torch and numpy at " << python() << "\n";
    SUCCEED("skipped: no Python with torch");
    return;
  }
  const testing::TempDir folder;
  const auto root = testing::testdata("..").lexically_normal();
  namespace fs = std::filesystem;
  fs::create_directories(folder / "lib/script");
  fs::create_directories(folder / "scripts");
  fs::copy(root / "lib/script/library", folder / "lib/script/library", fs::copy_options::recursive);
  fs::copy(root / "scripts/check_library.py", folder / "scripts/check_library.py");
  const auto init = folder / "lib/script/library/torch/nn/init.py";
  std::string text = testing::read_bytes(init);
  const std::string right = "math.sqrt(3.0) * std";
  REQUIRE(text.find(right) != std::string::npos);
  text.replace(text.rfind(right), right.size(), "math.sqrt(3.1) * std");
  testing::write_bytes(init, text);
  const auto output = testing::run_command(shell_word(python()) + " " +
                                           shell_word(folder / "scripts/check_library.py") + " 2>/dev/null");
  INFO(output.out);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out, Catch::Matchers::Contains("nn.Linear(8, 5): parameters begin otherwise"));
}

TEST_CASE("library: its files are part of the program, sorted by path") {
  const auto files = library_files();
  REQUIRE(files.size() >= 20);
  for (size_t i = 1; i < files.size(); ++i) {
    CHECK(files[i - 1].path < files[i].path);
  }
  for (const auto& file : files) {
    INFO(file.path);
    CHECK(std::string(file.text) == testing::read_bytes(testing::testdata("../lib/script/library") / file.path));
  }
}

}  // namespace bertjit
