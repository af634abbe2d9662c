// Python's own builtins.
#include "script/builtins.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/python_rewrite.h"
#include "script/python_text.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;

int64_t integer(const Object& object, const SourceRange& where) {
  if (const auto* tensor = tensor_of(object)) {
    return tensor->item().toLong();
  }
  if (const auto value = integer_of(object)) {
    return *value;
  }
  refuse(where, "TypeError: '" + python_type_name(object) + "' object cannot be interpreted as an integer");
}

Object range(const Arguments& arguments, const SourceRange& where) {
  const auto& given = arguments.positional;
  if (given.empty() || given.size() > 3) {
    refuse(where, "TypeError: range expected 1 to 3 arguments, got " + std::to_string(given.size()));
  }
  const int64_t start = given.size() == 1 ? 0 : integer(given[0], where);
  const int64_t stop = integer(given[given.size() == 1 ? 0 : 1], where);
  const int64_t step = given.size() == 3 ? integer(given[2], where) : 1;
  if (step == 0) {
    refuse(where, "ValueError: range() arg 3 must not be zero");
  }
  std::vector<Object> items;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    count_step(where);
    items.push_back(int_object(i));
  }
  return list_object(std::move(items));
}

Object zip(const Arguments& arguments, const SourceRange& where) {
  std::vector<std::vector<Object>> columns;
  size_t rows = std::numeric_limits<size_t>::max();
  for (const auto& column : arguments.positional) {
    columns.push_back(iterate(column, where));
    rows = std::min(rows, columns.back().size());
  }
  std::vector<Object> items;
  for (size_t i = 0; !columns.empty() && i < rows; ++i) {
    std::vector<Object> row;
    for (const auto& column : columns) {
      row.push_back(column[i]);
    }
    items.push_back(tuple_object(std::move(row)));
  }
  return list_object(std::move(items));
}

Object enumerate(const Arguments& arguments, const SourceRange& where) {
  const auto start = argument(arguments, 1, "start");
  int64_t at = start ? integer(*start, where) : 0;
  std::vector<Object> items;
  for (const auto& item : iterate(required(arguments, 0, "iterable", "enumerate", where), where)) {
    items.push_back(tuple_object({int_object(at++), item}));
  }
  return list_object(std::move(items));
}

Object extreme(const Arguments& arguments, const SourceRange& where, const std::string& op, const std::string& name) {
  const auto items = arguments.positional.size() == 1 ? iterate(arguments.positional[0], where) : arguments.positional;
  if (items.empty()) {
    refuse(where, "ValueError: " + name + "() arg is an empty sequence");
  }
  Object best = items[0];
  for (const auto& item : items) {
    best = is_true(binary_operation(op, item, best, where), where) ? item : best;
  }
  return best;
}

Object sum(const Arguments& arguments, const SourceRange& where) {
  Object total = argument(arguments, 1, "start").value_or(int_object(0));
  for (const auto& item : iterate(required(arguments, 0, "iterable", "sum", where), where)) {
    total = binary_operation("+", total, item, where);
  }
  return total;
}

Object to_int(const Arguments& arguments, const SourceRange& where) {
  if (arguments.positional.empty()) {
    return int_object(0);
  }
  const auto& value = arguments.positional[0];
  if (const auto* text = string_of(value)) {
    try {
      size_t used = 0;
      const int64_t parsed = std::stoll(*text, &used);
      if (used == text->size()) {
        return int_object(parsed);
      }
    } catch (const std::exception&) {
    }
    refuse(where, "ValueError: invalid literal for int() with base 10: '" + *text + "'");
  }
  const double truncated = std::trunc(as_number(value, where));
  return integer_of(value) ? int_object(*integer_of(value)) : int_object(static_cast<int64_t>(truncated));
}

