// Functions. Expected values are computed by hand, or are what Python 3.11 gives for the same text with torch 2.13.
#include "script/compile.h"

#include "script/compile_testing.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Contains;

namespace {

void check_equal(const at::Tensor& actual, const at::Tensor& expected) {
  INFO(actual);
  CHECK(at::equal(actual, expected));
}

const at::Tensor kX = floats({1, 2, 3});

}  // namespace

TEST_CASE("compile: a loop whose turns depend on a size keeps its carried value") {
  const std::string text =
      "def fn(x):\n"
      "    result = x[0]\n"
      "    for i in range(x.size(0)):\n"
      "        result = result * x[i]\n"
      "    return result\n";
  const at::Tensor x = floats({2, 3, 5});  // 2 * 2 * 3 * 5
  check_equal(scripted(text, "fn", {x}), at::scalar_tensor(60));
  check_equal(traced(text, "fn", {x}), at::scalar_tensor(60));
}

TEST_CASE("compile: branches, while, early returns, break and continue") {
  const std::string text =
      "def fn(x):\n"
      "    if x.sum() > 100:\n"
      "        return x\n"
      "    total = 0\n"
      "    while total < 20:\n"
      "        total += 1\n"
      "        if total % 2 == 0:\n"
      "            continue\n"
      "        if total > 7:\n"
      "            break\n"
      "    return x + total\n";
  for (const auto& run_text : {scripted, traced}) {
    check_equal(run_text(text, "fn", {kX}), kX + 9);
    check_equal(run_text(text, "fn", {kX * 100}), kX * 100);
  }
}

TEST_CASE("compile: called functions are compiled with what they call") {
  const std::string text =
      "def square(x):\n"
      "    return x * x\n"
      "def twice(x):\n"
      "    return square(x) + square(x)\n"
      "def fn(x):\n"
      "    return twice(square(x))\n";
  const at::Tensor expected = floats({2, 32, 162});
  check_equal(scripted(text, "fn", {kX}), expected);
  check_equal(traced(text, "fn", {kX}), expected);
}

TEST_CASE("compile: in kTrace a callee has the types of each call") {
  const std::string text =
      "def pick(values, i):\n"
      "    return values[i]\n"
      "def fn(x):\n"
      "    return pick([x, x * 2], 1) + pick((x, 7), 1) + pick({'a': x}, 'a')\n";
  check_equal(traced(text, "fn", {kX}), kX * 3 + 7);
}

TEST_CASE("compile: in kTrace unannotated arguments have the example's types") {
  const std::string text = "def fn(x, pairs, scale):\n    return x + pairs[0][0] * scale + pairs[1]['b']\n";
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("b", kX);
  const auto pairs = c10::ivalue::Tuple::create({c10::List<at::Tensor>({kX, kX}), dict});
  check_equal(traced(text, "fn", {kX, pairs, int64_t{3}}), kX * 5);
}

TEST_CASE("compile: defaults are those of the definition; keywords and order are Python's") {
  const std::string text =
      "BASE = 10\n"
      "def shift(x, by: int = BASE, scale: float = 1.0):\n"
      "    return x * scale + by\n"
      "def fn(x):\n"
      "    return shift(x) + shift(x, scale=2.0) + shift(x, 1)\n";
  const at::Tensor expected = kX * 4 + 21;
  check_equal(scripted(text, "fn", {kX}), expected);
  check_equal(traced(text, "fn", {kX}), expected);
}

TEST_CASE("compile: in kTrace a default decides the type of an unannotated parameter") {
  const std::string text =
      "def shift(x, by=2, name=None, flag=True):\n"
      "    if name is None and flag:\n"
      "        return x + by\n"
      "    return x + name\n"
      "def fn(x):\n"
      "    return shift(x) + shift(x, 3) + shift(x, by=0.5) + shift(x, name=x)\n";
  check_equal(traced(text, "fn", {kX}), kX * 5 + 5.5);
}

