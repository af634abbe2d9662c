#include "module/debug_info.h"

#include <set>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

namespace {

void strip_block(torch::jit::Block& block);

void strip_node(torch::jit::Node& node) {
  node.setSourceRange(torch::jit::SourceRange());
  for (torch::jit::Block* block : node.blocks()) {
    strip_block(*block);
  }
  for (const auto name : node.attributeNames()) {
    if (node.kindOf(name) == torch::jit::AttributeKind::g) {
      strip_block(*node.g(name)->block());
    }
  }
}

void strip_block(torch::jit::Block& block) {
  for (torch::jit::Node* node : block.nodes()) {
    strip_node(*node);
  }
  strip_node(*block.param_node());
  strip_node(*block.return_node());
}

}  // namespace

void strip_debug_info(const torch::jit::Module& module) {
  std::set<torch::jit::Function*> functions;
  for (torch::jit::Function* function : module._ivalue()->compilation_unit()->get_functions()) {
    functions.insert(function);
  }
  for (const auto& part : module.modules()) {
    for (torch::jit::Function* method : part.type()->methods()) {
      functions.insert(method);
    }
  }
  for (torch::jit::Function* function : functions) {
    if (auto* graph_function = torch::jit::tryToGraphFunction(*function)) {
      strip_block(*graph_function->graph()->block());
    }
  }
}

}  // namespace bertjit
