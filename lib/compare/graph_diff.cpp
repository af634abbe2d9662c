#include "compare/graph_diff.h"

#include <algorithm>

#include "compare/compare.h"
#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// The tensor that a node is the constant of; undefined if it is none.
at::Tensor constant_tensor(const jit::Node& node) {
  const auto value = c10::attr::value;
  if (node.kind() != c10::prim::Constant || !node.hasAttribute(value) || node.kindOf(value) != jit::AttributeKind::t) {
    return {};
  }
  return node.t(value);
}

/// "" if the two are alike.
std::string tensor_difference(const at::Tensor& expected, const at::Tensor& actual) {
  // Without elements there is nothing to compare, and so nothing that differs but shape and dtype.
  if (expected.numel() == 0 && actual.sizes() == expected.sizes() && actual.scalar_type() == expected.scalar_type()) {
    return "";
  }
  try {
    const TensorComparison comparison = compare_tensors(expected, actual, Tolerance{.equal_nan = true});
    return comparison.matches ? "" : comparison.message;
  } catch (const Error& error) {
    return error.what();
  }
}

/// Walks both lists of nodes side by side; false once they have parted.
bool compare_constants(const jit::Block& expected, const jit::Block& actual, std::vector<ConstantDifference>& found) {
  auto right = actual.nodes().begin();
  for (const jit::Node* node : expected.nodes()) {
    if (right == actual.nodes().end() || (*right)->kind() != node->kind()) {
      return false;
    }
    const jit::Node* other = *right;
    ++right;
    const at::Tensor left_value = constant_tensor(*node);
    const at::Tensor right_value = constant_tensor(*other);
    if (left_value.defined() && right_value.defined()) {
      if (const std::string message = tensor_difference(left_value, right_value); !message.empty()) {
        found.push_back({joined_lines(readable_lines(*node)), source_text(*node), message});
      }
    }
    for (size_t i = 0; i < node->blocks().size(); ++i) {
      if (i >= other->blocks().size() || !compare_constants(*node->blocks()[i], *other->blocks()[i], found)) {
        return false;
      }
    }
  }
  return right == actual.nodes().end();
}

/// "return (%15)"
std::string return_line(const jit::Graph& graph) {
  std::string values;
  for (const jit::Value* output : graph.outputs()) {
    values += (values.empty() ? "%" : ", %") + output->debugName();
  }
  return "return (" + values + ")";
}

/// A place in the list of operators; past the last one stands what the graph returns, with that one's source.
struct Step {
  std::vector<std::string> lines;
  std::string source;
};

std::vector<Step> steps_of(const jit::Graph& graph) {
  std::vector<Step> steps;
  for (const jit::Node* node : graph.nodes()) {
    steps.push_back({readable_lines(*node), source_text(*node)});
  }
  steps.push_back({{return_line(graph)}, steps.empty() ? "" : steps.back().source});
  return steps;
}

/// The first pair of steps that do not read the same.
std::optional<NodeDifference> first_difference(const jit::Graph& expected, const jit::Graph& actual) {
  const std::vector<Step> left = steps_of(expected);
  const std::vector<Step> right = steps_of(actual);
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    if (left[i].lines != right[i].lines) {
      return NodeDifference{diff_lines(left[i].lines, right[i].lines).lines, left[i].source, right[i].source};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string source_text(const jit::Node& node) {
  std::string text = node.sourceRange().str();
  const size_t end = text.find_last_not_of(" \n");
  return end == std::string::npos ? "" : text.substr(0, end + 1);
}

GraphDiff diff_graphs(const jit::Graph& expected, const jit::Graph& actual) {
  GraphDiff diff;
  // A function's trace has a self that nothing uses once it stands in a module; the readable graphs have none.
  const auto left = readable_graph(expected);
  const auto right = readable_graph(actual);
  diff.comparison = compare_graphs(canonical_graph(*left), canonical_graph(*right));
  compare_constants(*left->block(), *right->block(), diff.constants);
  if (!diff.comparison.matches) {
    diff.text = diff_lines(readable_lines(*left), readable_lines(*right));
    diff.first_node = first_difference(*left, *right);
  }
  return diff;
}

}  // namespace bertjit