Object to_float(const Arguments& arguments, const SourceRange& where) {
  if (arguments.positional.empty()) {
    return float_object(0);
  }
  if (const auto* text = string_of(arguments.positional[0])) {
    try {
      size_t used = 0;
      const double parsed = std::stod(*text, &used);
      if (used == text->size()) {
        return float_object(parsed);
      }
    } catch (const std::exception&) {
    }
    refuse(where, "ValueError: could not convert string to float: '" + *text + "'");
  }
  return float_object(as_number(arguments.positional[0], where));
}

Object round_number(const Arguments& arguments, const SourceRange& where) {
  const Object value = required(arguments, 0, "number", "round", where);
  const auto digits = argument(arguments, 1, "ndigits");
  if (!digits) {
    return int_object(static_cast<int64_t>(std::nearbyint(as_number(value, where))));
  }
  const double scale = std::pow(10.0, static_cast<double>(integer(*digits, where)));
  return float_object(std::nearbyint(as_number(value, where) * scale) / scale);
}

Object absolute(const Arguments& arguments, const SourceRange& where) {
  const Object value = required(arguments, 0, "x", "abs", where);
  if (tensor_of(value) != nullptr) {
    return call_operator("abs", std::nullopt, {{value}, {}}, where);
  }
  return integer_of(value) ? int_object(std::llabs(*integer_of(value)))
                           : float_object(std::fabs(as_number(value, where)));
}

Object sequence(const Arguments& arguments, const SourceRange& where, bool list) {
  std::vector<Object> items =
      arguments.positional.empty() ? std::vector<Object>() : iterate(arguments.positional[0], where);
  return list ? list_object(std::move(items)) : tuple_object(std::move(items));
}

Object dict(const Arguments& arguments, const SourceRange& where) {
  auto result = std::make_shared<DictObject>();
  if (!arguments.positional.empty()) {
    if (const auto other = arguments.positional[0].as<DictObject>()) {
      result->items = other->items;
    } else {
      for (const auto& pair : iterate(arguments.positional[0], where)) {
        const auto parts = iterate(pair, where);
        if (parts.size() != 2) {
          refuse(where, "ValueError: dictionary update sequence element has length " + std::to_string(parts.size()) +
                            "; 2 is required");
        }
        result->items.emplace_back(parts[0], parts[1]);
      }
    }
  }
  for (const auto& [name, value] : arguments.named) {
    result->items.emplace_back(string_object(name), value);
  }
  return Object{result};
}

Object sorted(const Arguments& arguments, const SourceRange& where) {
  auto items = iterate(required(arguments, 0, "iterable", "sorted", where), where);
  std::stable_sort(items.begin(), items.end(), [&where](const Object& a, const Object& b) {
    return is_true(binary_operation("<", a, b, where), where);
  });
  const auto reverse = argument(arguments, 99, "reverse");
  if (reverse && is_true(*reverse, where)) {
    std::reverse(items.begin(), items.end());
  }
  return list_object(std::move(items));
}

Object any_all(const Arguments& arguments, const SourceRange& where, bool any) {
  for (const auto& item : iterate(required(arguments, 0, "iterable", any ? "any" : "all", where), where)) {
    if (is_true(item, where) == any) {
      return bool_object(any);
    }
  }
  return bool_object(!any);
}

Object get_attr(const Arguments& arguments, const SourceRange& where) {
  const Object object = required(arguments, 0, "object", "getattr", where);
  const std::string name = text_of(required(arguments, 1, "name", "getattr", where));
  const auto found = find_attribute(object, name, where);
  return found                             ? *found
         : arguments.positional.size() > 2 ? arguments.positional[2]
                                           : get_attribute(object, name, where);
}

Object reversed(const Arguments& arguments, const SourceRange& where) {
  auto items = iterate(required(arguments, 0, "sequence", "reversed", where), where);
  std::reverse(items.begin(), items.end());
  return list_object(std::move(items));
}