TEST_CASE("compile: in kTrace arguments may be given by name past others that keep their defaults") {
  const std::string text =
      "def add(x, first=None, by: float = 1.0, second=None):\n"
      "    if first is None:\n"
      "        first = x\n"
      "    return first + by * second\n"
      "def fn(x, y):\n"
      "    return add(x, second=y) + add(x, y, second=x) + add(x, by=2.0, second=y)\n";
  check_equal(traced(text, "fn", {kX, kX * 10}), kX * (11 + 11 + 21));
}

TEST_CASE("compile: annotations that a call does not keep to do not disturb tracing") {
  const std::string text =
      "from typing import List, Optional\n"
      "def add(x: torch.Tensor, by: float, more: Optional[torch.Tensor] = None) -> int:\n"
      "    if more is None:\n"
      "        more = torch.zeros(3)\n"
      "    return x + by + more\n"
      "def fn(x):\n"
      "    return add(x, 1) + add(x, 2, x)\n";
  check_equal(traced(text, "fn", {kX}), kX * 3 + 3);
}

TEST_CASE("compile: data of the file is constant") {
  const std::string text =
      "import math\n"
      "N = 3\n"
      "SCALES = [0.5, 2.0]\n"
      "PAIR = (1, 'b')\n"
      "DTYPE = torch.float64\n"
      "NOTHING = None\n"
      "TABLE = {'a': 1, 'b': 2}\n"
      "DEVICE = torch.device('cpu')\n"
      "def fn(x):\n"
      "    if NOTHING is None:\n"
      "        x = x + N\n"
      "    for s in SCALES:\n"
      "        x = x * s\n"
      "    return x.to(DTYPE).to(DEVICE) + TABLE[PAIR[1]] + math.sqrt(4) + math.pi - math.pi\n";
  const at::Tensor expected = (kX + 3).to(at::kDouble) + 4;
  check_equal(scripted(text, "fn", {kX}), expected);
  check_equal(traced(text, "fn", {kX}), expected);
}

TEST_CASE("compile: in kTrace tensors of the file are constant, in kScript they are refused as in Python") {
  const std::string text = "w = torch.tensor([1.0, 10.0, 100.0])\ndef fn(x):\n    return x * w\n";
  check_equal(traced(text, "fn", {kX}), floats({1, 20, 300}));
  const std::string message = compile_error(text, "fn", CompileMode::kScript);
  CHECK_THAT(message, Contains("code.py:6:15: python value of type 'Tensor' cannot be used as a value. Perhaps it is a "
                               "closed over global variable? If so, please consider passing it in as an argument"));
}

TEST_CASE("compile: a captured tensor that requires grad is refused in libtorch's words, with the way out") {
  const std::string text = "w = torch.nn.Parameter(torch.ones(3))\ndef fn(x):\n    return x * w\n";
  const std::string message = compile_error(text, "fn", CompileMode::kTrace, {kX});
  CHECK_THAT(message, Contains("code.py:6:15: Cannot insert a Tensor that requires grad as a constant. Consider making "
                               "it a parameter or input, or detaching the gradient"));
  CHECK_THAT(message, Contains("pass it as an argument, use w.detach()"));
  check_equal(traced("w = torch.ones(3)\ndef fn(x):\n    return x * w\n", "fn", {kX}), kX);
}

TEST_CASE("compile: starred sizes are one list, starred tuples are spread") {
  const std::string text =
      "PAIR = (2, 3)\n"
      "def add(a, b, c):\n"
      "    return a + b * c\n"
      "def fn(x):\n"
      "    a = torch.zeros(1, *x.shape[1:2]) + torch.ones(*x.shape) + x.new_zeros(*x.shape[:1], 3)\n"
      "    return a.reshape(*PAIR[:1], -1) + add(x, *PAIR)\n";
  const at::Tensor x = at::ones({2, 3});
  check_equal(traced(text, "fn", {x}), at::full({2, 3}, 8.0F));
}

TEST_CASE("compile: in kTrace *args are the tuple of what is given") {
  const std::string text =
      "def total(first, *rest):\n"
      "    for r in rest:\n"
      "        first = first + r\n"
      "    return first\n"
      "def fn(x):\n"
      "    return total(x) + total(x, x, 2)\n";
  check_equal(traced(text, "fn", {kX}), kX * 3 + 2);
}

