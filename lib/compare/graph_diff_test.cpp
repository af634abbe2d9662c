// The reference is what torch.jit.trace reports (torch/jit/_trace.py, _check_trace), computed by Python at test time on
// the same two files; without that Python the other cases stay.
#include "compare/graph_diff.h"

#include <torch/csrc/jit/frontend/tracer.h>
#include <torch/csrc/jit/ir/irparser.h>
#include <torch/csrc/jit/serialization/import.h>

#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::run_command;
using testing::TempDir;
using testing::write_bytes;

namespace {

using Lines = std::vector<std::string>;

std::shared_ptr<torch::jit::Graph> parsed(const std::string& text) {
  auto graph = std::make_shared<torch::jit::Graph>();
  torch::jit::parseIR(text, graph.get());
  return graph;
}

/// (x * constant).relu(), as a trace has it.
std::shared_ptr<torch::jit::Graph> with_constant(const at::Tensor& constant) {
  const auto traced = torch::jit::tracer::trace(
      {at::ones({12})},
      [&](torch::jit::Stack inputs) -> torch::jit::Stack { return {(inputs[0].toTensor() * constant).relu()}; },
      [](const at::Tensor&) { return ""; });
  return traced.first->graph;
}

}  // namespace

TEST_CASE("graph_diff: equal graphs have no difference, whatever their values are called") {
  const auto one = parsed(R"(graph(%x : Tensor):
  %y : Tensor = aten::relu(%x)
  return (%y))");
  const auto two = parsed(R"(graph(%input : Tensor):
  %result : Tensor = aten::relu(%input)
  return (%result))");
  const GraphDiff diff = diff_graphs(*one, *two);
  CHECK(diff.matches());
  CHECK(diff.text.lines.empty());
  CHECK_FALSE(diff.first_node);
  CHECK(diff.comparison.nodes == 3);
}

TEST_CASE("graph_diff: another operator is shown in the graph, and by itself") {
  const auto one = parsed(R"(graph(%x : Tensor):
  %y : Tensor = aten::sin(%x)
  return (%y))");
  const auto two = parsed(R"(graph(%x : Tensor):
  %y : Tensor = aten::cos(%x)
  return (%y))");
  const GraphDiff diff = diff_graphs(*one, *two);
  CHECK_FALSE(diff.matches());
  CHECK(diff.text.lines == Lines{"  graph(%x : Tensor):", "-   %1 : Tensor = aten::sin(%x)",
                                 "?                        --", "+   %1 : Tensor = aten::cos(%x)",
                                 "?                       ++", "    return (%1)"});
  REQUIRE(diff.first_node);
  CHECK(diff.first_node->lines[0] == "- %1 : Tensor = aten::sin(%x)");
  CHECK(diff.comparison.first_line == 2);
}

TEST_CASE("graph_diff: where one graph ends and the other goes on, the operator that is more and the end are shown") {
  const auto one = parsed(R"(graph(%x : Tensor):
  %2 : Tensor = aten::sin(%x)
  return (%2))");
  const auto two = parsed(R"(graph(%x : Tensor):
  %2 : Tensor = aten::sin(%x)
  %3 : Tensor = aten::sin(%2)
  return (%3))");
  const GraphDiff longer = diff_graphs(*one, *two);
  REQUIRE(longer.first_node);
  CHECK(longer.first_node->lines == Lines{"- return (%1)", "+ %2 : Tensor = aten::sin(%1)"});
  const GraphDiff shorter = diff_graphs(*two, *one);
  REQUIRE(shorter.first_node);
  CHECK(shorter.first_node->lines == Lines{"- %2 : Tensor = aten::sin(%1)", "+ return (%1)"});
}

TEST_CASE("graph_diff: a constant tensor with other values fails although the graphs read the same") {
  const auto one = with_constant(at::arange(12, at::kFloat));
  const auto two = with_constant(at::arange(12, at::kFloat) * 2);
  const GraphDiff diff = diff_graphs(*one, *two);
  CHECK(diff.comparison.matches);
  CHECK_FALSE(diff.matches());
  REQUIRE(diff.constants.size() == 1);
  CHECK_THAT(diff.constants[0].node, Contains("prim::Constant[value="));
  CHECK_THAT(diff.constants[0].message, Contains("Mismatched elements: 11 / 12 (91.7%)"));
  CHECK(diff_graphs(*one, *one).matches());
}

