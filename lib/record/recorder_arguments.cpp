// Numbers that the trace knows, as arguments of operators.
//
// Between the call of an operator and the tracer's note of it numbers are plain C++ numbers. libtorch's way around is
// ArgumentStash: the value in the trace is put aside under the argument's name, and whoever records an argument of that
// name takes it. What nobody takes is put in by hand afterwards, so that no later operator finds it.
#include <algorithm>

#include <ATen/core/dispatch/Dispatcher.h>

#include "record/recorder.h"
#include "record/trace_session.h"

namespace bertjit {

namespace jit = torch::jit;
namespace tracer = torch::jit::tracer;
using jit::Value;
using tracer::ArgumentStash;

namespace {

const std::shared_ptr<jit::Graph>& graph() {
  return tracer::getTracingState()->graph;
}

c10::TypePtr required_type(const c10::TypePtr& type) {
  const auto optional = type->cast<c10::OptionalType>();
  return optional != nullptr ? optional->getElementType() : type;
}

bool is_int_list(const c10::Argument& argument) {
  const auto list = required_type(argument.type())->cast<c10::ListType>();
  return list != nullptr && list->getElementType()->kind() == c10::TypeKind::IntType;
}

/// What ArgumentStash has just made of a number: it stands behind the tensor's own node.
Value* value_after(const at::Tensor& tensor) {
  return tracer::getValueTrace(tensor)->node()->next()->output();
}

/// The overload that takes a tensor where `overload` takes a Scalar. Not of pow, which rounds otherwise there.
std::string tensor_overload(const std::string& overload) {
  return overload == "Scalar" ? "Tensor" : overload == "Scalar_mode" ? "Tensor_mode" : "";
}

}  // namespace

std::optional<c10::OperatorHandle> Recorder::with_tensor_argument(const jit::Node& node, Slots& inputs) {
  auto& dispatcher = c10::Dispatcher::singleton();
  if (node.kind() == c10::aten::copy_ && is_literal(inputs[1].value) && inputs[1].value.toTensor().dim() == 0) {
    inputs.resize(2);  // x[0] = 1: what Python records as fill_
    return dispatcher.findSchemaOrThrow("aten::fill_", "Tensor");
  }
  if (node.kind() == c10::aten::add && negated_.defined() && inputs[0].value.isTensor() &&
      inputs[0].value.toTensor().is_same(negated_)) {
    inputs[0] = {not_negated_};
    negated_ = at::Tensor();
    if (!symbols_.has_tensor(inputs[1]) || !inputs[1].value.isInt()) {
      return dispatcher.findSchemaOrThrow("aten::rsub", "Scalar");
    }
    inputs[1] = {symbols_.at(inputs[1].symbol).tensor};
    std::swap(inputs[0], inputs[1]);
    return dispatcher.findSchemaOrThrow("aten::sub", "Tensor");
  }
  // x * n with a size n: Python multiplies by the tensor that the size is. A fractional number of Python's is kept
  // apart from tensors, whose type it would widen.
  if (inputs.size() < 2 || !inputs[0].value.isTensor() || !inputs[1].value.isInt() || !symbols_.has_tensor(inputs[1])) {
    return std::nullopt;
  }
  const auto& tensor = symbols_.at(inputs[1].symbol).tensor;
  if (node.kind() == c10::aten::rsub) {
    std::swap(inputs[0], inputs[1]);
    inputs[0] = {tensor};
    return dispatcher.findSchemaOrThrow("aten::sub", "Tensor");
  }
  const auto name = node.schema().operator_name();
  const auto found = dispatcher.findSchema({name.name, tensor_overload(name.overload_name)});
  if (!found || tensor_overload(name.overload_name).empty() || found->schema().arguments().size() != inputs.size() ||
      found->schema().arguments()[1].type()->kind() != c10::TypeKind::TensorType) {
    return std::nullopt;
  }
  inputs[1] = {tensor};
  return found;
}

std::optional<Slots> Recorder::start_difference(const jit::Node& node, const Slots& inputs) {
  // TorchScript's compiler makes -x + 2 of 2 - x; Python records one operator, rsub.
  if (node.kind() != c10::aten::neg || !is_builtin_text(node) || node.output()->uses().size() != 1) {
    return std::nullopt;
  }
  const auto& use = node.output()->uses()[0];
  if (use.user->kind() != c10::aten::add || use.offset != 0 || use.user != node.next() ||
      use.user->input(1)->type()->isSubtypeOf(*c10::TensorType::get())) {
    return std::nullopt;
  }
  const TracingPause pause;
  not_negated_ = inputs[0].value.toTensor();
  Slots outputs = run_operator(node, inputs);
  negated_ = outputs[0].value.toTensor();
  return outputs;
}

std::vector<Recorder::Argument> Recorder::stash_arguments(const c10::FunctionSchema& schema, const Slots& inputs) {
  std::vector<Argument> arguments;
  for (size_t i = 0; i < inputs.size() && i < schema.arguments().size(); ++i) {
    const auto& formal = schema.arguments()[i];
    const Slot& slot = inputs[i];
    if (slot.value.isList() && has_tensor_elements(slot.value)) {
      arguments.push_back({formal.name(), slot.value, {}, is_int_list(formal)});
      stash_list(arguments.back());
    } else if (slot.value.isScalar() && symbols_.has_tensor(slot)) {
      const auto type = required_type(formal.type());
      const bool taken = type->kind() == c10::TypeKind::IntType || type->kind() == c10::TypeKind::NumberType;
      arguments.push_back({formal.name(), slot.value, {}, taken});
      if (taken) {
        const auto& tensor = symbols_.at(slot.symbol).tensor;
        ArgumentStash::stashValue(formal.name(), 0, tensor, type);
        arguments.back().values = {value_after(tensor)};
      } else {
        arguments.back().values = {number_value(slot)};
      }
    }
  }
  return arguments;
}

void Recorder::stash_list(Argument& argument) {
  const auto ids = symbols_.elements(argument.number);
  for (size_t i = 0; argument.stashed && i < ids.size(); ++i) {
    const auto& tensor = symbols_.at(ids[i]).tensor;
    if (tensor.defined()) {
      ArgumentStash::stashIntArrayRefElem(argument.name, ids.size(), i, tensor);
      argument.values.push_back(value_after(tensor));
    }
  }
}

void Recorder::settle_arguments(std::vector<Argument>& arguments) {
  for (auto& argument : arguments) {
    const bool taken = std::any_of(argument.values.begin(), argument.values.end(),
                                   [](const Value* value) { return !value->uses().empty(); });
    if (taken) {
      continue;
    }
    const auto [node, index] = recorded_input(argument.name);
    Value* value = argument.stashed ? drain(argument, node) : argument.values.empty() ? nullptr : argument.values[0];
    if (node != nullptr && value != nullptr) {
      node->replaceInput(index, value);
    } else if (!new_nodes_.empty()) {
      find(FindingKind::kSizeConstant, argument.name);  // an operator that leaves no node computes nothing
    }
  }
  arguments.clear();
}

void Recorder::drain_arguments(const std::vector<Argument>& arguments) {
  for (const auto& argument : arguments) {
    const bool taken = std::any_of(argument.values.begin(), argument.values.end(),
                                   [](const Value* value) { return !value->uses().empty(); });
    if (argument.stashed && !taken) {
      drain(argument, nullptr);
    }
  }
}

Value* Recorder::drain(const Argument& argument, jit::Node* before) {
  // Only what records an argument takes it out of the stash.
  const auto& trace = graph();
  const jit::WithInsertPoint guard(before != nullptr ? before : trace->insertPoint());
  jit::Node* taker = trace->create(c10::prim::ListConstruct, 0);
  if (argument.number.isList()) {
    tracer::addInputs(taker, argument.name.c_str(), c10::ArrayRef<int64_t>(argument.number.toIntVector()));
  } else {
    tracer::addInputs(taker, argument.name.c_str(), static_cast<int64_t>(0));
  }
  Value* value = taker->input(0);
  taker->destroy();
  return value;
}

std::pair<jit::Node*, size_t> Recorder::recorded_input(const std::string& name) const {
  for (auto node = new_nodes_.rbegin(); node != new_nodes_.rend(); ++node) {
    const auto* schema = (*node)->maybeSchema();
    const auto index = schema == nullptr ? std::nullopt : schema->argumentIndexWithName(name);
    if (index && static_cast<size_t>(*index) < (*node)->inputs().size()) {
      return {*node, static_cast<size_t>(*index)};
    }
  }
  return {nullptr, 0};
}

bool Recorder::has_tensor_elements(const c10::IValue& list) const {
  const auto ids = symbols_.elements(list);
  return std::any_of(ids.begin(), ids.end(), [&](int64_t id) { return symbols_.at(id).tensor.defined(); });
}

bool Recorder::is_literal(const c10::IValue& value) const {
  return value.isTensor() && std::any_of(literals_.begin(), literals_.end(),
                                         [&](const auto& literal) { return literal.is_same(value.toTensor()); });
}

Value* Recorder::number_value(const Slot& slot) {
  Value* tensor = tracer::getValueTrace(symbols_.at(slot.symbol).tensor);
  return graph()->insert(slot.value.isInt() ? c10::aten::Int : c10::aten::Float, {tensor});
}

Value* Recorder::value_of(const Slot& slot) {
  if (slot.value.isScalar() && symbols_.has_tensor(slot)) {
    return number_value(slot);
  }
  const auto ids = symbols_.elements(slot.value);
  if (ids.empty()) {
    return tracer::getValueTrace(slot.value);
  }
  std::vector<Value*> elements;
  const auto values = slot.value.isTuple() ? slot.value.toTupleRef().elements().vec() : slot.value.toListRef().vec();
  for (size_t i = 0; i < values.size(); ++i) {
    elements.push_back(value_of({values[i], ids[i]}));
  }
  return graph()
      ->insertNode(slot.value.isTuple() ? graph()->createTuple(elements)
                                        : graph()->createList(slot.value.toList().elementType(), elements))
      ->output();
}

}  // namespace bertjit
