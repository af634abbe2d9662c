#include "quantize/code_walk.h"

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/ir/constants.h>

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// Whether a transpose with numbers in it is that of a matrix: (0, 1), (-2, -1) and the other way round.
bool swaps_rows_and_columns(const jit::Node& node) {
  const auto first = jit::constant_as<int64_t>(node.input(1));
  const auto second = jit::constant_as<int64_t>(node.input(2));
  return first && second && (*first % 2 != 0) != (*second % 2 != 0) && *first >= -2 && *first <= 1 && *second >= -2 &&
         *second <= 1;
}

bool is_matrix(const KnownValue& value) {
  return value.value.isTensor() && value.value.toTensor().defined() && value.value.toTensor().dim() == 2;
}

const void* identity(const KnownValue& known) {
  if (known.value.isObject()) {
    return known.value.toObject().get();
  }
  return known.value.isTensor() ? known.value.toTensor().unsafeGetTensorImpl() : nullptr;
}

}  // namespace

std::vector<jit::Node*> all_nodes(jit::Block& block) {
  std::vector<jit::Node*> nodes;
  for (jit::Node* node : block.nodes()) {
    nodes.push_back(node);
    for (jit::Block* inner : node->blocks()) {
      const auto nested = all_nodes(*inner);
      nodes.insert(nodes.end(), nested.begin(), nested.end());
    }
  }
  return nodes;
}

void CodeWalk::walk(jit::Function& method, const ModuleObject& self) {
  enter(method, self, {});
}

void CodeWalk::enter(jit::Function& method, const ModuleObject& self, std::vector<KnownValue> arguments) {
  if (!method.isGraphFunction()) {
    return;
  }
  const auto graph = jit::toGraphFunction(method).graph();
  std::vector<const void*> key{graph.get(), self.get()};
  for (const auto& argument : arguments) {
    key.push_back(identity(argument));
  }
  if (!seen_.insert(std::move(key)).second) {
    return;
  }
  KnownValues known;
  known[graph->inputs().at(0)] = {.value = c10::IValue(self)};
  for (size_t i = 0; i < arguments.size() && i + 1 < graph->inputs().size(); ++i) {
    if (arguments[i].owner != nullptr || !arguments[i].value.isNone()) {
      known[graph->inputs()[i + 1]] = std::move(arguments[i]);
    }
  }
  walk_block(*graph->block(), known);
  if (visitor_) {
    visitor_(*graph, self, known);
  }
}

void CodeWalk::walk_block(jit::Block& block, KnownValues& known) {
  for (jit::Node* node : block.nodes()) {
    walk_node(*node, known);
    for (jit::Block* inner : node->blocks()) {
      walk_block(*inner, known);
    }
  }
}

void CodeWalk::walk_node(jit::Node& node, KnownValues& known) {
  const auto of = [&](size_t i) -> const KnownValue* {
    const auto it = known.find(node.input(i));
    return it == known.end() ? nullptr : &it->second;
  };
  if (node.kind() == c10::prim::GetAttr) {
    const KnownValue* owner = of(0);
    if (owner == nullptr || !owner->value.isObject()) {
      return;
    }
    const ModuleObject object = owner->value.toObject();
    const std::string& name = node.s(c10::attr::name);
    if (reader_) {
      reader_(object, name);
    }
    known[node.output()] = {object->getAttr(name), object, name, false};
  } else if (node.kind() == c10::prim::Constant && node.output()->type()->isSubtypeOf(*c10::TensorType::get())) {
    if (const auto value = jit::toIValue(node.output())) {
      known[node.output()] = {.value = *value};
    }
  } else if (node.kind() == c10::prim::CallMethod) {
    call(node, known);
  } else if (!node.inputs().empty() && node.outputs().size() == 1 && of(0) != nullptr && is_matrix(*of(0))) {
    const bool transposes = node.kind() == c10::aten::t || node.kind() == c10::aten::numpy_T ||
                            (node.kind() == c10::aten::transpose && swaps_rows_and_columns(node));
    if (transposes) {
      KnownValue turned = *of(0);
      turned.transposed = !turned.transposed;
      known[node.output()] = std::move(turned);
    }
  }
}

void CodeWalk::call(jit::Node& node, KnownValues& known) {
  const auto callee = known.find(node.input(0));
  if (callee == known.end() || !callee->second.value.isObject()) {
    return;
  }
  const ModuleObject object = callee->second.value.toObject();
  jit::Function* method = object->type()->findMethod(node.s(c10::attr::name));
  if (method == nullptr) {
    return;
  }
  std::vector<KnownValue> arguments;
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    const auto it = known.find(node.input(i));
    arguments.push_back(it == known.end() ? KnownValue{} : it->second);
  }
  enter(*method, object, std::move(arguments));
}

}  // namespace bertjit
