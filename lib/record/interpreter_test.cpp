// The interpreter against libtorch's own executor, and what it says where a program cannot go on.
#include "record/interpreter.h"

#include "record/program_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::compile_functions;
using testing::copied;
using testing::error_of;
using testing::function_program;
using testing::numbers;
using testing::same_values;

namespace {

/// What libtorch's executor answers, of a program compiled apart.
c10::IValue executed(const std::string& text, const torch::jit::Stack& inputs) {
  const Program program = function_program(text);
  torch::jit::Stack stack = copied(inputs);
  program.function->run(stack);
  return stack.at(0);
}

const std::vector<std::string>& programs() {
  static const std::vector<std::string> texts = {
      "def f(x):\n    return x + 1, x * x\n",
      "def f(x):\n    result = x[0]\n    for i in range(x.size(0)):\n        result = result * x[i]\n    return "
      "result\n",
      "def f(x):\n    n = 0\n    while bool(x.sum() > n):\n        n += 3\n        x = x - n\n    return x, "
      "torch.tensor(n)\n",
      "def f(x):\n    if bool(x.sum() > 0):\n        return x + 1\n    return x - 1\n",
      "def f(x):\n    for i in range(10):\n        if i == 3:\n            continue\n        if i == 7:\n            "
      "break\n        x = x + i\n    return x\n",
      "def f(x):\n    for i in range(5):\n        for j in range(i):\n            if j == 2:\n                return x "
      "* 100\n            x = x + j\n    return x\n",
      "def f(x):\n    for row in x:\n        x = x + row\n    return x\n",
      "def g(x, n: int = 3):\n    return x * n\ndef f(x):\n    return g(x) + g(x, 4)\n",
      "def f(x):\n    parts = [x, x + 1]\n    parts.append(x * 2)\n    return torch.cat(parts), parts[-1]\n",
      "def f(x):\n    d = {'a': x}\n    d['b'] = x + 1\n    return d['a'] + d['b']\n",
      "def f(x):\n    a, b = x, x + 1\n    t = (a, b, x.size(0))\n    return t[0] + t[1] * t[2]\n",
      "def f(x):\n    sizes = x.shape[1:]\n    sizes.append(2)\n    return torch.zeros(sizes) + len(sizes)\n",
      "def f(x):\n    y = torch.zeros([3])\n    y[0] = 2.0\n    y[1:] += 1\n    return y + x.sum()\n",
      "def f(x):\n    return torch.stack([r * 2 for r in [x, x]])\n",
      "def f(x):\n    a, b = torch.split(x, [1, 2])\n    return a + b.sum(), 2 - x, 1 / x, x // 2\n",
      "def g(x):\n    return x + 1\ndef f(x):\n    later = fork(g, x)\n    return wait(later) * "
      "2\n",
      "def g(x: Optional[Tensor]):\n    if x is None:\n        return torch.ones([2])\n    return x\n"
      "def f(x):\n    return g(None), g(x)\n",
      "def f(x):\n    s = '{}-{}'.format(x.dim(), 'b')\n    n = len(s)\n    return x * n\n",
      "def f(x):\n    total = 0.0\n    for v in [1.5, 2.5]:\n        total += v ** 2\n    return x * total, x * "
      "int(total), x * (7 // 2) * (-7 % 3)\n",
  };
  return texts;
}

}  // namespace

TEST_CASE("interpret: loops, branches, containers and calls answer as libtorch's executor does, bit for bit") {
  for (const auto& text : programs()) {
    INFO(text);
    const torch::jit::Stack inputs{numbers({3, 4})};
    CHECK(same_values(executed(text, inputs), interpret(function_program(text), copied(inputs))));
  }
}

TEST_CASE("interpret: what is compared above differs where a program differs") {
  const torch::jit::Stack inputs{numbers({3, 4})};
  CHECK_FALSE(same_values(executed("def f(x):\n    return x + 1\n", inputs),
                          interpret(function_program("def f(x):\n    return x + 2\n"), copied(inputs))));
}

