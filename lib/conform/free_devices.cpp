#include "conform/free_devices.h"

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

/// The place of the argument that says "the CPU"; -1 if none does.
int64_t cpu_argument(const Node& node) {
  for (size_t i = 0; i < node.inputs().size(); ++i) {
    const auto value = torch::jit::toIValue(node.input(i));
    if (value && value->isDevice() && value->toDevice().is_cpu()) {
      return static_cast<int64_t>(i);
    }
  }
  return -1;
}

/// A tensor that lies where the node's result is to lie: its own input, an argument of the code, or a weight that was
/// read before.
Value* tensor_at_hand(Graph& graph, Node* node) {
  for (Value* input : node->inputs()) {
    if (is_tensor(input)) {
      return input;
    }
  }
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
  std::vector<Node*> users;
  for (Node* node : graph.nodes()) {
    if (cpu_argument(*node) >= 0) {
      users.push_back(node);
    }
  }
  for (Node* user : users) {
    if (Value* tensor = tensor_at_hand(graph, user)) {
      Node* device = graph.create(c10::prim::device, {tensor});
      device->output()->setType(c10::DeviceObjType::get());
      device->setScope(user->scope());
      device->insertBefore(user);
      user->replaceInput(static_cast<size_t>(cpu_argument(*user)), device->output());
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
