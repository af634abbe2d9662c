// The Python texts of lib/script/library against PyTorch's own, in Python; what they compute in bertjit is compared in
// tools/bertjit/corpus_test.cpp (layers.py).
#include <cstdlib>
#include <filesystem>
#include <iostream>

#include "record/record.h"
#include "script/compile_testing.h"
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

TEST_CASE("library: masks of the encoder may be given by keyword") {
  const std::string text =
      "class Net(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.0, batch_first=True)\n"
      "        self.encoder = nn.TransformerEncoder(layer, 1)\n"
      "    def forward(self, x, padding):\n"
      "        return self.encoder(x, src_key_padding_mask=padding) - self.encoder(x, None, padding)\n"
      "torch.manual_seed(0)\n"
      "net = Net()\n";
  const at::Tensor x = at::arange(2 * 3 * 8, at::kFloat).reshape({2, 3, 8}).sin();
  const at::Tensor padding = at::tensor({0, 0, 0, 0, 0, 1}).reshape({2, 3}).to(at::kBool);
  CHECK(testing::traced(text, "net", {x, padding}).abs().max().item<float>() == 0);
}

TEST_CASE("library: interpolate takes one factor for all sides, a factor for each, whole or not") {
  const std::string text =
      "def twice(x):\n"
      "    return F.interpolate(x, scale_factor=2) + F.interpolate(x, scale_factor=(2, 2.0)) + "
      "F.interpolate(x, size=(4, 4))\n"
      "def lines(x):\n"
      "    return F.interpolate(x[0], scale_factor=2.0)\n"
      "def scripted(x):\n"
      "    return F.interpolate(x, scale_factor=2.0) + F.interpolate(x, [4, 4]) + F.interpolate(x, 4)\n";
  const at::Tensor x = at::arange(4, at::kFloat).reshape({1, 1, 2, 2});
  const at::Tensor doubled = x.repeat_interleave(2, 2).repeat_interleave(2, 3);
  CHECK(at::equal(testing::traced(text, "twice", {x}), doubled * 3));
  CHECK(at::equal(testing::traced(text, "lines", {x}), x[0].repeat_interleave(2, 2)));
  CHECK(at::equal(testing::scripted(text, "scripted", {x}), doubled * 3));
}

TEST_CASE("library: the fill of a padding may be a whole number") {
  const std::string text = "def f(x):\n    return F.pad(x, (1, 1, 2, 0), \"constant\", 7) + F.pad(x, [1, 1, 2, 0])\n";
  const at::Tensor x = at::ones({2, 3});
  const at::Tensor expected = at::constant_pad_nd(x, {1, 1, 2, 0}, 7) + at::constant_pad_nd(x, {1, 1, 2, 0}, 0);
  CHECK(at::equal(testing::traced(text, "f", {x}), expected));
}

TEST_CASE("library: pooling gives indices where they are asked for, traced and by a compiled layer") {
  const std::string text =
      "def f(x):\n"
      "    largest, places = F.max_pool2d(x, 2, return_indices=True)\n"
      "    return F.max_pool2d(x, 2) - largest + places\n"
      "class Pool(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.pool = nn.MaxPool2d(2, return_indices=True)\n"
      "    def forward(self, x):\n"
      "        return self.pool(x)[1] + F.max_pool2d(x, 2) - F.max_pool2d(x, 2)\n";
  const at::Tensor x = at::arange(16, at::kFloat).reshape({1, 1, 4, 4});
  const at::Tensor places = at::tensor({5.0F, 7.0F, 13.0F, 15.0F}).reshape({1, 1, 2, 2});
  CHECK(at::equal(testing::traced(text, "f", {x}), places));
  CHECK(at::equal(testing::scripted(text, "Pool", {x}), places));
}

TEST_CASE("library: what is found inside a layer is told at the line of the file that called it") {
  const testing::PythonText code(
      "class Net(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.drop = nn.Dropout(0.5)\n"
      "    def forward(self, x):\n"
      "        return self.drop(x)\n");
  const at::Tensor x = at::ones({4});
  const auto findings = record_program(code.trace("Net", {x}), {x}, {}).findings;
  REQUIRE(findings.size() == 1);
  CHECK(std::string(finding_name(findings[0].kind)) == "nondeterminism");
  CHECK(findings[0].where.file == code.path());
  CHECK(findings[0].where.line == 9);  // after three imports
  CHECK_THAT(findings[0].detail, Catch::Matchers::StartsWith("aten::dropout, in torch/nn/functional.py:"));
}

TEST_CASE("library: an error inside a function of the library names the line that called it first") {
  const std::string text = "def f(x):\n    return F.interpolate(x, scale_factor=2, mode=\"linear\")\n";
  const at::Tensor x = at::ones({1, 1, 2, 2});
  const testing::PythonText code(text);
  const std::string run = testing::error_of([&] { interpret(code.trace("f", {x}), {x}); }).what();
  CHECK_THAT(run, Catch::Matchers::StartsWith(code.path() + ":5:11: NotImplementedError: mode linear"));
  CHECK_THAT(run, Catch::Matchers::Contains("torch/nn/_images.py:"));
  const std::string compiled = testing::compile_error("def f(x):\n    return F.gumbel_softmax(x, dim=\"last\")\n", "f",
                                                      CompileMode::kTrace, {x});
  CHECK_THAT(compiled, Catch::Matchers::StartsWith("code.py:5:"));
  CHECK_THAT(compiled, Catch::Matchers::Contains("torch/nn/functional.py:"));
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