TEST_CASE("compile: scripted parts are called whole, in both modes") {
  const std::string text =
      "@torch.jit.script\n"
      "def choose(x, y):\n"
      "    if x.max() > y.max():\n"
      "        r = x\n"
      "    else:\n"
      "        r = y\n"
      "    return r\n"
      "def fn(x, y, z):\n"
      "    return choose(x, y) + z\n";
  const std::vector<c10::IValue> inputs = {kX, kX * 2, kX};
  const PythonText code(text);
  for (const Program& program : {code.script("fn"), code.trace("fn", inputs)}) {
    check_equal(run(program, inputs).toTensor(), kX * 3);
    REQUIRE(program.whole.size() == 1);
    CHECK((*program.whole.begin())->name() == "choose");
  }
}

TEST_CASE("compile: torch's functions, namespaces and special forms") {
  const std::string text =
      "from typing import Dict, List\n"
      "from torch.nn.functional import softmax\n"
      "def fn(x):\n"
      "    names: Dict[str, int] = {}\n"
      "    names['a'] = 4\n"
      "    empty = torch.jit.annotate(List[int], [])\n"
      "    empty.append(2)\n"
      "    with torch.no_grad():\n"
      "        y = F.relu(x) + torch.linalg.vector_norm(x) * 0 + torch.ops.aten.relu(x)\n"
      "    if torch.jit.is_tracing():\n"
      "        y = y + 0\n"
      "    z = softmax(torch.zeros(2), dim=0)\n"
      "    return y + names['a'] + empty[0] + torch.zeros(1, dtype=torch.float32) + z[0] + len([1, 2])\n";
  check_equal(scripted(text, "fn", {kX}), kX * 2 + 8.5);
  check_equal(traced(text, "fn", {kX}), kX * 2 + 8.5);
}

TEST_CASE("compile: what one mode decides and the other keeps") {
  const std::string text =
      "def fn(x):\n"
      "    if torch.jit.is_scripting():\n"
      "        return x + 1\n"
      "    return x + 2\n";
  check_equal(scripted(text, "fn", {kX}), kX + 1);
  check_equal(traced(text, "fn", {kX}), kX + 2);
}

TEST_CASE("compile: in kTrace a branch that constants rule out need not compile") {
  const std::string text =
      "MODE = 'sum'\n"
      "def fn(x):\n"
      "    if MODE == 'words':\n"
      "        return x.nothing_like_this()\n"
      "    return x.sum() if MODE == 'sum' else x.nothing_either()\n";
  check_equal(traced(text, "fn", {kX}), at::scalar_tensor(6));
}

TEST_CASE("compile: a raised exception has Python's words") {
  const std::string text = "def fn(x):\n    if x.sum() > 0:\n        raise ValueError('too much')\n    return x\n";
  const Program program = PythonText(text).script("fn");
  CHECK_THROWS_WITH(run(program, {kX}), Contains("ValueError: too much"));
  check_equal(run(program, {-kX}).toTensor(), -kX);
}

TEST_CASE("compile: errors have file, line, column, a caret, and the calls that led there") {
  const std::string text =
      "def inner(x):\n"
      "    return x.foo(3)\n"
      "def fn(x):\n"
      "    y = inner(x)\n"
      "    return y\n";
  for (const CompileMode mode : {CompileMode::kScript, CompileMode::kTrace}) {
    const std::string message = compile_error(text, "fn", mode, {kX});
    INFO(message);
    CHECK_THAT(message, Catch::StartsWith("code.py:5:"));
    CHECK_THAT(message, Contains("object has no attribute or method 'foo'"));
    CHECK_THAT(message, Contains("return x.foo(3)\n"));
    CHECK_THAT(message, Contains("^"));
    CHECK_THAT(message, Contains("'inner' is being compiled since it was called from 'fn' (code.py:7:"));
  }
}

