// Objects of Python as values of TorchScript, and back.
#include "script/object_values.h"

#include <utility>

#include "script/objects.h"

namespace bertjit {

namespace {

std::string python_type_of(const c10::IValue& value) {
  if (value.isNone()) {
    return "NoneType";
  }
  if (value.isTensor()) {
    return "Tensor";
  }
  if (value.isBool()) {
    return "bool";
  }
  if (value.isInt()) {
    return "int";
  }
  if (value.isDouble()) {
    return "float";
  }
  if (value.isString()) {
    return "str";
  }
  if (value.isDevice()) {
    return "device";
  }
  if (value.isList()) {
    return "list";
  }
  if (value.isTuple()) {
    return "tuple";
  }
  if (value.isGenericDict()) {
    return "dict";
  }
  return value.type()->annotation_str();
}

std::nullopt_t refuse(std::string* why, const std::string& reason) {
  if (why != nullptr) {
    *why = reason;
  }
  return std::nullopt;
}

/// The one type of all elements; nullptr, with the reason, if there is none.
c10::TypePtr common_type(const std::vector<c10::IValue>& values, const std::string& what, std::string* why) {
  c10::TypePtr type;
  for (const c10::IValue& value : values) {
    const c10::TypePtr next = c10::unshapedType(value.type());
    const auto unified = type == nullptr ? std::make_optional(next) : c10::unifyTypes(type, next);
    if (!unified) {
      refuse(why, what + " must have consistent element type. Found " + type->repr_str() + " and " + next->repr_str());
      return nullptr;
    }
    type = *unified;
  }
  return type;
}

std::optional<std::vector<c10::IValue>> to_ivalues(const std::vector<Object>& items, const std::string& what,
                                                   std::string* why) {
  std::vector<c10::IValue> values;
  for (const Object& item : items) {
    std::string reason;
    auto value = to_ivalue(item, &reason);
    if (!value) {
      return refuse(why, "Could not infer type of " + what + " element: " + reason);
    }
    values.push_back(std::move(*value));
  }
  return values;
}

c10::IValue make_list(const std::vector<c10::IValue>& values, const c10::TypePtr& element) {
  c10::impl::GenericList list(element);
  for (const c10::IValue& value : values) {
    list.push_back(value);
  }
  return list;
}

std::optional<c10::IValue> list_to_ivalue(const ListObject& list, std::string* why) {
  const auto values = to_ivalues(list.items, "list", why);
  if (!values) {
    return std::nullopt;
  }
  const c10::TypePtr element =
      values->empty() ? c10::TensorType::get() : common_type(*values, "List inputs to traced functions", why);
  if (element == nullptr) {
    return std::nullopt;
  }
  return make_list(*values, element);
}

bool is_key_type(const c10::TypePtr& type) {
  switch (type->kind()) {
    case c10::TypeKind::IntType:
    case c10::TypeKind::FloatType:
    case c10::TypeKind::BoolType:
    case c10::TypeKind::StringType:
    case c10::TypeKind::TensorType:
      return true;
    default:
      return false;
  }
}

std::optional<c10::IValue> dict_to_ivalue(const DictObject& dict, std::string* why) {
  std::vector<Object> key_objects;
  std::vector<Object> value_objects;
  for (const auto& [key, value] : dict.items) {
    key_objects.push_back(key);
    value_objects.push_back(value);
  }
  const auto keys = to_ivalues(key_objects, "dict", why);
  const auto values = keys ? to_ivalues(value_objects, "dict", why) : std::nullopt;
  if (!values) {
    return std::nullopt;
  }
  const bool empty = keys->empty();
  const c10::TypePtr key =
      empty ? c10::StringType::get() : common_type(*keys, "Dictionary inputs to traced functions", why);
  const c10::TypePtr value =
      empty ? c10::TensorType::get()
            : (key == nullptr ? nullptr : common_type(*values, "Dictionary inputs to traced functions", why));
  if (value == nullptr) {
    return std::nullopt;
  }
  if (!is_key_type(key)) {
    return refuse(why, "Cannot create dict for key type '" + key->str() +
                           "', only int, float, complex, Tensor, device and string keys are supported");
  }
  c10::impl::GenericDict result(key, value);
  for (size_t i = 0; i < keys->size(); ++i) {
    result.insert_or_assign((*keys)[i], (*values)[i]);
  }
  return c10::IValue(result);
}

std::optional<c10::IValue> typed_list(const ListObject& list, const c10::TypePtr& element, std::string* why) {
  std::vector<c10::IValue> values;
  for (const Object& item : list.items) {
    auto value = to_typed_ivalue(item, element, why);
    if (!value) {
      return std::nullopt;
    }
    values.push_back(std::move(*value));
  }
  return make_list(values, element);
}

std::optional<c10::IValue> typed_dict(const DictObject& dict, const c10::DictType& type, std::string* why) {
  c10::impl::GenericDict result(type.getKeyType(), type.getValueType());
  for (const auto& [key_object, value_object] : dict.items) {
    auto key = to_typed_ivalue(key_object, type.getKeyType(), why);
    auto value = key ? to_typed_ivalue(value_object, type.getValueType(), why) : std::nullopt;
    if (!value) {
      return std::nullopt;
    }
    result.insert_or_assign(*key, *value);
  }
  return c10::IValue(result);
}

std::optional<c10::IValue> typed_tuple(const TupleObject& tuple, const c10::TupleType& type, std::string* why) {
  if (tuple.items.size() != type.elements().size()) {
    return refuse(why, "tuple has " + std::to_string(tuple.items.size()) + " elements, its type " +
                           std::to_string(type.elements().size()));
  }
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < tuple.items.size(); ++i) {
    auto value = to_typed_ivalue(tuple.items[i], type.elements()[i], why);
    if (!value) {
      return std::nullopt;
    }
    values.push_back(std::move(*value));
  }
  return c10::ivalue::Tuple::create(std::move(values));
}

/// Data that has exactly one TorchScript value, checked against `type`; an int also where a float is asked for.
std::optional<c10::IValue> typed_scalar(const Object& object, const c10::TypePtr& type, std::string* why) {
  auto value = to_ivalue(object, why);
  if (!value) {
    return std::nullopt;
  }
  if (value->isInt() && type->kind() == c10::TypeKind::FloatType) {
    return c10::IValue(static_cast<double>(value->toInt()));
  }
  const c10::TypePtr found = c10::unshapedType(value->type());
  if (!found->isSubtypeOf(*type)) {
    return refuse(why, "expected a value of type '" + type->repr_str() + "', found '" + found->repr_str() + "'");
  }
  return value;
}

std::string describe_callable(const Object& object) {
  if (const auto function = object.as<FunctionObject>()) {
    return "function '" + function->name + "'";
  }
  if (const auto function = object.as<CompiledFunctionObject>()) {
    return std::string(function->kind == CompiledFunctionObject::Kind::kScripted ? "scripted" : "traced") +
           " function '" + function->function->name() + "'";
  }
  if (const auto method = object.as<BoundMethodObject>()) {
    return "method '" + method->method->name + "' of " + method->self->type->name;
  }
  if (const auto builtin = object.as<BuiltinObject>()) {
    return "built-in function '" + builtin->name + "'";
  }
  return "";
}

std::string describe_module(const Object& object) {
  if (const auto module = object.as<CompiledModuleObject>()) {
    const char* kinds[] = {"scripted", "traced", "loaded"};
    return std::string(kinds[static_cast<size_t>(module->kind)]) + " module";
  }
  if (const auto type = object.as<ClassObject>()) {
    return "class '" + type->name + "'";
  }
  if (const auto instance = object.as<InstanceObject>()) {
    return "instance of " + instance->type->name;
  }
  return "";
}

std::string describe_type(const Object& object) {
  return python_type_name(object);
}

}  // namespace

