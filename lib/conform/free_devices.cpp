#include "conform/free_devices.h"

#include <algorithm>
#include <vector>

#include <torch/csrc/jit/ir/constants.h>

namespace bertjit {

namespace {

using torch::jit::Graph;
using torch::jit::Node;
using torch::jit::Value;

bool is_tensor(const Value* value) {
  return value->type()->isSubtypeOf(*c10::TensorType::get());
}

/// The place of the argument that says "the CPU", of a node that is given no tensor; -1 if it is none.
int64_t cpu_argument(const Node& node) {
  if (std::ranges::any_of(node.inputs(), is_tensor)) {
    return -1;
  }
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    const auto value = torch::jit::toIValue(node.input(i));
    if (value && value->isDevice() && value->toDevice().is_cpu()) {
      return static_cast<int64_t>(i);
    }
  }
  return -1;
}

/// A tensor that is there before `node` and lies where the model does: an argument, or a weight that was read.
Value* tensor_before(Graph& graph, const Node* node) {
  for (Value* input : graph.inputs()) {
    if (is_tensor(input)) {
      return input;
    }
  }
  for (Node* other : graph.nodes()) {
    if (other == node) {
      return nullptr;
    }
    if (other->kind() == c10::prim::GetAttr && is_tensor(other->output())) {
      return other->output();
    }
  }
  return nullptr;
}

void free_devices(Graph& graph) {
  std::vector<Node*> makers;
  for (Node* node : graph.nodes()) {
    if (cpu_argument(*node) >= 0) {
      makers.push_back(node);
    }
  }
  for (Node* maker : makers) {
    if (Value* tensor = tensor_before(graph, maker)) {
      Node* device = graph.create(c10::prim::device, {tensor});
      device->output()->setType(c10::DeviceObjType::get());
      device->setScope(maker->scope());
      device->insertBefore(maker);
      maker->replaceInput(static_cast<size_t>(cpu_argument(*maker)), device->output());
    }
  }
}

}  // namespace

void free_devices(const torch::jit::Module& module) {
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      free_devices(*method.graph());
    }
  }
}

}  // namespace bertjit
