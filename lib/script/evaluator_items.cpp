// Iteration, length, subscripts and slices.
#include <ATen/TensorIndexing.h>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/python_text.h"

namespace bertjit {

using at::indexing::TensorIndex;
using torch::jit::Expr;
using torch::jit::SourceRange;
using torch::jit::Subscript;

namespace {

std::vector<Object>* items_of(const Object& object) {
  if (const auto list = object.as<ListObject>()) {
    return &list->items;
  }
  const auto tuple = object.as<TupleObject>();
  return tuple ? &tuple->items : nullptr;
}

struct Slice {
  int64_t start;
  int64_t stop;
  int64_t step;
};

std::optional<int64_t> bound(const torch::jit::Maybe<Expr>& expr, const ScopePtr& scope) {
  if (!expr.present()) {
    return std::nullopt;
  }
  const Object value = evaluate(expr.get(), scope);
  if (is_none(value)) {
    return std::nullopt;
  }
  const auto number =
      tensor_of(value) != nullptr ? std::make_optional(tensor_of(value)->item().toLong()) : integer_of(value);
  if (!number) {
    refuse(expr.get().range(), "TypeError: slice indices must be integers or None or have an __index__ method");
  }
  return number;
}

// Python's rules for the bounds of a slice over `size` items.
Slice slice_of(const torch::jit::SliceExpr& expr, int64_t size, const ScopePtr& scope) {
  const int64_t step = bound(expr.step(), scope).value_or(1);
  if (step == 0) {
    refuse(expr.range(), "ValueError: slice step cannot be zero");
  }
  const auto clamp = [&](std::optional<int64_t> value, int64_t otherwise) {
    if (!value) {
      return otherwise;
    }
    const int64_t low = step > 0 ? 0 : -1;
    const int64_t high = step > 0 ? size : size - 1;
    return std::clamp(*value < 0 ? *value + size : *value, low, std::max(low, high));
  };
  return {clamp(bound(expr.start(), scope), step > 0 ? 0 : size - 1),
          clamp(bound(expr.end(), scope), step > 0 ? size : -1), step};
}

std::vector<int64_t> positions(const Slice& slice) {
  std::vector<int64_t> result;
  for (int64_t i = slice.start; slice.step > 0 ? i < slice.stop : i > slice.stop; i += slice.step) {
    result.push_back(i);
  }
  return result;
}

size_t position(const Object& key, size_t size, const std::string& what, const SourceRange& where) {
  const auto index = tensor_of(key) != nullptr ? std::make_optional(tensor_of(key)->item().toLong()) : integer_of(key);
  if (!index) {
    refuse(where, "TypeError: " + what + " indices must be integers or slices, not " + python_type_name(key));
  }
  const int64_t wrapped = *index < 0 ? *index + static_cast<int64_t>(size) : *index;
  if (wrapped < 0 || wrapped >= static_cast<int64_t>(size)) {
    refuse(where, "IndexError: " + what + " index out of range");
  }
  return static_cast<size_t>(wrapped);
}

TensorIndex tensor_index(const Expr& expr, const ScopePtr& scope) {
  if (expr.kind() == torch::jit::TK_DOTS || expr.kind() == torch::jit::TK_ELLIPSIS) {
    return TensorIndex(at::indexing::Ellipsis);
  }
  if (expr.kind() == torch::jit::TK_SLICE_EXPR) {
    const torch::jit::SliceExpr slice(expr.tree());
    const auto symbolic = [&](const torch::jit::Maybe<Expr>& part) -> std::optional<c10::SymInt> {
      const auto value = bound(part, scope);
      return value ? std::make_optional<c10::SymInt>(*value) : std::nullopt;
    };
    return TensorIndex(at::indexing::Slice(symbolic(slice.start()), symbolic(slice.end()), symbolic(slice.step())));
  }
  const Object value = evaluate(expr, scope);
  if (is_none(value)) {
    return TensorIndex(at::indexing::None);
  }
  if (const auto* tensor = tensor_of(value)) {
    return TensorIndex(*tensor);
  }
  const auto* scalar = value.get<c10::IValue>();
  if (scalar != nullptr && scalar->isBool()) {
    return TensorIndex(scalar->toBool());
  }
  if (const auto integer = integer_of(value)) {
    return TensorIndex(*integer);
  }
  if (const auto* items = items_of(value)) {
    std::vector<int64_t> indices;
    for (const auto& item : *items) {
      indices.push_back(integer_of(item).value_or(0));
    }
    return TensorIndex(at::tensor(indices, at::kLong));
  }
  refuse(expr.range(), "TypeError: a tensor cannot be indexed with " + python_type_name(value));
}

std::vector<TensorIndex> tensor_indices(const Subscript& subscript, const ScopePtr& scope) {
  std::vector<TensorIndex> indices;
  for (const auto& expr : subscript.subscript_exprs()) {
    if (expr.kind() == torch::jit::TK_TUPLE_LITERAL) {
      for (const auto& part : torch::jit::TupleLiteral(expr.tree()).inputs()) {
        indices.push_back(tensor_index(part, scope));
      }
    } else {
      indices.push_back(tensor_index(expr, scope));
    }
  }
  return indices;
}

Expr only_index(const Subscript& subscript) {
  if (subscript.subscript_exprs().size() != 1) {
    refuse(subscript.range(), "several indices at once are for tensors only");
  }
  return subscript.subscript_exprs()[0];
}

Object sliced(const Object& object, const Subscript& subscript, const ScopePtr& scope) {
  const torch::jit::SliceExpr expr(only_index(subscript).tree());
  if (const auto* text = string_of(object)) {
    const auto characters = characters_of(*text);
    std::string result;
    for (const int64_t i : positions(slice_of(expr, static_cast<int64_t>(characters.size()), scope))) {
      result += characters[static_cast<size_t>(i)];
    }
    return string_object(result);
  }
  const auto container = object.as<InstanceObject>();
  const auto all = container ? container_items(*container) : *items_of(object);
  std::vector<Object> chosen;
  for (const int64_t i : positions(slice_of(expr, static_cast<int64_t>(all.size()), scope))) {
    chosen.push_back(all[static_cast<size_t>(i)]);
  }
  if (container) {
    return container_of(container->type, chosen, subscript.range());
  }
  return object.as<ListObject>() ? list_object(std::move(chosen)) : tuple_object(std::move(chosen));
}

std::pair<Object, Object>* dict_entry(DictObject& dict, const Object& key, const SourceRange& where) {
  for (auto& entry : dict.items) {
    if (equal_objects(entry.first, key, where)) {
      return &entry;
    }
  }
  return nullptr;
}

Object key_text(const Object& key) {
  return string_of(key) != nullptr ? string_object("'" + *string_of(key) + "'") : key;
}

bool holds_items(const Object& object) {
  const auto instance = object.as<InstanceObject>();
  return items_of(object) != nullptr || string_of(object) != nullptr || (instance && is_container(*instance->type));
}

}  // namespace

std::vector<Object> iterate(const Object& object, const SourceRange& where) {
  if (const auto* items = items_of(object)) {
    return *items;
  }
  std::vector<Object> result;
  if (const auto dict = object.as<DictObject>()) {
    for (const auto& [key, value] : dict->items) {
      result.push_back(key);
    }
    return result;
  }
  if (const auto* text = string_of(object)) {
    for (const auto& character : characters_of(*text)) {
      result.push_back(string_object(character));
    }
    return result;
  }
  if (const auto* tensor = tensor_of(object); tensor != nullptr && tensor->dim() > 0) {
    for (const auto& row : tensor->unbind()) {
      result.push_back(Object{c10::IValue(row)});
    }
    return result;
  }
  if (const auto instance = object.as<InstanceObject>()) {
    if (instance->type->find_method("__iter__")) {
      return iterate(call(get_attribute(object, "__iter__", where), {}, where), where);
    }
    if (is_container(*instance->type)) {
      return container_items(*instance);
    }
  }
  refuse(where, "TypeError: '" + python_type_name(object) + "' object is not iterable");
}

int64_t length_of(const Object& object, const SourceRange& where) {
  if (const auto* tensor = tensor_of(object)) {
    if (tensor->dim() == 0) {
      refuse(where, "TypeError: len() of a 0-d tensor");
    }
    return tensor->size(0);
  }
  if (const auto* text = string_of(object)) {
    return static_cast<int64_t>(count_characters(*text));
  }
  const auto instance = object.as<InstanceObject>();
  if (instance && instance->type->find_method("__len__")) {
    return integer_of(call(get_attribute(object, "__len__", where), {}, where)).value_or(0);
  }
  const bool sized =
      items_of(object) != nullptr || object.as<DictObject>() || (instance && is_container(*instance->type));
  if (!sized) {
    refuse(where, "TypeError: object of type '" + python_type_name(object) + "' has no len()");
  }
  return static_cast<int64_t>(iterate(object, where).size());
}

Object get_item(const Object& object, const Subscript& subscript, const ScopePtr& scope) {
  const auto where = subscript.range();
  if (const auto* tensor = tensor_of(object)) {
    return Object{c10::IValue(tensor->index(tensor_indices(subscript, scope)))};
  }
  if (const auto type = object.as<BuiltinObject>()) {
    return object;  // List[int]: a type is itself whatever it holds
  }
  const auto instance = object.as<InstanceObject>();
  if (instance && instance->type->find_method("__getitem__")) {
    const Object key = evaluate(only_index(subscript), scope);
    return call(get_attribute(object, "__getitem__", where), {{key}, {}}, where);
  }
  if (holds_items(object) && only_index(subscript).kind() == torch::jit::TK_SLICE_EXPR) {
    return sliced(object, subscript, scope);
  }
  const Object key = evaluate(only_index(subscript), scope);
  if (const auto dict = object.as<DictObject>()) {
    const auto* entry = dict_entry(*dict, key, where);
    if (entry == nullptr) {
      refuse(where, "KeyError: " + text_of(key_text(key)));
    }
    return entry->second;
  }
  if (instance && is_container(*instance->type)) {
    return container_item(instance, key, where);
  }
  if (const auto* items = items_of(object)) {
    return (*items)[position(key, items->size(), object.as<ListObject>() ? "list" : "tuple", where)];
  }
  if (const auto* text = string_of(object)) {
    const auto characters = characters_of(*text);
    return string_object(characters[position(key, characters.size(), "string", where)]);
  }
  if (const auto module = object.as<CompiledModuleObject>()) {
    return get_attribute(object, text_of(key), where);
  }
  refuse(where, "TypeError: '" + python_type_name(object) + "' object is not subscriptable");
}

void set_item(const Object& object, const Subscript& subscript, const Object& value, const ScopePtr& scope) {
  const auto where = subscript.range();
  if (const auto* tensor = tensor_of(object)) {
    const auto indices = tensor_indices(subscript, scope);
    if (const auto* source = tensor_of(value)) {
      at::Tensor(*tensor).index_put_(indices, *source);
    } else if (const auto number = number_of(value)) {
      at::Tensor(*tensor).index_put_(indices, value.get<c10::IValue>()->toScalar());
    } else {
      refuse(where, "TypeError: can't assign a " + python_type_name(value) + " to a tensor");
    }
    return;
  }
  const Object key = evaluate(only_index(subscript), scope);
  const auto instance = object.as<InstanceObject>();
  if (const auto dict = object.as<DictObject>()) {
    if (auto* entry = dict_entry(*dict, key, where)) {
      entry->second = value;
    } else {
      dict->items.emplace_back(key, value);
    }
  } else if (const auto list = object.as<ListObject>()) {
    list->items[position(key, list->items.size(), "list", where)] = value;
  } else if (instance && is_container(*instance->type)) {
    set_container_item(*instance, key, value, where);
  } else {
    refuse(where, "TypeError: '" + python_type_name(object) + "' object does not support item assignment");
  }
}

void delete_item(const Object& object, const Subscript& subscript, const ScopePtr& scope) {
  const auto where = subscript.range();
  const Object key = evaluate(only_index(subscript), scope);
  if (const auto dict = object.as<DictObject>()) {
    const auto* entry = dict_entry(*dict, key, where);
    if (entry == nullptr) {
      refuse(where, "KeyError: " + text_of(key_text(key)));
    }
    dict->items.erase(dict->items.begin() + (entry - dict->items.data()));
  } else if (const auto list = object.as<ListObject>()) {
    const size_t at = position(key, list->items.size(), "list", where);
    list->items.erase(list->items.begin() + static_cast<std::ptrdiff_t>(at));
  } else {
    refuse(where, "TypeError: '" + python_type_name(object) + "' object doesn't support item deletion");
  }
}

}  // namespace bertjit
