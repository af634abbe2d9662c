// Methods and attributes of text, lists, dicts and tensors.
#include <algorithm>

#include "script/builtins.h"
#include "script/compile_error.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/python_text.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;
using Method = std::function<Object(const Arguments&, const SourceRange&)>;

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; !from.empty() && (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

Object split(const std::string& text, const std::string& separator) {
  std::vector<Object> parts;
  size_t begin = 0;
  while (!separator.empty()) {
    const size_t end = text.find(separator, begin);
    parts.push_back(string_object(text.substr(begin, end - begin)));
    if (end == std::string::npos) {
      return list_object(std::move(parts));
    }
    begin = end + separator.size();
  }
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    parts.push_back(string_object(word));
  }
  return list_object(std::move(parts));
}

std::string stripped(const std::string& text, bool left, bool right) {
  const size_t begin = left ? text.find_first_not_of(" \t\n") : 0;
  const size_t end = right ? text.find_last_not_of(" \t\n") : text.size() - 1;
  return text.empty() || begin == std::string::npos ? "" : text.substr(begin, end - begin + 1);
}

std::optional<Method> text_method(const std::string& text, const std::string& name) {
  if (name == "format") {
    return [text](const Arguments& a, const SourceRange& where) { return string_object(format_text(text, a, where)); };
  }
  if (name == "join") {
    return [text](const Arguments& a, const SourceRange& where) {
      std::string joined;
      bool first = true;
      for (const auto& item : iterate(required(a, 0, "iterable", "join", where), where)) {
        joined += first ? "" : text;
        joined += text_of(item);
        first = false;
      }
      return string_object(joined);
    };
  }
  if (name == "split") {
    return [text](const Arguments& a, const SourceRange&) {
      const auto separator = argument(a, 0, "sep");
      return split(text, separator && string_of(*separator) != nullptr ? *string_of(*separator) : "");
    };
  }
  if (name == "startswith" || name == "endswith") {
    return [text, name](const Arguments& a, const SourceRange& where) {
      const std::string part = text_of(required(a, 0, "prefix", name, where));
      const bool fits = part.size() <= text.size();
      const size_t at = name == "startswith" ? 0 : text.size() - part.size();
      return bool_object(fits && text.compare(at, part.size(), part) == 0);
    };
  }
  if (name == "upper" || name == "lower") {
    return [text, name](const Arguments&, const SourceRange&) {
      std::string changed = text;
      std::transform(changed.begin(), changed.end(), changed.begin(), [&name](unsigned char c) {
        return static_cast<char>(c >= 0x80 ? c : name == "upper" ? std::toupper(c) : std::tolower(c));
      });
      return string_object(changed);
    };
  }
  if (name == "replace") {
    return [text](const Arguments& a, const SourceRange& where) {
      return string_object(replaced(text, text_of(required(a, 0, "old", "replace", where)),
                                    text_of(required(a, 1, "new", "replace", where))));
    };
  }
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    return [text, name](const Arguments&, const SourceRange&) {
      return string_object(stripped(text, name != "rstrip", name != "lstrip"));
    };
  }
  return std::nullopt;
}

size_t find_item(const std::vector<Object>& items, const Object& wanted, const SourceRange& where) {
  const auto found =
      std::find_if(items.begin(), items.end(), [&](const Object& item) { return equal_objects(item, wanted, where); });
  return static_cast<size_t>(found - items.begin());
}

Object list_pop(const std::shared_ptr<ListObject>& list, const Arguments& arguments, const SourceRange& where) {
  const auto at = argument(arguments, 0, "index");
  const auto size = static_cast<int64_t>(list->items.size());
  int64_t index = at ? integer_of(*at).value_or(0) : -1;
  index += index < 0 ? size : 0;
  if (index < 0 || index >= size) {
    refuse(where, size == 0 ? "IndexError: pop from empty list" : "IndexError: pop index out of range");
  }
  const Object item = list->items[static_cast<size_t>(index)];
  list->items.erase(list->items.begin() + index);
  return item;
}

std::optional<Method> list_method(const std::shared_ptr<ListObject>& list, const std::string& name) {
  if (name == "append") {
    return [list](const Arguments& a, const SourceRange& where) {
      list->items.push_back(required(a, 0, "object", "append", where));
      return none_object();
    };
  }
  if (name == "extend") {
    return [list](const Arguments& a, const SourceRange& where) {
      const auto more = iterate(required(a, 0, "iterable", "extend", where), where);
      list->items.insert(list->items.end(), more.begin(), more.end());
      return none_object();
    };
  }
  if (name == "insert") {
    return [list](const Arguments& a, const SourceRange& where) {
      const auto size = static_cast<int64_t>(list->items.size());
      int64_t at = integer_of(required(a, 0, "index", "insert", where)).value_or(0);
      at = std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
      list->items.insert(list->items.begin() + at, required(a, 1, "object", "insert", where));
      return none_object();
    };
  }
  if (name == "pop") {
    return [list](const Arguments& a, const SourceRange& where) { return list_pop(list, a, where); };
  }
  if (name == "reverse") {
    return [list](const Arguments&, const SourceRange&) {
      std::reverse(list->items.begin(), list->items.end());
      return none_object();
    };
  }
  if (name == "clear") {
    return [list](const Arguments&, const SourceRange&) {
      list->items.clear();
      return none_object();
    };
  }
  if (name == "copy") {
    return [list](const Arguments&, const SourceRange&) { return list_object(list->items); };
  }
  return std::nullopt;
}

