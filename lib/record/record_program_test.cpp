// What a recording of a function answers: on inputs that keep the example's path as the function itself, on others
// as the finding says.
#include "record/program_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::copied;
using testing::error_of;
using testing::found;
using testing::function_program;
using testing::joined;
using testing::numbers;
using testing::run_traced;
using testing::same_values;
using testing::TempDir;

namespace {

using Shape = std::vector<int64_t>;

enum class Elsewhere { kSame, kDiffers, kRefuses };

struct Case {
  std::string text;
  Shape example;
  Shape other;          ///< of another size
  Elsewhere elsewhere;  ///< what the trace does there
  std::string findings;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all = {
      // sizes, and arithmetic with them
      {"def f(x):\n    return x.view(x.size(0), -1)\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x.reshape(x.shape[0] * x.shape[1], -1)\n", {2, 3, 4}, {5, 1, 2}, Elsewhere::kSame, ""},
      {"def f(x):\n    return torch.zeros([x.size(0)]) + 1\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x[:, :x.size(0)]\n", {2, 6}, {3, 6}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x[:x.size(1) // 2, 1:]\n", {6, 4}, {6, 8}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x[0].expand(x.size(1), x.size(1))\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return torch.arange(x.size(0)) + torch.arange(0, 2 * x.size(0), 2)\n",
       {5, 6},
       {2, 3},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return x * x.size(0) + x / x.size(1) - (x.size(0) - x)\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x[x.size(0) - 1], x[-x.size(0)]\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x * (7 % x.size(0)) * (x.size(1) % 4)\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return x.view(int(x.size(0) / 2), -1) * float(x.size(1))\n",
       {6, 4},
       {4, 3},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return x / math.sqrt(x.size(1)) * x.size(0) ** 0.5\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return torch.full([min(x.size(0), 3), max(2, x.size(1))], x.size(0))\n",
       {5, 6},
       {2, 1},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return torch.zeros(x.shape[:1] + [3]), torch.ones([x.numel(), len(x)])\n",
       {5, 6},
       {2, 1},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    s = [1]\n    s.append(x.size(1))\n    s.insert(0, x.size(0))\n    return x.view(s)\n",
       {5, 6},
       {2, 1},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    a, b = x.shape\n    t = (b, a)\n    return x.reshape(t), x.reshape(t[1] * t[0])\n",
       {5, 6},
       {2, 1},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    s = list(x.shape)\n    s[0] = s[1] * s.pop(0)\n    return x.reshape(s)\n",
       {5, 6},
       {2, 1},
       Elsewhere::kSame,
       ""},
      {"def g(x, n: int):\n    return x.reshape(n, -1)\ndef f(x):\n    return g(x, x.size(1))\n",
       {5, 6},
       {2, 3},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return torch.rsub(x, x.size(0)), x ** x.size(1), x.clamp(0, x.size(0)), x > x.size(0)\n",
       {5, 3},
       {1, 2},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return x.unsqueeze(x.dim()).repeat(1, 1, x.size(0))\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    n = x.size(0)\n    m = n\n    m += 1\n    return x.new_zeros([m, n - 1, -n + 7])\n",
       {5, 6},
       {2, 3},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return 2 - x, 2 / x, x // 2, 2 ** x, -x, x @ x.t(), x[None], x[..., 0]\n",
       {5, 6},
       {2, 3},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return torch.dropout(x, x.size(0) / 100, False)\n", {5, 6}, {2, 3}, Elsewhere::kSame, ""},
      {"def f(x):\n    return torch.upsample_nearest1d(x, [x.size(2) * 2])\n",
       {1, 2, 3},
       {2, 1, 5},
       Elsewhere::kSame,
       ""},
      // loops
      {"def f(x):\n    result = x[0]\n    for i in range(x.size(0)):\n        result = result * x[i]\n    return "
       "result\n",
       {3, 4, 5},
       {4, 5, 6},
       Elsewhere::kDiffers,
       "loop-unrolled"},
      {"def f(x):\n    result = x[0]\n    for i in range(x.size(0)):\n        result = result * x[i]\n    return "
       "result\n",
       {3, 4, 5},
       {2, 3, 4},
       Elsewhere::kRefuses,
       "loop-unrolled"},
      {"def f(x):\n    for i in range(4):\n        x = x * 2 + i\n    return x\n", {3}, {5}, Elsewhere::kSame, ""},
      {"def f(x):\n    for row in x:\n        x = x + row\n    return x\n",
       {3, 2},
       {4, 2},
       Elsewhere::kDiffers,
       "loop-unrolled"},
      {"def f(x):\n    for a, b in zip(x.unbind(0)[1:], x.unbind(0)):\n        x = x + a * b\n    return x\n",
       {3, 2},
       {4, 2},
       Elsewhere::kRefuses,
       "loop-unrolled"},
      {"def f(x):\n    for size in x.shape[1:]:\n        x = x + size\n    return x\n",
       {3, 2},
       {4, 5},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    for part in [1] * x.size(0):\n        x = x + part\n    return x\n",
       {3, 2},
       {4, 2},
       Elsewhere::kDiffers,
       "loop-unrolled"},
      {"def f(x):\n    for i in range(x.size(0) - 2, x.size(0)):\n        x = x + x[i]\n    return x\n",
       {3, 2},
       {4, 2},
       Elsewhere::kSame,
       "loop-unrolled"},
      {"def f(x):\n    while bool(x.sum() < 100):\n        x = x * 2\n    return x\n",
       {3, 2},
       {8, 2},
       Elsewhere::kDiffers,
       "loop-unrolled"},
      {"def f(x):\n    for i in range(10):\n        if i == 3:\n            continue\n        if i == 7:\n            "
       "break\n"
       "        x = x + i\n    return x\n",
       {3},
       {5},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    n = 0\n    for i in range(10):\n        n += 1\n        if bool(x[i] > 1):\n            break\n"
       "    return x * n\n",
       {10},
       {20},
       Elsewhere::kSame,
       "branch-flattened"},
      {"def f(x):\n    parts = [x]\n    for i in range(3):\n        parts.append(parts[-1] * 2)\n    return "
       "torch.cat(parts)\n",
       {3},
       {5},
       Elsewhere::kSame,
       ""},
      // branches
      {"def f(x):\n    if bool(x.sum() < 10):\n        return x + 1\n    return x - 1\n",
       {3},
       {9, 9},
       Elsewhere::kDiffers,
       "branch-flattened"},
      {"def f(x):\n    y = x * 2\n    if x.size(0) > 4:\n        y = y + 1\n    elif x.size(0) > 3:\n        y = y + "
       "2\n"
       "    return y\n",
       {3},
       {5},
       Elsewhere::kDiffers,
       "branch-flattened"},
      {"def f(x):\n    for i in range(5):\n        if x.size(0) == i:\n            return x * 100\n        x = x + 1\n"
       "    return x\n",
       {3},
       {4},
       Elsewhere::kDiffers,
       "branch-flattened"},
      {"def f(x):\n    assert x.size(0) > 1\n    return x * 2 if x.dim() == 2 else x\n",
       {3, 2},
       {5, 1},
       Elsewhere::kSame,
       ""},
      // in place, views
      {"def f(x):\n    y = torch.zeros_like(x)\n    y[0] = 1.0\n    y[1:] += x[1:]\n    y[:, 0].mul_(2)\n    return "
       "y\n",
       {3, 2},
       {4, 5},
       Elsewhere::kSame,
       "inplace-view"},
      {"def f(x):\n    t = torch.tensor([0.0, 1.0])\n    t += x\n    t[0] = 5.0\n    return t + t\n",
       {2},
       {2},
       Elsewhere::kSame,
       "inplace-view"},
      {"def f(x):\n    y = x.t()\n    y.add_(1)\n    return x * y.t()\n",
       {3, 2},
       {4, 5},
       Elsewhere::kSame,
       "inplace-view input-mutated"},
      {"def f(x):\n    m = x > 1\n    return x.masked_fill(m, 0.0), torch.where(m, x, -x), x[m]\n",
       {3, 4},
       {4, 5},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return x[[0, 1]], x[torch.tensor([1, 0])]\n", {3, 4}, {4, 5}, Elsewhere::kSame, ""},
      // containers
      {"def f(x):\n    return {'a': x + 1, 'b': x * 2}, (x, (x - 1, [x]))\n",
       {3, 4},
       {4, 5},
       Elsewhere::kSame,
       "container-output"},
      {"def f(x):\n    a, b = torch.split(x, [1, x.size(0) - 1])\n    return b, a\n",
       {3, 4},
       {4, 5},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    return torch.chunk(x, 2)\n", {4, 4}, {6, 5}, Elsewhere::kSame, "container-output"},
      {"def f(x):\n    values, indices = x.sort(0)\n    return values, indices, x.max(0)[0]\n",
       {4, 4},
       {6, 5},
       Elsewhere::kSame,
       ""},
      {"def g(x):\n    return x + x.size(0)\ndef f(x):\n    later = fork(g, x)\n    return "
       "wait(later) * 2\n",
       {4, 4},
       {6, 5},
       Elsewhere::kSame,
       ""},
      {"def f(x):\n    n = x.size(0)\n    return x * n, n\n", {4, 4}, {6, 5}, Elsewhere::kSame, ""},
  };
  return all;
}

std::string distinct(std::vector<std::string> names) {
  std::vector<std::string> seen;
  for (const auto& name : names) {
    if (std::find(seen.begin(), seen.end(), name) == seen.end()) {
      seen.push_back(name);
    }
  }
  return joined(seen);
}

/// A number that is returned is a tensor in a trace, as in Python's.
c10::IValue with_tensors(const c10::IValue& value) {
  if (!value.isTuple()) {
    return value.isInt() ? c10::IValue(at::scalar_tensor(value.toInt(), at::kLong)) : value;
  }
  std::vector<c10::IValue> elements;
  for (const auto& element : value.toTupleRef().elements()) {
    elements.push_back(with_tensors(element));
  }
  return c10::ivalue::Tuple::create(elements);
}

Elsewhere elsewhere(const Program& program, torch::jit::Module& loaded, const torch::jit::Stack& inputs) {
  const c10::IValue expected = with_tensors(interpret(program, copied(inputs)));
  try {
    return same_values(expected, loaded.forward(copied(inputs))) ? Elsewhere::kSame : Elsewhere::kDiffers;
  } catch (const std::exception&) {
    return Elsewhere::kRefuses;
  }
}

const char* kScale =
    "def f(x, parts: List[Tensor], d: Dict[str, Tensor], t: Tuple[Tensor, Tensor], n: int = 2):\n"
    "    return x * parts[1] + d['a'] * n, t[0] - t[1]\n";

}  // namespace

TEST_CASE("record_program: saved and loaded, a trace answers as the program does, or differs as its findings say") {
  for (const auto& one : cases()) {
    INFO(one.text);
    const Program program = function_program(one.text);
    const torch::jit::Stack example{numbers(one.example)};
    const Recording recording = record_program(program, copied(example), {});
    CHECK(distinct(found(recording)) == one.findings);
    CHECK(same_values(with_tensors(interpret(program, copied(example))), run_traced(recording, example)));
    const TempDir folder;
    recording.module.save(folder / "f.pt");
    auto loaded = torch::jit::load(folder / "f.pt");
    CHECK(elsewhere(program, loaded, example) == Elsewhere::kSame);
    CHECK(elsewhere(program, loaded, {numbers(one.other)}) == one.elsewhere);
    // The trace works on what it is given each time, not on what its last run left.
    CHECK(elsewhere(program, loaded, example) == Elsewhere::kSame);
  }
}

TEST_CASE("record_program: with fixed shapes sizes are constants, and another size is refused") {
  const Program program = function_program("def f(x):\n    return x.view(x.size(0), 2, -1) + x.size(0)\n");
  RecordOptions options;
  options.shapes = Shapes::kFixed;
  const Recording recording = record_program(program, {numbers({3, 4})}, options);
  CHECK(joined(testing::operators(recording.module)) == "aten::view aten::add");
  CHECK(same_values(interpret(program, {numbers({3, 4})}), run_traced(recording, {numbers({3, 4})})));
  CHECK_THROWS(run_traced(recording, {numbers({4, 4})}));
}

TEST_CASE("record_program: recorded twice a program gives the same graph, and is left as it was") {
  const Program program = function_program("def f(x):\n    return x.view(x.size(0), -1) * 2\n");
  const Recording first = record_program(program, {numbers({3, 4})}, {});
  const Recording second = record_program(program, {numbers({3, 4})}, {});
  CHECK(compare_graphs(canonical_graph(first.module), canonical_graph(second.module)).matches);
  CHECK(first.function->name() == "f");
  CHECK(first.warnings.empty());
}

TEST_CASE("record_program: lists, dicts and tuples of tensors are inputs, numbers with a default are not") {
  Program program = function_program(kScale);
  c10::Dict<std::string, at::Tensor> dict;
  dict.insert("a", numbers({4}));
  const torch::jit::Stack inputs{numbers({3, 4}), c10::List<at::Tensor>({numbers({4}), numbers({4}) * 2}), dict,
                                 c10::ivalue::Tuple::create(numbers({2}), numbers({2}))};
  const Recording recording = record_program(program, inputs, {});
  CHECK(same_values(interpret(program, inputs), run_traced(recording, inputs)));
  CHECK(found(recording).empty());
  const auto& arguments = recording.module.get_method("forward").function().getSchema().arguments();
  REQUIRE(arguments.size() == 5);
  CHECK(arguments[2].name() == "parts");
  CHECK(arguments[2].type()->annotation_str() == "List[Tensor]");
  program.fixed.emplace(4, 3);
  CHECK(same_values(interpret(program, inputs), run_traced(record_program(program, inputs, {}), inputs)));
}

TEST_CASE("record_program: inputs and outputs that are no tensors are refused by name") {
  const Program program = function_program("def f(x, n: int, s: Optional[str] = None):\n    return x * n\n");
  const Error error = error_of([&] { record_program(program, {numbers({2}), 3}, {}); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK(std::string(error.what()) ==
        "f: argument 'n' is int: only tensors, and (possibly nested) lists, tuples and dicts of tensors can be traced");
  const Program text = function_program("def f(x):\n    return x, 'done'\n");
  CHECK_THAT(error_of([&] { record_program(text, {numbers({2})}, {}); }).what(),
             Contains("loop.py:2:14: f returns str: a trace can return tensors, and lists, tuples and dicts of them"));
}

TEST_CASE("record_program: a loop beyond the limit of nodes is refused at its line, within the limit it is not") {
  const Program program = function_program("def f(x):\n    for i in range(10000):\n        x = x + i\n    return x\n");
  RecordOptions options;
  options.max_nodes = 5000;
  const Error error = error_of([&] { record_program(program, {numbers({2})}, options); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(error.what(), Contains("loop.py:3:12: the trace has more than 5000 nodes"));
  CHECK_THAT(error.what(), Contains("--max-nodes"));
  options.max_nodes = 100'000;
  CHECK(same_values(interpret(program, {numbers({2})}),
                    run_traced(record_program(program, {numbers({2})}, options), {numbers({2})})));
}

TEST_CASE("record_program: a loop that records nothing is ended too") {
  const Program program = function_program("def f(x):\n    while True:\n        pass\n    return x\n");
  const Error error = error_of([&] { record_program(program, {numbers({2})}, {.max_nodes = 50}); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(error.what(), Contains("stopped after 5000 operations: does this loop end?"));
}

TEST_CASE("record_program: after a program that failed the next recording is whole") {
  const Program fails = function_program("def f(x):\n    return x.view(x.size(0) + 1, x.size(1))\n");
  CHECK_THAT(error_of([&] {
               record_program(fails, {numbers({3, 4})}, {});
             }).what(),
             Contains("loop.py:2:11: shape '[4, 4]' is invalid for input of size 12"));
  CHECK_FALSE(torch::jit::tracer::isTracing());
  const Program works = function_program("def f(x):\n    return x.view(4, -1)\n");
  const Recording recording = record_program(works, {numbers({3, 4})}, {});
  CHECK(joined(testing::operators(recording.module)) == "aten::view");
}

TEST_CASE("record_program: a node knows its line and the lines that called") {
  const Program program =
      function_program("def inner(x):\n    return x * 2\n\ndef f(x):\n    y = x + 1\n    return inner(y)\n");
  const Recording recording = record_program(program, {numbers({2})}, {});
  std::vector<SourceLocation> stack;
  for (const auto* node : recording.module.get_method("forward").graph()->nodes()) {
    if (node->kind() == c10::aten::mul) {
      stack = source_stack(*node);
    }
  }
  REQUIRE(stack.size() == 2);
  CHECK(location_text(stack[0]) == "loop.py:2:11");
  CHECK(stack[0].function == "inner");
  CHECK(stack[0].text == "    return x * 2");
  CHECK(location_text(stack[1]) == "loop.py:6:11");
}

TEST_CASE("record_program: under grad outputs have a grad_fn, a captured tensor that requires grad is refused") {
  const at::Tensor x = numbers({3}).set_requires_grad(true);
  const Program program = function_program("def f(x):\n    return torch.tanh(x)\n");
  CHECK(record_program(program, {x}, {}).outputs.toTensor().grad_fn()->name() == "TanhBackward0");
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = testing::bare_module("Holder", unit);
  module.register_attribute("table", c10::ListType::ofTensors(), c10::List<at::Tensor>({x}));
  testing::define_methods(module, "def forward(self, x):\n    return x + self.table[0]\n");
  const Error error = error_of([&] { record_program(module_program(module, "holder"), {numbers({3})}, {}); });
  CHECK_THAT(error.what(), Contains("cell.py:2:11: Cannot insert a Tensor that requires grad as a constant"));
}

}  // namespace bertjit