std::string python_type_name(const Object& object) {
  if (const auto* value = object.get<c10::IValue>()) {
    return python_type_of(*value);
  }
  if (object.get<c10::ScalarType>() != nullptr) {
    return "dtype";
  }
  if (object.as<ListObject>()) {
    return "list";
  }
  if (object.as<TupleObject>()) {
    return "tuple";
  }
  if (object.as<DictObject>()) {
    return "dict";
  }
  if (const auto instance = object.as<InstanceObject>()) {
    return instance->type->name;
  }
  if (object.as<ClassObject>()) {
    return "type";
  }
  if (object.as<BoundMethodObject>()) {
    return "method";
  }
  if (object.as<CompiledModuleObject>()) {
    return "ScriptModule";
  }
  return object.get<NamespaceObject>() != nullptr ? "module" : "function";
}

std::string describe(const Object& object) {
  if (const auto* space = object.get<NamespaceObject>()) {
    return "module '" + space->path + "'";
  }
  for (const auto describer : {describe_callable, describe_module, describe_type}) {
    const std::string text = describer(object);
    if (!text.empty()) {
      return text;
    }
  }
  return "object";
}

std::optional<c10::IValue> to_ivalue(const Object& object, std::string* why) {
  if (const auto* value = object.get<c10::IValue>()) {
    return *value;
  }
  if (const auto* dtype = object.get<c10::ScalarType>()) {
    return c10::IValue(static_cast<int64_t>(*dtype));
  }
  if (const auto list = object.as<ListObject>()) {
    return list_to_ivalue(*list, why);
  }
  if (const auto dict = object.as<DictObject>()) {
    return dict_to_ivalue(*dict, why);
  }
  if (const auto tuple = object.as<TupleObject>()) {
    auto values = to_ivalues(tuple->items, "tuple", why);
    return values ? std::make_optional<c10::IValue>(c10::ivalue::Tuple::create(std::move(*values))) : std::nullopt;
  }
  if (object.as<InstanceObject>() || object.as<CompiledModuleObject>()) {
    return refuse(why, "Cannot infer concrete type of torch.nn.Module");
  }
  return refuse(why,
                "Only tensors and (possibly nested) tuples of tensors, lists, or dicts are supported as inputs or "
                "outputs of traced functions, but instead got value of type " +
                    python_type_name(object));
}

