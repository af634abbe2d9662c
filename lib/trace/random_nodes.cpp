#include "trace/random_nodes.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <ATen/core/dispatch/Dispatcher.h>
#include <torch/csrc/jit/ir/constants.h>

#include "compare/graphs.h"
#include "compare/text_diff.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

// Arguments that turn an operator's randomness off: a flag that is false, a probability that is zero.
constexpr std::array<std::string_view, 2> kFlags{"train", "training"};
constexpr std::array<std::string_view, 3> kProbabilities{"p", "dropout", "dropout_p"};

bool contains(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_turned_off(const jit::Node& node, const c10::FunctionSchema& schema) {
  for (size_t i = 0; i < schema.arguments().size() && i < node.inputs().size(); ++i) {
    const auto value = jit::toIValue(node.inputs()[i]);
    const std::string& name = schema.arguments()[i].name();
    if (value && ((contains(kFlags, name) && value->isBool() && !value->toBool()) ||
                  (contains(kProbabilities, name) && value->isDouble() && value->toDouble() == 0))) {
      return true;
    }
  }
  return false;
}

bool is_random(const jit::Node& node) {
  const c10::FunctionSchema* schema = node.maybeSchema();
  if (schema == nullptr) {
    return false;
  }
  const auto handle = c10::Dispatcher::singleton().findSchema(schema->operator_name());
  const bool listed = (handle && handle->hasTag(at::Tag::nondeterministic_seeded)) || node.isNondeterministic();
  return listed && !is_turned_off(node, *schema);
}

std::string place_of(const jit::Node& node) {
  const auto place = node.sourceRange().file_line_col();
  if (!place) {
    return "";
  }
  const auto& [file, line, column] = *place;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

void collect(const jit::Block& block, std::vector<RandomNode>& found) {
  for (const jit::Node* node : block.nodes()) {
    if (is_random(*node)) {
      found.push_back({node->kind().toQualString(), joined_lines(readable_lines(*node)), place_of(*node)});
    }
    for (const jit::Block* inner : node->blocks()) {
      collect(*inner, found);
    }
  }
}

}  // namespace

std::vector<RandomNode> random_nodes(const jit::Graph& graph) {
  std::vector<RandomNode> found;
  const auto readable = readable_graph(graph);
  collect(*readable->block(), found);
  return found;
}

}  // namespace bertjit
