// Each finding where it belongs, and not in the program beside it that does nothing wrong.
#include "record/findings.h"
#include "record/program_testing.h"

namespace bertjit {

using testing::copied;
using testing::found;
using testing::function_program;
using testing::joined;
using testing::numbers;

namespace {

Recording recorded(const std::string& text, const torch::jit::Stack& inputs, const RecordOptions& options = {}) {
  return record_program(function_program(text), copied(inputs), options);
}

struct Pair {
  std::string name;
  std::string faulty;
  std::string clean;
  SourceLocation where;
  std::string detail;
};

SourceLocation at_line(int64_t line, int64_t column) {
  return {"loop.py", line, column, "f", ""};
}

const std::vector<Pair>& pairs() {
  static const std::vector<Pair> all = {
      {"loop-unrolled", "def f(x):\n    for i in range(x.size(0)):\n        x = x * 2\n    return x\n",
       "def f(x):\n    for i in range(3):\n        x = x * 2\n    return x\n", at_line(2, 4), "3 turns on the example"},
      {"loop-unrolled", "def f(x):\n    while bool(x.sum() > 1):\n        x = x / 2\n    return x\n",
       "def f(x):\n    n = 3\n    while n > 1:\n        n -= 1\n        x = x / 2\n    return x\n", at_line(2, 4),
       "1 turn on the example"},
      {"branch-flattened", "def f(x):\n    if bool(x.sum() > 0):\n        x = x * 2\n    return x\n",
       "def f(x):\n    if x.dim() == 2:\n        x = x * 2\n    return x\n", at_line(2, 4), "true on the example"},
      {"branch-flattened", "def f(x):\n    if x.size(0) > 5:\n        x = x * 2\n    return x\n",
       "def f(x):\n    if x.size(0) > 5:\n        raise ValueError('too long')\n    return x\n", at_line(2, 4),
       "false on the example"},
      {"value-constant", "def f(x):\n    return x * int(x.sum())\n", "def f(x):\n    return x * int(x.size(0))\n",
       at_line(2, 15), "aten::Int"},
      {"value-constant", "def f(x):\n    return x * x.max().item()\n", "def f(x):\n    return x * x.max()\n",
       at_line(2, 15), "aten::item"},
      {"size-constant", "def f(x):\n    d = {'n': x.size(0)}\n    return x * d['n']\n",
       "def f(x):\n    d = [x.size(0)]\n    return x * d[0]\n", at_line(2, 14), "in a dict"},
      {"size-constant", "def f(x):\n    return x * (x.size(0) | 1)\n", "def f(x):\n    return x * (x.size(0) + 1)\n",
       at_line(2, 16), "aten::__or__"},
      {"new-tensor-constant", "def f(x):\n    return x * torch.tensor([x.size(0)])\n",
       "def f(x):\n    return x * torch.tensor([3])\n", at_line(2, 15), "aten::tensor"},
      {"inplace-view", "def f(x):\n    y = x * 2\n    y[0] = x[1]\n    return y\n",
       "def f(x):\n    y = x * 2\n    y += x[1]\n    return y\n", at_line(3, 4), "aten::copy_"},
      {"input-mutated", "def f(x):\n    x += 1\n    return x\n", "def f(x):\n    x = x + 1\n    return x\n",
       at_line(2, 4), "aten::add_"},
      {"device-constant", "def f(x):\n    return x + torch.zeros([3, 4], device=x.device)\n",
       "def f(x):\n    return x + x.new_zeros([3, 4])\n", at_line(2, 15), "aten::zeros on cpu"},
      {"nondeterminism", "def f(x):\n    return x + torch.rand_like(x)\n",
       "def f(x):\n    return x + torch.zeros_like(x)\n", at_line(2, 15), "aten::rand_like"},
      {"nondeterminism", "def f(x):\n    return torch.dropout(x, 0.5, True)\n",
       "def f(x):\n    return torch.dropout(x, 0.5, False)\n", at_line(2, 11), "aten::dropout"},
      {"container-output", "def f(x):\n    return [x, x * 2]\n", "def f(x):\n    return x, x * 2\n", at_line(2, 15),
       "List[Tensor]"},
      {"output-constant", "def f(x):\n    return torch.ones([2])\n", "def f(x):\n    return torch.ones_like(x)\n",
       at_line(2, 11), "the output"},
      {"output-constant", "def f(x):\n    y = torch.zeros([4])\n    return x, y\n",
       "def f(x):\n    y = torch.zeros([4])\n    y[0] = x[0, 0]\n    return x, y.clone()\n", at_line(2, 8), "output 1"},
  };
  return all;
}

bool same_place(const SourceLocation& a, const SourceLocation& b) {
  return a.file == b.file && a.line == b.line && a.column == b.column && a.function == b.function;
}

}  // namespace

TEST_CASE("findings: each pitfall is found at its place, and not in a near-identical program without it") {
  for (const auto& pair : pairs()) {
    INFO(pair.faulty);
    const Recording faulty = recorded(pair.faulty, {numbers({3, 4}).div(10)});
    bool located = false;
    for (const auto& finding : faulty.findings) {
      INFO(finding_name(finding.kind) << " " << location_text(finding.where) << " " << finding.detail);
      if (finding_name(finding.kind) == pair.name) {
        CHECK(same_place(finding.where, pair.where));
        CHECK(finding.detail == pair.detail);
        CHECK(finding.times == 1);
        located = true;
      }
    }
    CHECK(located);
    const auto names = found(recorded(pair.clean, {numbers({3, 4}).div(10)}));
    INFO(pair.clean << joined(names));
    CHECK(std::find(names.begin(), names.end(), pair.name) == names.end());
  }
}

TEST_CASE("findings: a place that is passed again is counted, not listed again") {
  const Recording recording =
      recorded("def f(x):\n    for i in range(4):\n        x = x * int(x.sum())\n    return x\n", {numbers({3, 4})});
  REQUIRE(recording.findings.size() == 1);
  CHECK(recording.findings[0].times == 4);
  CHECK(location_text(recording.findings[0].where) == "loop.py:3:16");
  CHECK(recording.findings[0].where.text == "        x = x * int(x.sum())");
}

TEST_CASE("findings: with fixed shapes a size that decides is no finding, a value is") {
  RecordOptions fixed;
  fixed.shapes = Shapes::kFixed;
  CHECK(found(recorded("def f(x):\n    for i in range(x.size(0)):\n        x = x * 2\n    return x\n", {numbers({3})},
                       fixed))
            .empty());
  CHECK(joined(found(recorded("def f(x):\n    return x * int(x.sum())\n", {numbers({3})}, fixed))) == "value-constant");
}

TEST_CASE("findings: a tensor that is neither input nor parameter is captured, a parameter or a literal is not") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = testing::bare_module("Holder", unit);
  module.register_attribute("table", c10::ListType::ofTensors(), c10::List<at::Tensor>({numbers({3, 4})}));
  module.register_parameter("weight", numbers({3, 4}), false);
  module.register_buffer("offset", numbers({4}));
  testing::define_methods(module, "def forward(self, x):\n    return x + self.table[0]\n");
  testing::define_methods(
      module, "def clean(self, x):\n    return x * self.weight + self.offset + torch.tensor([1, 2, 3, 4])\n");
  Program program = module_program(module, "holder");
  const Recording captured = record_program(program, {numbers({3, 4})}, {});
  REQUIRE(joined(found(captured)) == "captured-tensor");
  CHECK(captured.findings[0].detail == "CPUFloatType of shape [3, 4]");
  CHECK(location_text(captured.findings[0].where) == "cell.py:2:11");
  program.function = &module.get_method("clean").function();
  CHECK(found(record_program(program, {numbers({3, 4})}, {})).empty());
}

