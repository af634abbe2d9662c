// Nodes that libtorch's own interpreter has instructions for, instead of operators.
#include <algorithm>
#include <iostream>
#include <sstream>

#include "record/execution.h"

namespace bertjit {

namespace jit = torch::jit;
namespace prim = c10::prim;
using jit::Node;

namespace {

std::vector<c10::IValue> values_of(const Slots& slots) {
  std::vector<c10::IValue> values;
  values.reserve(slots.size());
  for (const auto& slot : slots) {
    values.push_back(slot.value);
  }
  return values;
}

c10::IValue make_list(const Node& node, const Slots& inputs) {
  c10::impl::GenericList list(node.output()->type()->expectRef<c10::ListType>().getElementType());
  list.reserve(inputs.size());
  for (const auto& input : inputs) {
    list.push_back(input.value);
  }
  return list;
}

c10::IValue make_tuple(const Node& node, const Slots& inputs) {
  const auto type = node.output()->type()->cast<c10::TupleType>();
  return type != nullptr && type->name() ? c10::ivalue::Tuple::createNamed(values_of(inputs), type)
                                         : c10::ivalue::Tuple::create(values_of(inputs));
}

c10::IValue make_dict(const Node& node, const Slots& inputs) {
  const auto& type = node.output()->type()->expectRef<c10::DictType>();
  c10::impl::GenericDict dict(type.getKeyType(), type.getValueType());
  for (size_t i = 0; i + 1 < inputs.size(); i += 2) {
    dict.insert_or_assign(inputs[i].value, inputs[i + 1].value);
  }
  return dict;
}

c10::IValue make_object(const Node& node) {
  const auto type = node.output()->type()->expect<c10::ClassType>();
  return c10::ivalue::Object::create(c10::StrongTypePtr(type->compilation_unit(), type), type->numAttributes());
}

bool is_instance(const Node& node, const c10::IValue& value) {
  const auto type = value.type();
  const auto& candidates = node.tys(c10::attr::types);
  return std::any_of(candidates.begin(), candidates.end(), [&](const auto& one) { return type->isSubtypeOf(*one); });
}

c10::IValue slice_tuple(const Node& node, const c10::IValue& tuple) {
  const auto& elements = tuple.toTupleRef().elements();
  const auto begin = static_cast<size_t>(node.i(c10::attr::beg));
  const auto end = static_cast<size_t>(node.i(c10::attr::end));
  return c10::ivalue::Tuple::create(std::vector<c10::IValue>(elements.begin() + begin, elements.begin() + end));
}

c10::IValue tuple_element(const c10::IValue& tuple, int64_t index) {
  const auto& elements = tuple.toTupleRef().elements();
  const auto count = static_cast<int64_t>(elements.size());
  TORCH_CHECK(index >= -count && index < count, "Tuple index out of range");
  return elements[static_cast<size_t>(index < 0 ? index + count : index)];
}

Slots unpack(const Node& node, const c10::IValue& value) {
  Slots outputs;
  if (value.isTuple()) {
    for (const auto& element : value.toTupleRef().elements()) {
      outputs.push_back({element});
    }
    return outputs;
  }
  const auto list = value.toList();
  TORCH_CHECK(list.size() == node.outputs().size(), "Expected ", node.outputs().size(),
              " elements in a list but found ", list.size());
  for (const c10::IValue element : list) {
    outputs.push_back({element});
  }
  return outputs;
}

/// To stderr: stdout is for results.
void print(const Slots& inputs) {
  std::ostringstream line;
  for (size_t i = 0; i < inputs.size(); ++i) {
    line << (i == 0 ? "" : " ");
    if (inputs[i].value.isString()) {
      line << inputs[i].value.toStringRef();
    } else {
      line << inputs[i].value;
    }
  }
  std::cerr << line.str() << '\n';
}

/// `raise ValueError("bad")` -> "ValueError: bad"; an assert's message names its class itself.
[[noreturn]] void raise(const Slots& inputs) {
  std::string message = inputs[0].value.isString() ? inputs[0].value.toStringRef() : "";
  std::string name = inputs.size() > 1 && inputs[1].value.isString() ? inputs[1].value.toStringRef() : "";
  name = name.substr(name.rfind('.') + 1);
  const std::string module = "builtins.";
  message = message.starts_with(module) ? message.substr(module.size()) : message;
  throw std::runtime_error(name.empty() || message.starts_with(name + ":") ? message : name + ": " + message);
}

}  // namespace

bool Execution::run_structural(const Node& node, const Slots& inputs, Slots& outputs) {
  const auto kind = node.kind();
  if (kind == prim::ListConstruct) {
    outputs = {{make_list(node, inputs)}};
  } else if (kind == prim::TupleConstruct) {
    outputs = {{make_tuple(node, inputs)}};
  } else if (kind == prim::DictConstruct) {
    outputs = {{make_dict(node, inputs)}};
  } else if (kind == prim::ListUnpack || kind == prim::TupleUnpack) {
    outputs = unpack(node, inputs[0].value);
  } else if (kind == prim::TupleIndex) {
    outputs = {{tuple_element(inputs[0].value, inputs[1].value.toInt())}};
  } else if (kind == prim::TupleSlice) {
    outputs = {{slice_tuple(node, inputs[0].value)}};
  } else if (kind == prim::CreateObject) {
    outputs = {{make_object(node)}};
  } else if (kind == prim::isinstance) {
    outputs = {{is_instance(node, inputs[0].value)}};
  } else if (kind == prim::unchecked_cast) {
    outputs = {inputs[0]};
  } else if (kind == prim::Uninitialized) {
    outputs = {{c10::IValue::uninitialized()}};
  } else if (kind == prim::Print) {
    print(inputs);
    outputs = Slots(node.outputs().size());
  } else if (kind == prim::RaiseException) {
    raise(inputs);
  } else {
    return false;
  }
  return true;
}

Slots Execution::run_operator(const Node& node, const Slots& inputs) {
  jit::Stack stack = values_of(inputs);
  // Operators that take any number of values find the number on the stack.
  if (node.maybeSchema() != nullptr && node.schema().is_vararg()) {
    stack.emplace_back(static_cast<int64_t>(inputs.size()));
  }
  node.getOperation()(stack);
  Slots outputs;
  for (auto& value : stack) {
    outputs.push_back({std::move(value)});
  }
  return outputs;
}

}  // namespace bertjit
