// Programs of any size: they work, or are refused with the place; no size ends the process.
#include <functional>

#include "script/compile_testing.h"
#include "script/object_values.h"
#include "script/operators.h"
#include "support/deep_stack.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Matchers::Contains;

namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string result;
  for (size_t i = 0; i < times; ++i) {
    result += text;
  }
  return result;
}

// On the stack that the program gives an operation, so that the tree, too, goes there.
void on_deep_stack(const std::function<void()>& work) {
  run_with_stack(size_t{4} << 30, work);
}

double first_number(const std::string& text) {
  double number = 0;
  on_deep_stack([&] {
    const PythonText code(text);
    number = run(code.script("f"), {floats({1})}).toTensor().item<double>();
  });
  return number;
}

}  // namespace

TEST_CASE("large programs: 20,000 terms, and as many lines, are compiled and run") {
  CHECK(first_number("def f(x):\n    return x" + repeated(" + 1", 20'000) + "\n") == 20'001);
  CHECK(first_number("def f(x):\n    i = 1\n" + repeated("    x = x + i\n", 20'000) + "    return x\n") == 20'001);
  CHECK(first_number("def f(x):\n    return x" + repeated(".relu()", 20'000) + "\n") == 1);
}

TEST_CASE("large programs: expressions at the top of a file may be as large") {
  on_deep_stack([] {
    const PythonText code("n = 1" + repeated(" + 1", 50'000) + "\nm = 1" + repeated(" if 0 else 1", 20'000) +
                          "\ndef f(x):\n    return x * n * m\n");
    CHECK(run(code.script("f"), {floats({1})}).toTensor().item<double>() == 50'001);
  });
}

TEST_CASE("large programs: what is too large is refused with its place") {
  // The stack of the test itself, which is smaller than an operation's.
  const auto error = [](const std::string& text) {
    std::string message;
    run_with_stack(size_t{64} << 20, [&] { message = compile_error(text, "f", CompileMode::kScript, {}); });
    return message;
  };
  CHECK_THAT(error("def f(x):\n    return x" + repeated(" + 1", 20'000) + "\n"),
             Contains("code.py:4:4: nested ") && Contains("store parts of long expressions in variables"));
  CHECK_THAT(
      error("def f(x):\n    return x" + repeated(" + 1", 200'000) + "\n"),
      Contains("code.py:5:4: an expression of more than ") || Contains("code.py:5:11: an expression of more than "));
  CHECK_THAT(error("def f(x):\n    return x * " + repeated("-", 2000) + "1\n"), Contains("operators in a row"));
  CHECK_THAT(error("def f(x):\n    if x.dim() == 0:\n        x = x + 1\n" +
                   repeated("    elif x.dim() == 1:\n        x = x + 1\n", 4000) + "    return x\n"),
             Contains("more than 3000 'elif'"));
  std::string blocks;
  for (size_t i = 1; i <= 150; ++i) {
    blocks += std::string(i, ' ') + "if x.dim() == 1:\n";
  }
  CHECK_THAT(error("def f(x):\n" + blocks + std::string(151, ' ') + "x = x + 1\n return x\n"),
             Contains("too many levels of indentation"));
}