std::optional<Method> sequence_method(const std::vector<Object>* items, const std::string& name) {
  if (name == "index") {
    return [copy = *items](const Arguments& a, const SourceRange& where) {
      const size_t at = find_item(copy, required(a, 0, "value", "index", where), where);
      if (at == copy.size()) {
        refuse(where, "ValueError: the value is not in the list");
      }
      return int_object(static_cast<int64_t>(at));
    };
  }
  if (name == "count") {
    return [copy = *items](const Arguments& a, const SourceRange& where) {
      const Object wanted = required(a, 0, "value", "count", where);
      return int_object(std::count_if(copy.begin(), copy.end(),
                                      [&](const Object& item) { return equal_objects(item, wanted, where); }));
    };
  }
  if (name == "numel") {  // torch.Size
    return [copy = *items](const Arguments&, const SourceRange&) {
      int64_t count = 1;
      for (const auto& item : copy) {
        count *= integer_of(item).value_or(1);
      }
      return int_object(count);
    };
  }
  return std::nullopt;
}

std::pair<Object, Object>* find_key(DictObject& dict, const Object& key, const SourceRange& where) {
  const auto found = std::find_if(dict.items.begin(), dict.items.end(),
                                  [&](const auto& entry) { return equal_objects(entry.first, key, where); });
  return found == dict.items.end() ? nullptr : &*found;
}

Object dict_update(DictObject& dict, const Arguments& arguments, const SourceRange& where) {
  std::vector<std::pair<Object, Object>> entries;
  if (const auto other = arguments.positional.empty() ? nullptr : arguments.positional[0].as<DictObject>()) {
    entries = other->items;
  }
  for (const auto& [name, value] : arguments.named) {
    entries.emplace_back(string_object(name), value);
  }
  for (const auto& [key, value] : entries) {
    if (auto* known = find_key(dict, key, where)) {
      known->second = value;
    } else {
      dict.items.emplace_back(key, value);
    }
  }
  return none_object();
}

std::optional<Method> dict_method(const std::shared_ptr<DictObject>& dict, const std::string& name) {
  if (name == "keys" || name == "values" || name == "items") {
    return [dict, name](const Arguments&, const SourceRange&) {
      std::vector<Object> items;
      for (const auto& [key, value] : dict->items) {
        items.push_back(name == "keys" ? key : name == "values" ? value : tuple_object({key, value}));
      }
      return list_object(std::move(items));
    };
  }
  if (name == "get" || name == "pop" || name == "setdefault") {
    return [dict, name](const Arguments& a, const SourceRange& where) {
      const Object key = required(a, 0, "key", name, where);
      const auto otherwise = argument(a, 1, "default");
      auto* found = find_key(*dict, key, where);
      if (found == nullptr && name == "pop" && !otherwise) {
        refuse(where, "KeyError: " + text_of(key));
      }
      const Object value = found != nullptr ? found->second : otherwise.value_or(none_object());
      if (found != nullptr && name == "pop") {
        dict->items.erase(dict->items.begin() + (found - dict->items.data()));
      } else if (found == nullptr && name == "setdefault") {
        dict->items.emplace_back(key, value);
      }
      return value;
    };
  }
  if (name == "update") {
    return [dict](const Arguments& a, const SourceRange& where) { return dict_update(*dict, a, where); };
  }
  if (name == "copy") {
    return [dict](const Arguments&, const SourceRange&) { return Object{std::make_shared<DictObject>(*dict)}; };
  }
  return std::nullopt;
}

}  // namespace

std::optional<Object> data_attribute(const Object& object, const std::string& name, const SourceRange& where) {
  if (tensor_of(object) != nullptr) {
    return tensor_attribute(object, name, where);
  }
  std::optional<Method> method;
  const auto list = object.as<ListObject>();
  const auto tuple = object.as<TupleObject>();
  if (const auto* text = string_of(object)) {
    method = text_method(*text, name);
  } else if (list || tuple) {
    method = list ? list_method(list, name) : std::nullopt;
    method = method ? method : sequence_method(list ? &list->items : &tuple->items, name);
  } else if (const auto dict = object.as<DictObject>()) {
    method = dict_method(dict, name);
  } else if (const auto function = object.as<FunctionObject>(); function && name == "__name__") {
    return string_object(function->name);
  } else if (const auto* dtype = object.get<c10::ScalarType>(); dtype != nullptr && name == "is_floating_point") {
    return bool_object(c10::isFloatingType(*dtype));
  } else if (const auto* value = object.get<c10::IValue>(); value != nullptr && value->isDevice() && name == "type") {
    return string_object(c10::DeviceTypeName(value->toDevice().type(), true));
  }
  return method ? std::make_optional(builtin_object(python_type_name(object) + "." + name, *method)) : std::nullopt;
}

}  // namespace bertjit
