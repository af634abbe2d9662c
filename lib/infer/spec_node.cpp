#include "infer/spec_node.h"

#include <algorithm>
#include <functional>

#include <ATen/core/function_schema.h>

#include "infer/values.h"
#include "support/error.h"

namespace bertjit {

namespace {

using Kind = SpecNode::Kind;
using Fitted = std::optional<c10::IValue>;

bool is_number(const SpecNode& node) {
  return !node.dtype && (node.kind == Kind::kBool || node.kind == Kind::kInt || node.kind == Kind::kFloat);
}

bool is_sequence(const SpecNode& node) {
  return !node.dtype && (node.kind == Kind::kList || node.kind == Kind::kTuple);
}

// --- Tensors ---

/// The elements of nested lists, and what dtype torch.tensor gives them.
struct Elements {
  std::vector<int64_t> shape;
  std::vector<int64_t> integers;  ///< as exact as they were written
  std::vector<double> reals;
  bool all_bool = true;
  bool has_float = false;
};

void collect(const SpecNode& node, size_t depth, Elements& elements, const std::string& text) {
  if (node.kind == Kind::kList && !node.dtype) {
    if (depth >= elements.shape.size() || static_cast<int64_t>(node.items.size()) != elements.shape[depth]) {
      refuse_spec(text, "its lists are not all of one length");
    }
    for (const auto& item : node.items) {
      collect(item, depth + 1, elements, text);
    }
    return;
  }
  if (depth != elements.shape.size() || !is_number(node)) {
    refuse_spec(text, depth != elements.shape.size() ? "its lists are not all of one length"
                                                     : "holds something that is no number");
  }
  const int64_t integer = node.kind == Kind::kBool ? static_cast<int64_t>(node.boolean) : node.integer;
  elements.integers.push_back(integer);
  elements.reals.push_back(node.kind == Kind::kFloat ? node.real : static_cast<double>(integer));
  elements.all_bool = elements.all_bool && node.kind == Kind::kBool;
  elements.has_float = elements.has_float || node.kind == Kind::kFloat;
}

at::Tensor tensor_of_lists(const SpecNode& node, const std::string& text) {
  Elements elements;
  for (const SpecNode* list = &node; list->kind == Kind::kList; list = &list->items.front()) {
    elements.shape.push_back(static_cast<int64_t>(list->items.size()));
    if (list->items.empty()) {
      refuse_spec(text, "holds an empty list");
    }
  }
  SpecNode undecided = node;
  undecided.dtype.reset();
  collect(undecided, 0, elements, text);
  if (elements.has_float) {
    return at::tensor(elements.reals, at::kDouble).reshape(elements.shape).to(at::kFloat);
  }
  const at::Tensor integers = at::tensor(elements.integers, at::kLong).reshape(elements.shape);
  return elements.all_bool ? integers.to(at::kBool) : integers;
}

at::Tensor tensor_of(const SpecNode& node, const std::string& text) {
  const at::Tensor tensor = node.kind == Kind::kTensor ? node.tensor : tensor_of_lists(node, text);
  return node.dtype ? tensor.to(*node.dtype) : tensor;
}

// --- Lists and dicts of values ---

/// The type that all have, or Any.
c10::TypePtr common_type(const std::vector<c10::IValue>& values) {
  c10::TypePtr common = values.empty() ? c10::TypePtr(c10::TensorType::get()) : values.front().type();
  for (const auto& value : values) {
    const auto unified = c10::unifyTypes(common, value.type());
    common = unified ? *unified : c10::TypePtr(c10::AnyType::get());
  }
  return common->kind() == c10::TypeKind::TensorType ? c10::TypePtr(c10::TensorType::get()) : common;
}

c10::IValue make_list(const std::vector<c10::IValue>& values) {
  c10::impl::GenericList list(common_type(values));
  for (const auto& value : values) {
    list.push_back(value);
  }
  return list;
}

c10::IValue make_dict(const std::vector<c10::IValue>& keys, const std::vector<c10::IValue>& values) {
  c10::impl::GenericDict dict(keys.empty() ? c10::TypePtr(c10::StringType::get()) : common_type(keys),
                              common_type(values));
  for (size_t i = 0; i < keys.size(); ++i) {
    dict.insert_or_assign(keys[i], values[i]);
  }
  return dict;
}

using LeafValue = std::function<c10::IValue(const SpecNode&)>;

c10::IValue nested(const SpecNode& node, const LeafValue& leaf) {
  if (node.dtype || (node.kind != Kind::kList && node.kind != Kind::kTuple && node.kind != Kind::kDict)) {
    return leaf(node);
  }
  std::vector<c10::IValue> items;
  for (const auto& item : node.items) {
    items.push_back(nested(item, leaf));
  }
  if (node.kind == Kind::kTuple) {
    return c10::ivalue::Tuple::create(std::move(items));
  }
  if (node.kind == Kind::kList) {
    return make_list(items);
  }
  std::vector<c10::IValue> keys;
  for (const auto& key : node.keys) {
    keys.push_back(key.kind == Kind::kInt ? c10::IValue(key.integer) : c10::IValue(key.string));
  }
  return make_dict(keys, items);
}

/// As Python reads it: numbers are numbers.
c10::IValue plain_leaf(const SpecNode& node, const std::string& text) {
  if (node.dtype || node.kind == Kind::kTensor) {
    return tensor_of(node, text);
  }
  switch (node.kind) {
    case Kind::kBool:
      return node.boolean;
    case Kind::kInt:
      return node.integer;
    case Kind::kFloat:
      return node.real;
    case Kind::kString:
      return node.string;
    default:
      return {};
  }
}

c10::IValue plain_value(const SpecNode& node, const std::string& text) {
  return nested(node, [&](const SpecNode& leaf) { return plain_leaf(leaf, text); });
}

/// Whether it is a list that holds numbers, and lists of them, alone.
bool is_list_of_numbers(const SpecNode& node) {
  return node.kind == Kind::kList && std::ranges::all_of(node.items, [](const SpecNode& item) {
           return is_number(item) || is_list_of_numbers(item);
         });
}

/// Where no type is declared: numbers and lists of numbers are tensors.
c10::IValue undeclared_value(const SpecNode& node, const std::string& text) {
  if (is_number(node) || is_list_of_numbers(node)) {
    return tensor_of(node, text);
  }
  if (!is_sequence(node) && node.kind != Kind::kDict) {
    return plain_leaf(node, text);
  }
  SpecNode shallow = node;
  for (auto& item : shallow.items) {
    item = SpecNode{};
  }
  size_t next = 0;
  return nested(shallow, [&](const SpecNode&) { return undeclared_value(node.items[next++], text); });
}

// --- Declared types ---

Fitted fit(const SpecNode& node, const c10::TypePtr& type, const std::string& text);

std::optional<std::vector<c10::IValue>> fit_each(const std::vector<SpecNode>& items,
                                                 const std::function<c10::TypePtr(size_t)>& type_at,
                                                 const std::string& text) {
  std::vector<c10::IValue> values;
  for (size_t i = 0; i < items.size(); ++i) {
    const Fitted fitted = fit(items[i], type_at(i), text);
    if (!fitted) {
      return std::nullopt;
    }
    values.push_back(*fitted);
  }
  return values;
}

Fitted fit_list(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  const c10::TypePtr element = type->expectRef<c10::ListType>().getElementType();
  const auto values = is_sequence(node) ? fit_each(
                                              node.items, [&](size_t) { return element; }, text)
                                        : std::nullopt;
  return values ? conform(c10::ivalue::Tuple::create(*values), type) : std::nullopt;
}

Fitted fit_tuple(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  const auto elements = type->expectRef<c10::TupleType>().elements();
  if (node.items.size() != elements.size() || !is_sequence(node)) {
    return std::nullopt;
  }
  const auto values = fit_each(
      node.items, [&](size_t i) { return elements[i]; }, text);
  return values ? conform(c10::ivalue::Tuple::create(*values), type) : std::nullopt;
}

/// A NamedTuple given as a dict of its fields, in any order.
Fitted fit_fields(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  const auto& tuple = type->expectRef<c10::TupleType>();
  SpecNode ordered{.kind = Kind::kTuple};
  for (size_t field = 0; tuple.schema() && field < tuple.elements().size(); ++field) {
    const std::string& name = tuple.schema()->arguments()[field].name();
    const auto key = std::ranges::find(node.keys, name, &SpecNode::string);
    if (key == node.keys.end()) {
      return std::nullopt;
    }
    ordered.items.push_back(node.items[static_cast<size_t>(key - node.keys.begin())]);
  }
  return ordered.items.size() == node.items.size() ? fit_tuple(ordered, type, text) : std::nullopt;
}

Fitted fit_dict(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  if (node.kind != Kind::kDict || node.dtype) {
    return std::nullopt;
  }
  const auto& dict = type->expectRef<c10::DictType>();
  const auto keys = fit_each(
      node.keys, [&](size_t) { return dict.getKeyType(); }, text);
  const auto values = fit_each(
      node.items, [&](size_t) { return dict.getValueType(); }, text);
  return keys && values ? conform(make_dict(*keys, *values), type) : std::nullopt;
}

/// A plain value where one of the members takes it, else the first that does.
Fitted fit_union(const SpecNode& node, const c10::UnionType& type, const std::string& text) {
  for (const auto& member : type.containedTypes()) {
    const bool is_tensor = member->kind() == c10::TypeKind::TensorType;
    if (Fitted fitted = is_tensor && node.kind != Kind::kTensor ? std::nullopt : fit(node, member, text)) {
      return fitted;
    }
  }
  const bool takes_tensor = type.canHoldType(*c10::TensorType::get());
  return takes_tensor && (is_number(node) || is_list_of_numbers(node) || node.dtype) ? Fitted(tensor_of(node, text))
                                                                                     : std::nullopt;
}

Fitted fit(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  if (type == nullptr) {
    return undeclared_value(node, text);
  }
  switch (type->kind()) {
    case c10::TypeKind::TensorType:
      return tensor_of(node, text);
    case c10::TypeKind::OptionalType:
      return node.kind == Kind::kNone && !node.dtype
                 ? Fitted(c10::IValue())
                 : fit(node, type->expectRef<c10::OptionalType>().getElementType(), text);
    case c10::TypeKind::ListType:
      return fit_list(node, type, text);
    case c10::TypeKind::TupleType:
      return node.kind == Kind::kDict ? fit_fields(node, type, text) : fit_tuple(node, type, text);
    case c10::TypeKind::DictType:
      return fit_dict(node, type, text);
    case c10::TypeKind::UnionType:
      return fit_union(node, type->expectRef<c10::UnionType>(), text);
    default:
      return conform(plain_value(node, text), type);
  }
}

}  // namespace

SpecNode SpecNode::of_bool(bool value) {
  return {.kind = Kind::kBool, .boolean = value};
}

SpecNode SpecNode::of_int(int64_t value) {
  return {.kind = Kind::kInt, .integer = value};
}

SpecNode SpecNode::of_float(double value) {
  return {.kind = Kind::kFloat, .real = value};
}

SpecNode SpecNode::of_string(std::string value) {
  return {.kind = Kind::kString, .string = std::move(value)};
}

c10::IValue value_of(const SpecNode& node, const c10::TypePtr& type, const std::string& text) {
  const Fitted fitted = fit(node, type, text);
  return fitted ? *fitted : plain_value(node, text);
}

void refuse_spec(const std::string& text, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument, "input '" + text + "': " + why);
}

}  // namespace bertjit
