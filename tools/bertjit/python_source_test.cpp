// Python files as the commands open them: size, places of imports.
#include "cli_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;

std::string repeated(const std::string& text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

}  // namespace

TEST_CASE("python source: a function of 20,000 terms is run, one of a million is refused with its place") {
  const TempDir folder;
  const auto run = [&](size_t terms) {
    testing::write_bytes(folder / "wide.py", "def f(x):\n    return x" + repeated(" + 1", terms) + "\n");
    return run_bertjit({"run", (folder / "wide.py").string() + ":f", "--input", "[1.0]"});
  };
  const CliOutput fits = run(20'000);
  CHECK(fits.exit_code == 0);
  CHECK(fits.out == "tensor([20001.])\n");
  const CliOutput large = run(1'000'000);
  CHECK(large.exit_code == 2);
  CHECK_THAT(large.err, Contains("wide.py:1:4: nested 1000006 deep; up to "));
}

TEST_CASE("python source: statements that were passed over are a warning of trace") {
  const TempDir folder;
  testing::write_bytes(folder / "f.py",
                       "import torch\nimport matplotlib.pyplot as plt\ntorch.manual_seed(3)\nplt.plot(torch.rand(2))\n"
                       "model = torch.nn.Linear(2, 1)\n");
  const CliOutput output = run_bertjit(
      {"trace", (folder / "f.py").string() + ":model", "--input", "rand:1x2", "-o", (folder / "out.pt").string()});
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("warn  passed-over") && Contains("f.py:4:0:"));
}

}  // namespace bertjit