std::optional<c10::IValue> to_typed_ivalue(const Object& object, const c10::TypePtr& type, std::string* why) {
  if (const auto optional = type->cast<c10::OptionalType>()) {
    const auto* value = object.get<c10::IValue>();
    const bool is_none = value != nullptr && value->isNone();
    return is_none ? std::make_optional(*value) : to_typed_ivalue(object, optional->getElementType(), why);
  }
  const auto list = object.as<ListObject>();
  if (const auto list_type = type->cast<c10::ListType>(); list_type && list) {
    return typed_list(*list, list_type->getElementType(), why);
  }
  const auto dict = object.as<DictObject>();
  if (const auto dict_type = type->cast<c10::DictType>(); dict_type && dict) {
    return typed_dict(*dict, *dict_type, why);
  }
  const auto tuple = object.as<TupleObject>();
  if (const auto tuple_type = type->cast<c10::TupleType>(); tuple_type && tuple) {
    return typed_tuple(*tuple, *tuple_type, why);
  }
  return typed_scalar(object, type, why);
}

Object from_ivalue(const c10::IValue& value) {
  if (value.isList()) {
    auto list = std::make_shared<ListObject>();
    for (const c10::IValue& item : value.toList()) {
      list->items.push_back(from_ivalue(item));
    }
    return Object{list};
  }
  if (value.isTuple()) {
    auto tuple = std::make_shared<TupleObject>();
    for (const c10::IValue& item : value.toTupleRef().elements()) {
      tuple->items.push_back(from_ivalue(item));
    }
    return Object{tuple};
  }
  if (value.isGenericDict()) {
    auto dict = std::make_shared<DictObject>();
    for (const auto& entry : value.toGenericDict()) {
      dict->items.emplace_back(from_ivalue(entry.key()), from_ivalue(entry.value()));
    }
    return Object{dict};
  }
  return Object{value};
}

}  // namespace bertjit
