#include "report/graph_dot.h"

#include <cstdio>
#include <map>

#include "report/evidence_json.h"

namespace bertjit {

namespace {

/// Of one line of a label.
constexpr size_t kMaxDetailLength = 80;

const char* style_of(DrawnNode::Kind kind) {
  switch (kind) {
    case DrawnNode::Kind::kInput:
    case DrawnNode::Kind::kOutput:
      return "shape=ellipse, style=filled, fillcolor=\"#dbe9f6\"";
    case DrawnNode::Kind::kAttribute:
      return "shape=note, style=filled, fillcolor=\"#f2f2f2\"";
    case DrawnNode::Kind::kControl:
      return "shape=diamond, style=filled, fillcolor=\"#fdebc8\"";
    case DrawnNode::Kind::kCall:
      return "shape=component";
    case DrawnNode::Kind::kOperator:
      return "shape=box";
  }
  return "";
}

/// Long text cut, not within a character of UTF-8.
std::string shortened(const std::string& text) {
  if (text.size() <= kMaxDetailLength) {
    return text;
  }
  size_t end = kMaxDetailLength - 3;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end) + "...";
}

class DotPrinter {
 public:
  DotPrinter(const DrawnGraph& graph, std::ostream& out) : graph_(graph), out_(out) {}

  void print() {
    out_ << "digraph " << dot_quoted(graph_.method) << " {\n"
         << "  compound=true;\n"
         << "  node [fontname=\"monospace\", fontsize=10];\n"
         << "  edge [fontname=\"monospace\", fontsize=9];\n";
    print_block(graph_.root, "  ");
    for (const auto& edge : graph_.edges) {
      out_ << "  n" << edge.from << " -> n" << edge.to;
      if (edge.control) {
        out_ << control_style(edge);
      } else if (!edge.label.empty()) {
        out_ << " [label=" << dot_quoted(edge.label) << "]";
      }
      out_ << ";\n";
    }
    out_ << "}\n";
  }

 private:
  /// Into a branch or loop body from its owner, or back: drawn to the cluster's border. The way back must not pull the
  /// owner below its own block.
  std::string control_style(const DrawnEdge& edge) const {
    return edge.from < edge.to
               ? " [style=dashed, lhead=cluster_" + std::to_string(cluster_of_.at(edge.to)) + "]"
               : " [style=dashed, ltail=cluster_" + std::to_string(cluster_of_.at(edge.from)) + ", constraint=false]";
  }

  void print_block(const DrawnBlock& block, const std::string& indent) {
    const size_t cluster = next_cluster_++;
    for (const size_t node : block.nodes) {
      cluster_of_[node] = cluster;
      print_node(node, indent);
    }
    for (const auto& inner : block.blocks) {
      out_ << indent << "subgraph cluster_" << next_cluster_ << " {\n"
           << indent << "  label=" << dot_quoted(inner.title) << ";\n"
           << indent << "  style=rounded;\n";
      print_block(inner, indent + "  ");
      out_ << indent << "}\n";
    }
  }

  void print_node(size_t index, const std::string& indent) {
    const DrawnNode& node = graph_.nodes[index];
    std::string label = node.title;
    for (const auto& detail : node.details) {
      label += "\n" + shortened(detail);
    }
    out_ << indent << "n" << index << " [" << style_of(node.kind) << ", label=" << dot_quoted(label) << "];\n";
  }

  const DrawnGraph& graph_;
  std::ostream& out_;
  size_t next_cluster_ = 0;              ///< 0 is the graph itself
  std::map<size_t, size_t> cluster_of_;  ///< by node
};

}  // namespace

std::string dot_quoted(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : json_text(text).get<std::string>()) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      quoted += std::string("\\") + c;
    } else if (c == '&') {
      quoted += "&amp;";
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\\\x%02x", byte);
      quoted += escape;
    } else {
      quoted += c;
    }
  }
  return quoted + "\"";
}

void print_dot(const DrawnGraph& graph, std::ostream& out) {
  DotPrinter(graph, out).print();
}

}  // namespace bertjit