Object map_call(const Arguments& arguments, const SourceRange& where) {
  const Object function = required(arguments, 0, "function", "map", where);
  std::vector<Object> items;
  for (const auto& item : iterate(required(arguments, 1, "iterable", "map", where), where)) {
    items.push_back(call(function, {{item}, {}}, where));
  }
  return list_object(std::move(items));
}

Object type_of(const Arguments& arguments, const SourceRange& where) {
  const Object object = required(arguments, 0, "object", "type", where);
  if (const auto instance = object.as<InstanceObject>()) {
    return Object{instance->type};
  }
  const auto* known = builtin_scope()->find(python_type_name(object));
  if (known == nullptr) {
    refuse(where, "type() of " + describe(object) + " is outside the subset");
  }
  return *known;
}

void add_types(PythonScope& scope) {
  const auto add = [&scope](const std::string& name, auto function) {
    scope.set(name, builtin_object(name, function));
  };
  add("int", to_int);
  add("float", to_float);
  add("dict", dict);
  add("bool", [](const Arguments& a, const SourceRange& where) {
    return bool_object(!a.positional.empty() && is_true(a.positional[0], where));
  });
  add("str", [](const Arguments& a, const SourceRange&) {
    return string_object(a.positional.empty() ? "" : text_of(a.positional[0]));
  });
  add("list", [](const Arguments& a, const SourceRange& where) { return sequence(a, where, true); });
  add("tuple", [](const Arguments& a, const SourceRange& where) { return sequence(a, where, false); });
  add("object",
      [](const Arguments&, const SourceRange& where) -> Object { refuse(where, "object() is outside the subset"); });
  for (const std::string name : {"staticmethod", "property", "classmethod", "complex", "set", "bytes", "next", "iter",
                                 "filter", "open", "input"}) {
    add(name, [name](const Arguments&, const SourceRange& where) -> Object {
      refuse(where, name + "() is outside the subset");
    });
  }
}

std::shared_ptr<PythonScope> make_builtin_scope() {
  auto scope = std::make_shared<PythonScope>();
  add_types(*scope);
  const auto add = [&scope](const std::string& name, auto function) {
    scope->set(name, builtin_object(name, function));
  };
  add("range", range);
  add("zip", zip);
  add("enumerate", enumerate);
  add("sum", sum);
  add("abs", absolute);
  add("round", round_number);
  add("sorted", sorted);
  add("reversed", reversed);
  add("map", map_call);
  add("type", type_of);
  add("getattr", get_attr);
  add("print", [](const Arguments&, const SourceRange&) { return none_object(); });
  add("len", [](const Arguments& a, const SourceRange& w) {
    return int_object(length_of(required(a, 0, "obj", "len", w), w));
  });
  add("min", [](const Arguments& a, const SourceRange& where) { return extreme(a, where, "<", "min"); });
  add("max", [](const Arguments& a, const SourceRange& where) { return extreme(a, where, ">", "max"); });
  add("any", [](const Arguments& a, const SourceRange& where) { return any_all(a, where, true); });
  add("all", [](const Arguments& a, const SourceRange& where) { return any_all(a, where, false); });
  add("isinstance", [](const Arguments& a, const SourceRange& where) {
    const Object object = required(a, 0, "obj", "isinstance", where);
    return bool_object(is_instance(object, required(a, 1, "class_or_tuple", "isinstance", where), where));
  });
  add("hasattr", [](const Arguments& a, const SourceRange& where) {
    const Object object = required(a, 0, "obj", "hasattr", where);
    return bool_object(find_attribute(object, text_of(required(a, 1, "name", "hasattr", where)), where).has_value());
  });
  add("setattr", [](const Arguments& a, const SourceRange& where) {
    const Object object = required(a, 0, "obj", "setattr", where);
    set_attribute(object, text_of(required(a, 1, "name", "setattr", where)), required(a, 2, "value", "setattr", where),
                  where);
    return none_object();
  });
  add("pow", [](const Arguments& a, const SourceRange& where) {
    return binary_operation("**", required(a, 0, "base", "pow", where), required(a, 1, "exp", "pow", where), where);
  });
  add(std::string(kFlattenName), [](const Arguments& a, const SourceRange& where) {
    std::vector<Object> all;
    for (const auto& part : iterate(required(a, 0, "iterable", "list", where), where)) {
      const auto items = iterate(part, where);
      all.insert(all.end(), items.begin(), items.end());
    }
    return list_object(std::move(all));
  });
  add(std::string(kFormatName), [](const Arguments& a, const SourceRange& where) {
    const auto text = [&](size_t i) { return text_of(required(a, i, "spec", "format", where)); };
    return string_object(format_value(required(a, 0, "value", "format", where), text(1), text(2), where));
  });
  add("callable", [](const Arguments& a, const SourceRange& where) {
    const Object object = required(a, 0, "obj", "callable", where);
    return bool_object(object.get<c10::IValue>() == nullptr && !object.as<ListObject>() && !object.as<DictObject>());
  });
  scope->set("NotImplemented", none_object());
  return scope;
}

}  // namespace

