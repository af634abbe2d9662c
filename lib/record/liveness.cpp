#include "record/liveness.h"

namespace bertjit {

using torch::jit::Block;
using torch::jit::Node;
using torch::jit::Value;

namespace {

/// `node`, or the node around it that stands in `block`.
const Node* in_block(const Node* node, const Block* block) {
  while (node->owningBlock() != block) {
    node = node->owningBlock()->owningNode();
  }
  return node;
}

void add_value(const Value* value, const Node* defined_at, const Block* block, LastUses& result) {
  const Node* last = defined_at;
  for (const auto& use : value->uses()) {
    const Node* user = in_block(use.user, block);
    if (user == block->return_node()) {
      return;
    }
    last = user->isAfter(last) ? user : last;
  }
  result[last].push_back(value);
}

void add_block(const Block* block, LastUses& result) {
  for (const Value* input : block->inputs()) {
    if (!input->uses().empty()) {
      add_value(input, *block->nodes().begin(), block, result);
    }
  }
  for (const Node* node : block->nodes()) {
    for (const Value* output : node->outputs()) {
      add_value(output, node, block, result);
    }
    for (const Block* inner : node->blocks()) {
      add_block(inner, result);
    }
  }
}

}  // namespace

LastUses last_uses(const torch::jit::Graph& graph) {
  LastUses result;
  add_block(graph.block(), result);
  return result;
}

}  // namespace bertjit