TEST_CASE("findings: an attribute that is assigned is told, and the program's own module keeps its value") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = testing::bare_module("Counter", unit);
  module.register_attribute("count", c10::IntType::get(), 5);
  module.register_buffer("seen", at::zeros({1}));
  testing::define_methods(
      module, "def forward(self, x):\n    self.count += 1\n    self.seen.add_(1)\n    return x * self.seen\n");
  const Recording recording = record_program(module_program(module, "counter"), {numbers({3})}, {});
  CHECK(joined(found(recording)) == "state-not-recorded");
  CHECK(recording.findings[0].detail == "self.count");
  CHECK(module.attr("count").toInt() == 5);
  CHECK(module.attr("seen").toTensor().item<float>() == 0);
}

TEST_CASE("findings: one inside the library is told at the line that called it, with the library's line") {
  const SourceLocation inner{"torch/nn/functional.py", 40, 4, "dropout",
                             "    result = torch.dropout(input, p, training)"};
  const SourceLocation middle{"/usr/lib/python3/dist-packages/torch/nn/modules/dropout.py", 7, 8, "forward", ""};
  const SourceLocation user{"net.py", 12, 15, "forward", "        return self.dropout(x)"};
  Findings findings;
  findings.add(FindingKind::kNondeterministic, {inner, middle, user}, "aten::dropout");
  findings.add(FindingKind::kStateNotRecorded, {inner, middle, user}, "");
  findings.add(FindingKind::kCapturedTensor, {user, user}, "a tensor");
  findings.add(FindingKind::kDeviceConstant, {inner, middle}, "on cpu");
  const auto& all = findings.all();
  REQUIRE(all.size() == 4);
  CHECK(location_text(all[0].where) == "net.py:12:15");
  CHECK(all[0].detail == "aten::dropout, in torch/nn/functional.py:40");
  CHECK(all[1].detail == "in torch/nn/functional.py:40");
  CHECK(all[2].detail == "a tensor");
  CHECK(location_text(all[3].where) == "torch/nn/functional.py:40:4");
  CHECK(all[3].detail == "on cpu");
}

TEST_CASE("findings: names are frozen") {
  CHECK(std::string(finding_name(FindingKind::kLoopUnrolled)) == "loop-unrolled");
  CHECK(std::string(finding_name(FindingKind::kOutputConstant)) == "output-constant");
  CHECK(location_text({"a.py", 3, 0, "f", ""}) == "a.py:3:0");
  CHECK(location_text({}).empty());
}

}  // namespace bertjit
