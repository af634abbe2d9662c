#include "compare/graphs.h"

#include <torch/csrc/jit/frontend/tracer.h>

#include "testing/testing.h"

namespace bertjit {

namespace {

using Lines = std::vector<std::string>;

torch::jit::Module scripted(const std::string& code) {
  torch::jit::Module module("M");
  module.register_parameter("weight", at::ones({4}), /*is_buffer=*/false);
  module.define(code);
  return module;
}

constexpr const char* kForward = R"(
def forward(self, x):
    y = torch.mul(x, self.weight)
    return torch.relu(torch.add(y, 3))
)";

/// A trace of relu(x * 2) at `shape`, as a module.
torch::jit::Module traced(at::IntArrayRef shape) {
  torch::jit::Module module("T");
  auto [state, outputs] = torch::jit::tracer::trace(
      {at::ones(shape)},
      [](torch::jit::Stack inputs) -> torch::jit::Stack { return {at::relu(inputs[0].toTensor() * 2)}; },
      [](const at::Tensor&) { return ""; }, true, false, &module);
  module.type()->addMethod(module._ivalue()->compilation_unit()->create_function(
      c10::QualifiedName(*module.type()->name(), "forward"), state->graph, false));
  return module;
}

}  // namespace

TEST_CASE("graphs: a trace is the same graph whatever shape it was made at") {
  const Lines small = canonical_graph(traced({1, 3}));
  const Lines large = canonical_graph(traced({5, 7}));
  const GraphComparison comparison = compare_graphs(small, large);
  CHECK(comparison.matches);
  CHECK(comparison.different_lines == 0);
  CHECK(comparison.first_line == 0);
  CHECK(comparison.nodes == small.size());
  CHECK(small.size() >= 4);
}

TEST_CASE("graphs: names of values and classes do not matter") {
  const auto module = scripted(kForward);
  const auto renamed = scripted(R"(
def forward(self, x):
    another_name = torch.mul(x, self.weight)
    z = torch.add(another_name, 3)
    return torch.relu(z)
)");
  CHECK(compare_graphs(canonical_graph(module), canonical_graph(renamed)).matches);
  CHECK(compare_graphs(canonical_graph(module), canonical_graph(module.clone())).matches);
}

TEST_CASE("graphs: a call of a submodule's method is the same as its operators in place") {
  const auto split = scripted(R"(
def scaled(self, x):
    return torch.mul(x, self.weight)
def forward(self, x):
    return torch.relu(torch.add(self.scaled(x), 3))
)");
  CHECK(compare_graphs(canonical_graph(scripted(kForward)), canonical_graph(split)).matches);
}

TEST_CASE("graphs: a changed constant differs, and its line is named") {
  const auto changed = scripted(R"(
def forward(self, x):
    y = torch.mul(x, self.weight)
    return torch.relu(torch.add(y, 5))
)");
  const Lines expected = canonical_graph(scripted(kForward));
  const GraphComparison comparison = compare_graphs(expected, canonical_graph(changed));
  CHECK_FALSE(comparison.matches);
  CHECK(comparison.different_lines == 1);
  REQUIRE(comparison.first_line > 0);
  CHECK(comparison.expected_line == expected[comparison.first_line - 1]);
  CHECK_THAT(comparison.expected_line, Catch::Contains("value=3"));
  CHECK_THAT(comparison.actual_line, Catch::Contains("value=5"));
}

TEST_CASE("graphs: a line more is a difference on either side") {
  const GraphComparison longer = compare_graphs({"a", "b"}, {"a", "b", "c"});
  CHECK_FALSE(longer.matches);
  CHECK(longer.nodes == 3);
  CHECK(longer.first_line == 3);
  CHECK(longer.expected_line.empty());
  CHECK(longer.actual_line == "c");
  CHECK_FALSE(compare_graphs({"a", "b"}, {"a"}).matches);
}

TEST_CASE("graphs: two empty graphs do not match, since nothing was compared") {
  CHECK_FALSE(compare_graphs({}, {}).matches);
  CHECK_FALSE(compare_graphs({}, {"a"}).matches);
}

}  // namespace bertjit