TEST_CASE("compile: each fault of a call or a name is told in libtorch's words") {
  const auto error = [](const std::string& body, CompileMode mode) {
    return compile_error("def two(x, y):\n    return x + y\ndef fn(x):\n    return " + body + "\n", "fn", mode, {kX});
  };
  for (const CompileMode mode : {CompileMode::kScript, CompileMode::kTrace}) {
    CHECK_THAT(error("nowhere(x)", mode), Contains("code.py:7:11: undefined value nowhere"));
    CHECK_THAT(error("two(x)", mode), Contains("Argument y not provided."));
    CHECK_THAT(error("two(x, x, x)", mode), Contains("Expected at most 2 arguments but found 3 positional arguments."));
    CHECK_THAT(error("two(x, x, z=x)", mode), Contains("Keyword argument z unknown"));
    CHECK_THAT(error("torch.relu('a')", mode), Contains("Expected a value of type 'Tensor'"));
    CHECK_THAT(error("fn(x)", mode), Contains("is called recursively. Recursive calls are not supported"));
    CHECK_THAT(error("torch.no_such_function(x)", mode), Contains("'no_such_function' of 'torch'"));
    CHECK_THAT(error("nn.Linear(3, 3)(x)", mode), Contains("Cannot instantiate class 'Linear' in a script function"));
  }
  CHECK_THAT(error("two(x, 'a')", CompileMode::kScript),
             Contains("Expected a value of type 'Tensor (inferred)' for argument 'y' but instead found type 'str'"));
}

TEST_CASE("compile: in kScript an unannotated default is refused as in Python") {
  const std::string message = compile_error("def fn(x, n=2):\n    return x + n\n", "fn", CompileMode::kScript);
  CHECK_THAT(message, Catch::StartsWith("code.py:4:4: Expected a default value of type Tensor (inferred) on parameter "
                                        "\"n\". Because \"n\" was not annotated"));
}

TEST_CASE("compile: the count of types must be that of the arguments") {
  CHECK_THAT(compile_error("def fn(x, y):\n    return x\n", "fn", CompileMode::kTrace, {kX}),
             Contains("code.py:4:4: fn takes 2 arguments, 1 are given"));
}

TEST_CASE("parameters_of: names, annotations, type comments and defaults") {
  const PythonText code(
      "from typing import Optional\n"
      "def fn(x, n: int = 2, names: Optional[list[str]] = None, y: 'torch.Tensor | None' = None):\n"
      "    return x\n"
      "def commented(len):\n"
      "    # type: (int) -> torch.Tensor\n"
      "    return torch.zeros(len)\n"
      "class M(nn.Module):\n"
      "    def forward(self, x: nn.Parameter):\n"
      "        return x\n");
  const auto parameters = parameters_of(code.object("fn"));
  REQUIRE(parameters.size() == 4);
  CHECK(parameters[0].name == "x");
  CHECK(parameters[0].annotation == nullptr);
  CHECK_FALSE(parameters[0].default_value);
  CHECK(parameters[1].annotation->kind() == c10::TypeKind::IntType);
  CHECK(to_ivalue(*parameters[1].default_value)->toInt() == 2);
  CHECK(parameters[2].annotation->annotation_str() == "Optional[List[str]]");
  CHECK(parameters[3].annotation->annotation_str() == "Optional[Tensor]");
  CHECK(parameters_of(code.object("commented"))[0].annotation->kind() == c10::TypeKind::IntType);
  const auto of_module = parameters_of(code.object("M"));
  REQUIRE(of_module.size() == 1);
  CHECK(of_module[0].annotation->kind() == c10::TypeKind::TensorType);
}

TEST_CASE("parameters_of: an annotation that is no type, and a module without forward, are errors with a place") {
  const PythonText code("def fn(x: Wrong):\n    return x\nclass M(nn.Module):\n    pass\n");
  CHECK_THAT(error_of([&] { parameters_of(code.object("fn")); }).what(),
             Contains("code.py:4:10: Unknown type name 'Wrong'"));
  CHECK_THAT(error_of([&] { parameters_of(code.object("M")); }).what(),
             Contains("code.py:6:0: class 'M' has no method 'forward'"));
}
