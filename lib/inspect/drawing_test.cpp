#include "inspect/drawing.h"

#include <algorithm>
#include <set>

#include "inspect/graph_text.h"
#include "inspect/lookup.h"
#include "module/module_testing.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

using Kind = DrawnNode::Kind;

DrawnGraph draw(const std::string& code, Inlined inlined = Inlined::kNo) {
  const torch::jit::Module module = testing::scripted(code);
  return draw_graph(*graph_of(*find_graph(module, "forward"), inlined), "forward", inlined == Inlined::kYes);
}

const DrawnNode* find_node(const DrawnGraph& graph, const std::string& title) {
  const auto it =
      std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const DrawnNode& node) { return node.title == title; });
  return it == graph.nodes.end() ? nullptr : &*it;
}

bool has_detail(const DrawnNode& node, const std::string& detail) {
  return std::find(node.details.begin(), node.details.end(), detail) != node.details.end();
}

bool is_connected(const DrawnGraph& graph, const std::string& from, const std::string& to) {
  return std::any_of(graph.edges.begin(), graph.edges.end(), [&](const DrawnEdge& edge) {
    return graph.nodes[edge.from].title == from && graph.nodes[edge.to].title == to;
  });
}

void collect(const DrawnBlock& block, std::multiset<size_t>& nodes) {
  nodes.insert(block.nodes.begin(), block.nodes.end());
  for (const auto& inner : block.blocks) {
    collect(inner, nodes);
  }
}

}  // namespace

TEST_CASE("drawing: constants and lists of them are written into the nodes that use them") {
  const DrawnGraph graph = draw("def forward(self, x):\n    return torch.sum(x, [0, 1], True)\n");
  const DrawnNode* sum = find_node(graph, "aten::sum");
  REQUIRE(sum != nullptr);
  CHECK(has_detail(*sum, "dim=[0, 1]"));
  CHECK(has_detail(*sum, "keepdim=True"));
  CHECK_FALSE(has_detail(*sum, "dtype=None"));
  CHECK(find_node(graph, "prim::Constant") == nullptr);
  CHECK(find_node(graph, "prim::ListConstruct") == nullptr);
}

TEST_CASE("drawing: a weight is one node with its path, a submodule none") {
  const DrawnGraph graph = draw(testing::kSoundForward);
  REQUIRE(find_node(graph, "word_embeddings.weight") != nullptr);
  CHECK(find_node(graph, "word_embeddings.weight")->kind == Kind::kAttribute);
  CHECK(is_connected(graph, "word_embeddings.weight", "aten::embedding"));
  CHECK(is_connected(graph, "aten::embedding", "aten::mul"));
  CHECK(is_connected(graph, "scale", "aten::mul"));
  CHECK(is_connected(graph, "aten::mul", "return"));
  CHECK(graph.nodes.size() == 6);
}

TEST_CASE("drawing: branches and loop bodies are blocks of their own, and every node lies in one block") {
  const DrawnGraph graph = draw(R"(
def forward(self, x, flag: bool):
    if flag:
        for i in range(x.size(0)):
            x = x * 2
    else:
        x = -x
    return x
)");
  REQUIRE(graph.root.blocks.size() == 2);
  CHECK(graph.root.blocks[0].title == "then");
  CHECK(graph.root.blocks[1].title == "else");
  REQUIRE(graph.root.blocks[0].blocks.size() == 1);
  CHECK(graph.root.blocks[0].blocks[0].title == "loop");
  CHECK(find_node(graph, "prim::If")->kind == Kind::kControl);
  std::multiset<size_t> nodes;
  collect(graph.root, nodes);
  CHECK(nodes.size() == graph.nodes.size());
  CHECK(std::set<size_t>(nodes.begin(), nodes.end()).size() == graph.nodes.size());
  for (const auto& edge : graph.edges) {
    CHECK(edge.from < graph.nodes.size());
    CHECK(edge.to < graph.nodes.size());
  }
}

TEST_CASE("drawing: a call is one node, or the method's nodes if inlined") {
  const std::string code = R"(
def helper(self, x):
    return torch.relu(x)
def forward(self, x):
    return self.helper(x)
)";
  const DrawnNode* call = find_node(draw(code), "self.helper");
  REQUIRE(call != nullptr);
  CHECK(call->kind == Kind::kCall);
  CHECK(is_connected(draw(code), "self.helper", "return"));
  const DrawnGraph inlined = draw(code, Inlined::kYes);
  CHECK(find_node(inlined, "self.helper") == nullptr);
  CHECK(is_connected(inlined, "aten::relu", "return"));
}

}  // namespace bertjit