TEST_CASE("graph_diff: constants of another shape or dtype differ; NaN and empty ones equal their like") {
  const auto ones = at::ones({12});
  CHECK(diff_graphs(*with_constant(ones), *with_constant(at::ones({1}))).constants.size() == 1);
  CHECK(diff_graphs(*with_constant(ones), *with_constant(ones.to(at::kDouble))).constants.size() == 1);
  const auto nans = at::full({12}, std::nan(""));
  CHECK(diff_graphs(*with_constant(nans), *with_constant(nans.clone())).matches());
  CHECK_FALSE(diff_graphs(*with_constant(nans), *with_constant(ones)).matches());
}

TEST_CASE("graph_diff: a function and the same one in a module without parameters are equal") {
  torch::jit::Module module("M");
  module.define("def forward(self, x):\n  return torch.relu(x)\n");
  const auto function = parsed(R"(graph(%x : Tensor):
  %y : Tensor = aten::relu(%x)
  return (%y))");
  CHECK(diff_graphs(*module.get_method("forward").graph(), *function).matches());
  CHECK(diff_graphs(*function, *module.get_method("forward").graph()).matches());
}

TEST_CASE("graph_diff: the same lines as torch.jit.trace's report for a loop that a trace unrolls") {
  // The loop of the TorchScript reference, "Automatic Trace Checking", and one with blocks, calls and constants.
  const std::string python = (testing::testdata("").parent_path().parent_path() / ".deps/venv/bin/python").string();
  if (run_command(python + " -c 'import torch' 2>/dev/null").exit_code != 0) {
    WARN("SKIPPED: no Python with torch to compare with");
    return;
  }
  const TempDir dir;
  write_bytes(dir / "report.py", R"(import difflib, os, re, sys, torch
os.chdir(sys.argv[1])
def loop_in_traced_fn(x):
    result = x[0]
    for i in range(x.size(0)):
        result = result * x[i]
    return result
class Branch(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(5, 5)
    def forward(self, x):
        x = self.linear(x)
        if x.size(0) > 3:
            return x.sin() + torch.ones(5)
        return x.cos() * 3
def text(graph):
    graph = torch._C._jit_pass_canonicalize(graph)
    torch._C._jit_pass_inline(graph)
    torch._C._jit_pass_erase_shape_information(graph)
    if 'PlaceholderModule' in str(graph):  # what a traced function is put in to be saved
        graph.eraseInput(0)
    return torch._C._jit_pass_canonicalize(graph)
strip = lambda text: re.sub(r'___torch_mangle_[0-9]+\.', '', text)
for name, fn, shapes in [('loop', loop_in_traced_fn, [(3, 4, 5), (4, 5, 6)]), ('branch', Branch(), [(3, 5), (4, 5)])]:
    modules, graphs = [], []
    for i, shape in enumerate(shapes):
        torch.jit.trace(fn, (torch.rand(shape),), check_trace=False).save(f'{name}{i}.pt')
        modules.append(torch.jit.load(f'{name}{i}.pt'))
        graphs.append(text(modules[-1].graph))
    one, two = (strip(str(graph)).splitlines(True) for graph in graphs)
    open(f'{name}.graph', 'w').write(''.join(difflib.ndiff(one, two)))
    for a, b in zip(*(graph.nodes() for graph in graphs)):
        if strip(str(a)) != strip(str(b)):
            open(f'{name}.node', 'w').write(''.join(difflib.ndiff(strip(str(a)).splitlines(True), strip(str(b)).splitlines(True))))
            open(f'{name}.source', 'w').write(a.sourceRange())
            break
)");
  const auto ran =
      run_command(python + " -W ignore " + (dir / "report.py").string() + " " + dir.path().string() + " 2>&1");
  INFO(ran.out);
  REQUIRE(ran.exit_code == 0);
  for (const std::string name : {"loop", "branch"}) {
    INFO(name);
    const auto one = torch::jit::load((dir / (name + "0.pt")).string());
    const auto two = torch::jit::load((dir / (name + "1.pt")).string());
    const GraphDiff diff = diff_graphs(*one.get_method("forward").graph(), *two.get_method("forward").graph());
    CHECK_FALSE(diff.comparison.matches);
    CHECK(joined_lines(diff.text.lines) == joined_lines(lines_of(testing::read_bytes(dir / (name + ".graph")))));
    REQUIRE(diff.first_node);
    CHECK(joined_lines(diff.first_node->lines) == joined_lines(lines_of(testing::read_bytes(dir / (name + ".node")))));
    CHECK_THAT(testing::read_bytes(dir / (name + ".source")), Contains(diff.first_node->expected_source));
    CHECK_FALSE(diff.first_node->expected_source.empty());
  }
}

}  // namespace bertjit
