// torch.nn.Sequential, ModuleList, ModuleDict and ParameterList: modules whose attributes are items.
#include <algorithm>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;
using Instance = std::shared_ptr<InstanceObject>;

const std::string kPrefix = "__torch__.torch.nn.modules.container.";

bool is_dict(const ClassObject& type) {
  return type.derives_from(kPrefix + "ModuleDict") || type.derives_from(kPrefix + "ParameterDict");
}
bool holds_parameters(const ClassObject& type) {
  return type.derives_from(kPrefix + "ParameterList") || type.derives_from(kPrefix + "ParameterDict");
}

AttributeKind item_kind(const ClassObject& type) {
  return holds_parameters(type) ? AttributeKind::kParameter : AttributeKind::kModule;
}

std::vector<std::string> item_names(const InstanceObject& container) {
  std::vector<std::string> names;
  for (const auto& attribute : container.attributes) {
    if (attribute.kind == item_kind(*container.type)) {
      names.push_back(attribute.name);
    }
  }
  return names;
}

void add(InstanceObject& container, const std::string& name, Object item, const SourceRange& where) {
  if (holds_parameters(*container.type) && tensor_of(item) != nullptr && !item.is_parameter) {
    const at::Tensor parameter = tensor_of(item)->detach();
    item = Object{c10::IValue(parameter.requires_grad_(parameter.is_floating_point()))};
    item.is_parameter = true;
  }
  const auto instance = item.as<InstanceObject>();
  const bool module = item.as<CompiledModuleObject>() != nullptr || (instance && instance->type->is_module());
  if (holds_parameters(*container.type) ? !item.is_parameter : !module && !is_none(item)) {
    refuse(where, "TypeError: " + python_type_name(item) + " is not a " +
                      (holds_parameters(*container.type) ? "Parameter" : "Module") + " subclass");
  }
  if (auto* known = container.find(name)) {
    known->value = item;
  } else {
    container.attributes.push_back({name, item_kind(*container.type), item, true});
  }
}

void append(InstanceObject& container, const Object& item, const SourceRange& where) {
  add(container, std::to_string(item_names(container).size()), item, where);
}

void set_items(InstanceObject& container, const std::vector<Object>& items, const SourceRange& where) {
  std::erase_if(container.attributes,
                [&](const AttributeObject& attribute) { return attribute.kind == item_kind(*container.type); });
  for (const auto& item : items) {
    append(container, item, where);
  }
}

void update(InstanceObject& container, const Object& items, const SourceRange& where) {
  if (const auto dict = items.as<DictObject>()) {
    for (const auto& [key, value] : dict->items) {
      add(container, text_of(key), value, where);
    }
    return;
  }
  for (const auto& pair : iterate(items, where)) {
    const auto parts = iterate(pair, where);
    if (parts.size() != 2) {
      refuse(where, "ValueError: ModuleDict update sequence element has length " + std::to_string(parts.size()) +
                        "; 2 is required");
    }
    add(container, text_of(parts[0]), parts[1], where);
  }
}

Object extend(const Instance& container, const Arguments& arguments, const SourceRange& where) {
  for (const auto& item : iterate(required(arguments, 0, "modules", "extend", where), where)) {
    append(*container, item, where);
  }
  return Object{container};
}

Object insert(const Instance& container, const Arguments& arguments, const SourceRange& where) {
  auto items = container_items(*container);
  const auto size = static_cast<int64_t>(items.size());
  int64_t at = integer_of(required(arguments, 0, "index", "insert", where)).value_or(0);
  at = std::clamp<int64_t>(at < 0 ? at + size : at, 0, size);
  items.insert(items.begin() + at, required(arguments, 1, "module", "insert", where));
  set_items(*container, items, where);
  return none_object();
}

Object entries(const Instance& container, const std::string& what) {
  std::vector<Object> items;
  for (const auto& name : item_names(*container)) {
    const Object& value = container->find(name)->value;
    items.push_back(what == "keys"     ? string_object(name)
                    : what == "values" ? value
                                       : tuple_object({string_object(name), value}));
  }
  return list_object(std::move(items));
}