Evaluation& evaluation() {
  static thread_local Evaluation current;
  return current;
}

std::shared_ptr<PythonScope> builtin_scope() {
  static const std::shared_ptr<PythonScope> kScope = make_builtin_scope();
  return kScope;
}

double as_number(const Object& object, const SourceRange& where) {
  if (const auto* tensor = tensor_of(object)) {
    return tensor->item().toDouble();
  }
  if (const auto value = number_of(object)) {
    return *value;
  }
  refuse(where, "TypeError: must be real number, not " + python_type_name(object));
}

std::optional<Object> argument(const CallArguments& arguments, size_t position, const std::string& name) {
  if (position < arguments.positional.size()) {
    return arguments.positional[position];
  }
  for (const auto& [given, value] : arguments.named) {
    if (given == name) {
      return value;
    }
  }
  return std::nullopt;
}

Object required(const CallArguments& arguments, size_t position, const std::string& name, const std::string& function,
                const SourceRange& where) {
  if (auto found = argument(arguments, position, name)) {
    return *found;
  }
  refuse(where, "TypeError: " + function + "() missing required argument '" + name + "' (pos " +
                    std::to_string(position + 1) + ")");
}

bool is_instance(const Object& object, const Object& type, const SourceRange& where) {
  if (const auto tuple = type.as<TupleObject>()) {
    return std::any_of(tuple->items.begin(), tuple->items.end(),
                       [&](const Object& candidate) { return is_instance(object, candidate, where); });
  }
  if (const auto wanted = type.as<ClassObject>()) {
    const auto instance = object.as<InstanceObject>();
    const bool compiled = object.as<CompiledModuleObject>() != nullptr && wanted == module_class();
    return compiled || (instance && instance->type->derives_from(wanted->qualified_name));
  }
  const auto builtin = type.as<BuiltinObject>();
  if (!builtin) {
    refuse(where, "TypeError: isinstance() arg 2 must be a type, a tuple of types, or a union");
  }
  const std::string& name = builtin->name;
  if (name == "torch.nn.Parameter") {
    return object.is_parameter;
  }
  if (name == "object") {
    return true;
  }
  const std::string found = python_type_name(object);
  const std::string last = name.substr(name.rfind('.') + 1);
  const auto* value = object.get<c10::IValue>();
  const bool boolean_int = last == "int" && value != nullptr && value->isBool();
  const bool ordered = last == "OrderedDict" || last == "Dict" || last == "Mapping";
  const bool sequence_type = last == "Sequence" || last == "Iterable";
  return found == last || boolean_int || (found == "dict" && ordered) || (found == "list" && last == "List") ||
         (found == "tuple" && (last == "Tuple" || last == "Size")) ||
         (sequence_type && (found == "list" || found == "tuple")) ||
         (last == "ScriptModule" && object.as<CompiledModuleObject>() != nullptr);
}

}  // namespace bertjit
