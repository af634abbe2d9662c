// Drawings as Graphviz text. The grammar is that of graphviz.org/doc/info/lang.html; where `dot` is installed it
// judges.
#include "report/graph_dot.h"

#include <iostream>
#include <set>
#include <sstream>

#include "testing/testing.h"

namespace bertjit {

namespace {

std::string dot_of(const DrawnGraph& graph) {
  std::ostringstream out;
  print_dot(graph, out);
  return out.str();
}

/// %x -> prim::If with two branches -> return.
DrawnGraph branching(const std::string& title) {
  DrawnGraph graph;
  graph.method = "forward";
  graph.nodes = {{DrawnNode::Kind::kInput, "%x", {"Tensor"}},    {DrawnNode::Kind::kControl, "prim::If", {}},
                 {DrawnNode::Kind::kOperator, title, {"dim=0"}}, {DrawnNode::Kind::kOutput, "result", {}},
                 {DrawnNode::Kind::kOutput, "result", {"None"}}, {DrawnNode::Kind::kOutput, "return", {}}};
  graph.edges = {{0, 1, "%x", false}, {1, 2, "", true}, {2, 3, title, false}, {3, 1, "", true},
                 {1, 4, "", true},    {4, 1, "", true}, {1, 5, "%y", false}};
  graph.root = {"forward", {0, 1, 5}, {{"then", {2, 3}, {}}, {"else", {4}, {}}}};
  return graph;
}

/// What hostile names hold: quotes, backslashes at the end, line ends, entities, control characters, invalid UTF-8.
const std::string kHostile = "a\"b\\n&lt;|{}<x>\n\t\x01\xff\\";

}  // namespace

TEST_CASE("dot: text is quoted so that Graphviz shows it as it is") {
  CHECK(dot_quoted("plain") == "\"plain\"");
  CHECK(dot_quoted("a\"b") == "\"a\\\"b\"");
  CHECK(dot_quoted("a\\n") == "\"a\\\\n\"");
  CHECK(dot_quoted("two\nlines") == "\"two\\nlines\"");
  CHECK(dot_quoted("&lt;") == "\"&amp;lt;\"");
  CHECK(dot_quoted("\x01") == "\"\\\\x01\"");
  CHECK(dot_quoted("\xff") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("dot: nodes, branches as clusters, arrows with the names of values") {
  CHECK(dot_of(branching("aten::sum")) == R"(digraph "forward" {
  compound=true;
  node [fontname="monospace", fontsize=10];
  edge [fontname="monospace", fontsize=9];
  n0 [shape=ellipse, style=filled, fillcolor="#dbe9f6", label="%x\nTensor"];
  n1 [shape=diamond, style=filled, fillcolor="#fdebc8", label="prim::If"];
  n5 [shape=ellipse, style=filled, fillcolor="#dbe9f6", label="return"];
  subgraph cluster_1 {
    label="then";
    style=rounded;
    n2 [shape=box, label="aten::sum\ndim=0"];
    n3 [shape=ellipse, style=filled, fillcolor="#dbe9f6", label="result"];
  }
  subgraph cluster_2 {
    label="else";
    style=rounded;
    n4 [shape=ellipse, style=filled, fillcolor="#dbe9f6", label="result\nNone"];
  }
  n0 -> n1 [label="%x"];
  n1 -> n2 [style=dashed, lhead=cluster_1];
  n2 -> n3 [label="aten::sum"];
  n3 -> n1 [style=dashed, ltail=cluster_1, constraint=false];
  n1 -> n4 [style=dashed, lhead=cluster_2];
  n4 -> n1 [style=dashed, ltail=cluster_2, constraint=false];
  n1 -> n5 [label="%y"];
}
)");
}

TEST_CASE("dot: hostile names leave every quoted string closed on its line") {
  std::istringstream lines(dot_of(branching(kHostile)));
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    bool is_open = false;
    for (size_t i = 0; i < line.size(); ++i) {
      if (is_open && line[i] == '\\') {
        ++i;  // escaped
      } else {
        is_open = is_open != (line[i] == '"');
      }
      REQUIRE(i < line.size());
      CHECK(static_cast<unsigned char>(line[i]) >= 0x20);
    }
    CHECK(!is_open);
  }
}

TEST_CASE("dot: a long detail is cut between characters, a long title is not") {
  DrawnGraph graph = branching(std::string(200, 't'));
  graph.nodes[2].details = {std::string(76, 'd') + "\xc3\xa4" + std::string(20, 'd')};
  const std::string text = dot_of(graph);
  CHECK(text.find(std::string(200, 't')) != std::string::npos);
  CHECK(text.find(std::string(76, 'd') + "...\"") != std::string::npos);
}

TEST_CASE("dot: Graphviz takes what was printed") {
  if (testing::run_command("dot -V 2>&1").exit_code != 0) {
    std::cerr << "SKIPPED: no Graphviz: dot is not installed\n";
    SUCCEED("skipped: no dot");
    return;
  }
  const testing::TempDir folder;
  for (const std::string& title : {std::string("aten::sum"), kHostile}) {
    testing::write_bytes(folder / "graph.dot", dot_of(branching(title)));
    const auto drawn = testing::run_command("dot -Tsvg '" + (folder / "graph.dot").string() + "' 2>&1");
    CHECK(drawn.exit_code == 0);
    CHECK(drawn.out.find("Warning") == std::string::npos);
    CHECK(drawn.out.find("</svg>") != std::string::npos);
  }
  // The judge can say no.
  testing::write_bytes(folder / "graph.dot", "digraph \"forward {\n");
  CHECK(testing::run_command("dot -Tsvg '" + (folder / "graph.dot").string() + "' 2>&1").exit_code != 0);
}

}  // namespace bertjit