std::string item_name(const InstanceObject& container, const Object& key, const SourceRange& where) {
  const auto names = item_names(container);
  if (is_dict(*container.type)) {
    const std::string name = text_of(key);
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      refuse(where, "KeyError: '" + name + "'");
    }
    return name;
  }
  const auto index = integer_of(key);
  const auto size = static_cast<int64_t>(names.size());
  if (!index || *index < -size || *index >= size) {
    refuse(where, "IndexError: index " + text_of(key) + " is out of range");
  }
  return names[static_cast<size_t>(*index < 0 ? *index + size : *index)];
}

}  // namespace

bool is_container(const ClassObject& type) {
  return is_dict(type) || holds_parameters(type) || type.derives_from(kPrefix + "Sequential") ||
         type.derives_from(kPrefix + "ModuleList");
}

std::vector<Object> container_items(const InstanceObject& container) {
  std::vector<Object> items;
  for (const auto& name : item_names(container)) {
    items.push_back(is_dict(*container.type) ? string_object(name) : container.find(name)->value);
  }
  return items;
}

Object container_item(const Instance& container, const Object& key, const SourceRange& where) {
  return container->find(item_name(*container, key, where))->value;
}

void set_container_item(InstanceObject& container, const Object& key, const Object& value, const SourceRange& where) {
  add(container, is_dict(*container.type) ? text_of(key) : item_name(container, key, where), value, where);
}

Object container_of(const std::shared_ptr<ClassObject>& type, const std::vector<Object>& items,
                    const SourceRange& where) {
  const auto container = std::make_shared<InstanceObject>();
  container->type = type;
  container->initialized = true;
  set_items(*container, items, where);
  return Object{container};
}

// Sequential(a, b) or Sequential(OrderedDict); ModuleList([a, b]); ModuleDict({…}).
Object initialize_container(const Instance& container, const Arguments& arguments, const SourceRange& where) {
  const auto& type = *container->type;
  const auto& given = arguments.positional;
  if (type.derives_from(kPrefix + "Sequential")) {
    if (given.size() == 1 && given[0].as<DictObject>()) {
      update(*container, given[0], where);
      return none_object();
    }
    for (const auto& item : given) {
      append(*container, item, where);
    }
    return none_object();
  }
  const auto items = argument(arguments, 0, holds_parameters(type) ? "values" : "modules");
  if (given.size() > 1) {
    refuse(where, "TypeError: " + type.name + ".__init__() takes from 1 to 2 positional arguments but " +
                      std::to_string(given.size() + 1) + " were given");
  }
  if (items && !is_none(*items)) {
    if (is_dict(type)) {
      update(*container, *items, where);
    } else {
      extend(container, {{*items}, {}}, where);
    }
  }
  return none_object();
}

std::optional<Object> container_method(const Instance& container, const std::string& name) {
  const std::string full = container->type->name + "." + name;
  const auto method = [&](auto body) {
    return std::make_optional(
        builtin_object(full, [container, body](const Arguments& a, const SourceRange& where) -> Object {
          return body(container, a, where);
        }));
  };
  if (is_dict(*container->type)) {
    if (name == "keys" || name == "values" || name == "items") {
      return method([name](const Instance& c, const Arguments&, const SourceRange&) { return entries(c, name); });
    }
    if (name == "update") {
      return method([](const Instance& c, const Arguments& a, const SourceRange& where) {
        update(*c, required(a, 0, "modules", "update", where), where);
        return none_object();
      });
    }
    return std::nullopt;
  }
  if (name == "append") {
    return method([](const Instance& c, const Arguments& a, const SourceRange& where) {
      append(*c, required(a, 0, "module", "append", where), where);
      return Object{c};
    });
  }
  if (name == "extend") {
    return method(extend);
  }
  return name == "insert" ? method(insert) : std::nullopt;
}

}  // namespace bertjit
