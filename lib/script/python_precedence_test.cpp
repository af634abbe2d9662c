// testdata/python/expressions.txt holds random expressions and what Python 3.11 makes of them
// (scripts/make_expressions.py): evaluated at the top of a file, compiled, and traced over tensors.
#include <sstream>

#include "script/builtins.h"
#include "script/compile_testing.h"
#include "script/operators.h"
#include "script/script_file.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Matchers::Contains;

namespace {

struct Example {
  std::string text;
  std::string value;
};

std::vector<Example> examples(const std::string& kind) {
  std::vector<Example> result;
  std::istringstream lines(read_bytes(testdata("python/expressions.txt")));
  for (std::string line; std::getline(lines, line);) {
    const size_t first = line.find('\t');
    const size_t second = line.find('\t', first + 1);
    if (line.substr(0, first) == kind) {
      result.push_back({line.substr(first + 1, second - first - 1), line.substr(second + 1)});
    }
  }
  return result;
}

std::string shown(const c10::IValue& value) {
  return text_of(from_ivalue(value));
}

std::string evaluated(const std::string& text, const std::string& name = "x") {
  evaluation() = Evaluation();
  ScriptFile file(std::make_shared<PythonFile>("f.py", text), "");
  return text_of(*file.require(name));
}

std::string functions(const std::vector<Example>& all, const std::string& parameters) {
  std::string text;
  for (size_t i = 0; i < all.size(); ++i) {
    text += "def f" + std::to_string(i) + "(" + parameters + "):\n    return " + all[i].text + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("python precedence: 700 expressions at the top of a file have Python's values") {
  size_t count = 0;
  for (const std::string kind : {"any", "typed"}) {
    for (const auto& [text, value] : examples(kind)) {
      INFO(text);
      CHECK(evaluated("a = 5\nb = -3\nc = 2\np = True\nq = False\nx = " + text + "\n") == value);
      ++count;
    }
  }
  CHECK(count == 700);
}

TEST_CASE("python precedence: 300 expressions in a compiled function have Python's values") {
  const auto all = examples("typed");
  REQUIRE(all.size() == 300);
  const PythonText code(functions(all, "a: int, b: int, c: int, p: bool, q: bool"));
  for (size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].text);
    CHECK(shown(run(code.script("f" + std::to_string(i)), {5, -3, 2, true, false})) == all[i].value);
  }
}

TEST_CASE("python precedence: 200 expressions of tensors in a traced function have Python's values") {
  const auto all = examples("tensor");
  REQUIRE(all.size() == 200);
  const PythonText code(functions(all, "a, b, c"));
  const std::vector<c10::IValue> inputs = {at::tensor(5), at::tensor(-3), at::tensor(2)};
  for (size_t i = 0; i < all.size(); ++i) {
    INFO(all[i].text);
    const at::Tensor value = run(code.trace("f" + std::to_string(i), inputs), inputs).toTensor();
    CHECK(shown(from_ivalue(value.item()).get<c10::IValue>()->toScalar()) == all[i].value);
  }
}

TEST_CASE("python precedence: a comprehension with conditions and several loops gives Python's list") {
  // Values are Python 3.11's.
  CHECK(evaluated("x = [i * 2 for i in range(6) if i % 2 or i > 3 and i < 6]\n") == "[2, 6, 8, 10]");
  CHECK(evaluated("x = [(i, j) for i in range(3) for j in range(i)]\n") == "[(1, 0), (2, 0), (2, 1)]");
  CHECK(evaluated("x = [i + j for i in range(4) if i != 1 for j in range(3) if j if i != j]\n") == "[1, 2, 3, 4, 5]");
  CHECK(evaluated("x = sum(i for i in range(10) if i > 7)\n") == "17");
  CHECK(evaluated("d = {i: j for i, j in [(1, 2), (3, 4)] if i > 1}\nx = d[3], len(d)\n") == "(4, 1)");
  CHECK(evaluated("x = [a if a > 1 else -a for a in range(4) if a]\n") == "[-1, 2, 3]");
  CHECK(evaluated("x = [[j for j in range(i) if j] for i in range(4) if i > 1]\n") == "[[1], [1, 2]]");
}

TEST_CASE("python precedence: what is compiled says where such a comprehension is, and the way out") {
  const std::string message =
      compile_error("def f(x):\n    return [i for i in range(3) if i > 1]\n", "f", CompileMode::kTrace, {floats({1})});
  CHECK_THAT(message,
             Contains("code.py:5:11: a comprehension with 'if' or with two 'for' is outside what is compiled"));
  CHECK_THAT(message, Contains("write a loop that appends"));
}

TEST_CASE("python precedence: brackets are matched, and nested no deeper than Python nests them") {
  const auto error = [](const std::string& text) { return std::string(error_of([&] { evaluated(text); }).what()); };
  CHECK_THAT(error("x = (1, [2)\n"), Contains("f.py:1:10: unmatched ')'"));
  CHECK_THAT(error("x = f(1\n"), Contains("f.py:1:5: '(' was never closed"));
  CHECK(evaluated("x = " + std::string(150, '(') + "1" + std::string(150, ')') + "\n") == "1");
  CHECK_THAT(error("x = " + std::string(5000, '(') + "1" + std::string(5000, ')') + "\n"),
             Contains("f.py:1:204: too many nested parentheses"));
  CHECK_THAT(error("x = {1, 2}\n"), Contains("f.py:1:4: a set is outside the subset"));
}
