#include "trace/random_nodes.h"

#include <torch/csrc/jit/api/compilation_unit.h>
#include <torch/csrc/jit/api/function_impl.h>
#include <torch/jit.h>

#include "testing/testing.h"

namespace bertjit {

namespace {

std::vector<std::string> names(const std::string& code) {
  const auto unit = torch::jit::compile(code);
  std::vector<std::string> found;
  for (const auto& node : random_nodes(*torch::jit::toGraphFunction(unit->get_function("f")).graph())) {
    found.push_back(node.name);
  }
  return found;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("random_nodes: what draws numbers is found, in calls and blocks too") {
  CHECK(names("def f(x):\n  return x + torch.rand([3])\n") == Names{"aten::rand"});
  CHECK(names("def f(x):\n  return x.uniform_(0., 1.).bernoulli()\n") == Names{"aten::uniform_", "aten::bernoulli"});
  CHECK(names("def g(x):\n  return torch.randn_like(x)\ndef f(x):\n  return g(x) * 2\n") == Names{"aten::randn_like"});
  CHECK(names("def f(x):\n  if bool(x.sum() > 0):\n    x = torch.dropout(x, 0.1, True)\n  return x\n") ==
        Names{"aten::dropout"});
}

TEST_CASE("random_nodes: what is turned off is not random; a flag that is computed counts as on") {
  CHECK(names("def f(x):\n  return torch.dropout(x, 0.1, False)\n").empty());
  CHECK(names("def f(x):\n  return torch.dropout(x, 0., True)\n").empty());
  CHECK(names("def f(x):\n  return torch.rrelu(x, 0.1, 0.3, False)\n").empty());
  CHECK(names("def f(x, y: bool):\n  return torch.dropout(x, 0.1, y)\n") == Names{"aten::dropout"});
  CHECK(names("def f(x):\n  return torch.scaled_dot_product_attention(x, x, x)\n").empty());
  CHECK(names("def f(x):\n  return torch.scaled_dot_product_attention(x, x, x, None, 0.1)\n") ==
        Names{"aten::scaled_dot_product_attention"});
  CHECK(names("def f(x):\n  return torch.relu(x) + torch.zeros([3])\n").empty());
}

TEST_CASE("random_nodes: a node comes with its text") {
  const auto unit = torch::jit::compile("def f(x):\n  return torch.rand_like(x)\n");
  const auto nodes = random_nodes(*torch::jit::toGraphFunction(unit->get_function("f")).graph());
  REQUIRE(nodes.size() == 1);
  CHECK_THAT(nodes[0].node, Catch::Contains("Tensor = aten::rand_like(%x"));
}

}  // namespace bertjit