TEST_CASE("interpret: an operator's refusal is at its line and column, with the lines that called") {
  const Program program = function_program(
      "def inner(x):\n    y = x * 2\n    return y.view(7)\n\ndef outer(x):\n    return inner(x + 1)\n");
  const Error error = error_of([&] { interpret(program, {numbers({2, 3})}); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK(std::string(error.what()) ==
        "loop.py:3:11: shape '[7]' is invalid for input of size 6\n"
        "      return y.view(7)\n"
        "             ^~~~~~\n"
        "loop.py:6:11: in the call of 'inner'\n"
        "      return inner(x + 1)\n"
        "             ^~~~~");
}

TEST_CASE("interpret: raise and assert are errors with their own words") {
  const Program raises = function_program(
      "def f(x):\n    if x.size(0) != 2:\n        raise ValueError('rows: ' + str(x.size(0)))\n    return x\n");
  CHECK_THAT(error_of([&] {
               interpret(raises, {numbers({3, 4})});
             }).what(),
             Contains("loop.py:3:8: ValueError: rows: 3\n"));
  CHECK(interpret(raises, {numbers({2, 4})}).isTensor());
  const Program asserts = function_program("def f(x):\n    assert x.size(0) == 2, 'two rows'\n    return x\n");
  CHECK_THAT(error_of([&] {
               interpret(asserts, {numbers({3, 4})});
             }).what(),
             Contains("loop.py:2:4: AssertionError: two rows\n"));
}

TEST_CASE("interpret: a loop that does not end is stopped at the limit, at its line") {
  const Program program = function_program("def f(x):\n    while True:\n        x = x + 1\n    return x\n");
  InterpreterLimits limits;
  limits.max_steps = 1000;
  const Error error = error_of([&] { interpret(program, {numbers({2})}, limits); });
  CHECK_THAT(error.what(), Contains("loop.py:3:12: stopped after 1000 operations"));
}

TEST_CASE("interpret: too few, too many and other inputs are named; defaults and fixed arguments are filled in") {
  Program program = function_program("def f(x, n: int, y: int = 5):\n    return x * n + y\n");
  CHECK_THAT(error_of([&] { interpret(program, {}); }).what(), Contains("f: no input for argument 'x'"));
  CHECK_THAT(error_of([&] {
               interpret(program, {numbers({2}), "a"});
             }).what(),
             Contains("f: argument 'n' is int, not str"));
  CHECK_THAT(error_of([&] {
               interpret(program, {numbers({2}), 1, 2, 3});
             }).what(),
             Contains("f: 4 inputs for 3 arguments (x, n, y)"));
  CHECK(same_values(interpret(program, {numbers({2}), 2}), numbers({2}) * 2 + 5));
  program.fixed.emplace(1, 7);
  CHECK(same_values(interpret(program, {numbers({2})}), numbers({2}) * 7 + 5));
  CHECK(same_values(interpret(program, {numbers({2}), 1}), numbers({2}) * 7 + 1));
}

TEST_CASE("interpret: a module's methods, attributes and submodules, also through an interface") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto inner = testing::bare_module("Inner", unit);
  inner.register_parameter("weight", numbers({4}), false);
  testing::define_methods(
      inner, "def forward(self, x):\n    return self.scaled(x)\ndef scaled(self, x):\n    return x * self.weight\n");
  auto outer = testing::bare_module("Outer", unit);
  outer.register_module("inner", inner);
  outer.register_attribute("count", c10::IntType::get(), 0);
  testing::define_methods(
      outer, "def forward(self, x):\n    self.count += 1\n    return self.inner.forward(x) * self.count\n");
  const Program program = module_program(outer, "outer");
  CHECK(same_values(interpret(program, {numbers({3, 4})}), numbers({3, 4}) * numbers({4})));
  CHECK(same_values(interpret(program, {numbers({3, 4})}), numbers({3, 4}) * numbers({4}) * 2));
  CHECK(outer.attr("count").toInt() == 2);
  CHECK_THAT(error_of([&] { module_program(testing::bare_module("Empty", unit), "empty"); }).what(),
             Contains("empty: the module has no forward method"));
}

TEST_CASE("interpret: what is no longer needed is let go while a program runs") {
  // 1 MB a turn: a hundred turns held at once would be 100 MB of live tensors.
  const Program program =
      function_program("def f(x):\n    for i in range(100):\n        y = x + i\n        x = y * 2\n    return x\n");
  const at::Tensor input = at::ones({1 << 18});
  const auto output = interpret(program, {input}).toTensor();
  CHECK(output.storage().use_count() == 1);
  CHECK(input.storage().use_count() == 1);
}

}  // namespace bertjit
