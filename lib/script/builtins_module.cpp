// torch.nn.Module as Python has it: what becomes a parameter, a buffer, a submodule; its methods.
#include <algorithm>
#include <set>

#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;
using Instance = std::shared_ptr<InstanceObject>;

bool is_module(const Object& object) {
  const auto instance = object.as<InstanceObject>();
  return object.as<CompiledModuleObject>() != nullptr || (instance && instance->type->is_module());
}

void put(InstanceObject& module, const std::string& name, AttributeKind kind, const Object& value,
         bool persistent = true) {
  if (auto* known = module.find(name)) {
    *known = {name, kind, value, persistent};
  } else {
    module.attributes.push_back({name, kind, value, persistent});
  }
}

void check_initialized(const InstanceObject& module, const std::string& what, const SourceRange& where) {
  if (!module.initialized) {
    refuse(where, "AttributeError: cannot assign " + what + " before Module.__init__() call");
  }
}

void check_name(const InstanceObject& module, const std::string& name, const SourceRange& where) {
  if (name.empty() || name.find('.') != std::string::npos) {
    refuse(where, "KeyError: a module's attribute cannot be named '" + name + "'");
  }
  check_initialized(module, "attributes", where);
}

struct Visited {
  std::string name;
  Object value;
  AttributeKind kind;
  bool persistent;
};

// Every attribute below a module with its dotted name, children after own ones, as state_dict orders them.
void visit(const InstanceObject& module, const std::string& prefix, std::vector<Visited>& into) {
  for (const auto kind : {AttributeKind::kParameter, AttributeKind::kBuffer, AttributeKind::kModule}) {
    for (const auto& attribute : module.attributes) {
      if (attribute.kind != kind || is_none(attribute.value)) {
        continue;
      }
      const std::string name = prefix + attribute.name;
      into.push_back({name, attribute.value, kind, attribute.persistent});
      if (const auto child = attribute.value.as<InstanceObject>(); child && kind == AttributeKind::kModule) {
        visit(*child, name + ".", into);
      } else if (const auto compiled = attribute.value.as<CompiledModuleObject>()) {
        for (const auto& parameter : compiled->module.named_parameters()) {
          into.push_back(
              {name + "." + parameter.name, Object{c10::IValue(parameter.value)}, AttributeKind::kParameter, true});
        }
        for (const auto& buffer : compiled->module.named_buffers()) {
          into.push_back({name + "." + buffer.name, Object{c10::IValue(buffer.value)}, AttributeKind::kBuffer, true});
        }
      }
    }
  }
}

std::vector<Visited> visited(const Instance& module) {
  std::vector<Visited> result;
  visit(*module, "", result);
  return result;
}

// Parameters, buffers or modules below, each object once.
Object listed(const Instance& module, AttributeKind kind, bool named, bool recurse) {
  std::vector<Object> items;
  std::vector<Object> seen;
  if (kind == AttributeKind::kModule && recurse) {
    items.push_back(named ? tuple_object({string_object(""), Object{module}}) : Object{module});
  }
  for (const auto& entry : visited(module)) {
    const bool own = entry.name.find('.') == std::string::npos;
    const bool known =
        std::any_of(seen.begin(), seen.end(), [&](const Object& o) { return identical(o, entry.value); });
    if (entry.kind != kind || (!own && !recurse) || known) {
      continue;
    }
    seen.push_back(entry.value);
    items.push_back(named ? tuple_object({string_object(entry.name), entry.value}) : entry.value);
  }
  return list_object(std::move(items));
}

Object state_dict(const Instance& module) {
  auto dict = std::make_shared<DictObject>();
  for (const auto& entry : visited(module)) {
    const bool kept =
        entry.kind == AttributeKind::kParameter || (entry.kind == AttributeKind::kBuffer && entry.persistent);
    if (kept) {
      dict->items.emplace_back(string_object(entry.name), Object{c10::IValue(tensor_of(entry.value)->detach())});
    }
  }
  return Object{dict};
}

void train(const Instance& module, bool mode) {
  module->training = mode;
  for (const auto& attribute : module->attributes) {
    if (const auto child = attribute.value.as<InstanceObject>(); child && attribute.kind == AttributeKind::kModule) {
      train(child, mode);
    } else if (const auto compiled = attribute.value.as<CompiledModuleObject>()) {
      compiled->module.train(mode);
    }
  }
}

void apply_to(const Instance& module, const Object& function, const SourceRange& where) {
  for (const auto& attribute : std::vector<AttributeObject>(module->attributes)) {
    if (const auto child = attribute.value.as<InstanceObject>(); child && attribute.kind == AttributeKind::kModule) {
      apply_to(child, function, where);
    }
  }
  call(function, {{Object{module}}, {}}, where);
}

// Floating parameters and buffers to another dtype, in place, as Module.to does.
void convert(const Instance& module, c10::ScalarType dtype) {
  for (const auto& entry : visited(module)) {
    if (const auto* tensor = tensor_of(entry.value); tensor != nullptr && tensor->is_floating_point()) {
      tensor->set_data(tensor->detach().to(dtype));
    }
  }
}

Object to(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  auto values = arguments.positional;
  for (const auto& [name, value] : arguments.named) {
    values.push_back(value);
  }
  for (const auto& value : values) {
    if (const auto* dtype = value.get<c10::ScalarType>()) {
      convert(module, *dtype);
    } else if (const auto* data = value.get<c10::IValue>(); data != nullptr && (data->isString() || data->isDevice())) {
      const auto device = data->isDevice() ? data->toDevice() : c10::Device(data->toStringRef());
      if (!device.is_cpu()) {
        refuse(where, "bertjit runs on the CPU: module.to('" + device.str() + "') is outside the subset");
      }
    }
  }
  return Object{module};
}

Object load_state_dict(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const auto dict = required(arguments, 0, "state_dict", "load_state_dict", where).as<DictObject>();
  if (!dict) {
    refuse(where, "TypeError: load_state_dict takes a dict of tensors");
  }
  std::set<std::string> left;
  for (const auto& [key, value] : dict->items) {
    left.insert(text_of(key));
  }
  const c10::NoGradGuard no_grad;
  for (const auto& entry : visited(module)) {
    const auto found = std::find_if(dict->items.begin(), dict->items.end(),
                                    [&entry](const auto& item) { return text_of(item.first) == entry.name; });
    const bool kept = entry.kind != AttributeKind::kModule && entry.persistent;
    if (kept && (found == dict->items.end() || tensor_of(found->second) == nullptr)) {
      refuse(where, "RuntimeError: Missing key(s) in state_dict: \"" + entry.name + "\"");
    }
    if (kept) {
      tensor_of(entry.value)->copy_(*tensor_of(found->second));
      left.erase(entry.name);
    }
  }
  if (!left.empty()) {
    refuse(where, "RuntimeError: Unexpected key(s) in state_dict: \"" + *left.begin() + "\"");
  }
  return none_object();
}

Object register_buffer(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const std::string name = text_of(required(arguments, 0, "name", "register_buffer", where));
  const Object tensor = required(arguments, 1, "tensor", "register_buffer", where);
  const auto persistent = argument(arguments, 2, "persistent");
  check_name(*module, name, where);
  if (!is_none(tensor) && tensor_of(tensor) == nullptr) {
    refuse(where, "TypeError: cannot assign '" + python_type_name(tensor) + "' object to buffer '" + name +
                      "' (torch Tensor or None required)");
  }
  put(*module, name, AttributeKind::kBuffer, tensor, !persistent || is_true(*persistent, where));
  return none_object();
}

Object register_parameter(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const std::string name = text_of(required(arguments, 0, "name", "register_parameter", where));
  const Object parameter = required(arguments, 1, "param", "register_parameter", where);
  check_name(*module, name, where);
  if (!is_none(parameter) && !parameter.is_parameter) {
    refuse(where, "TypeError: cannot assign '" + python_type_name(parameter) + "' object to parameter '" + name +
                      "' (torch.nn.Parameter or None required)");
  }
  put(*module, name, AttributeKind::kParameter, parameter);
  return none_object();
}

Object add_module(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const std::string name = text_of(required(arguments, 0, "name", "add_module", where));
  const Object child = required(arguments, 1, "module", "add_module", where);
  check_name(*module, name, where);
  if (!is_none(child) && !is_module(child)) {
    refuse(where, "TypeError: " + python_type_name(child) + " is not a Module subclass");
  }
  put(*module, name, AttributeKind::kModule, child);
  return none_object();
}

Object requires_grad(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const auto wanted = argument(arguments, 0, "requires_grad");
  for (const auto& entry : visited(module)) {
    if (entry.kind == AttributeKind::kParameter) {
      tensor_of(entry.value)->requires_grad_(!wanted || is_true(*wanted, where));
    }
  }
  return Object{module};
}

Object submodule(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const std::string path = text_of(required(arguments, 0, "target", "get_submodule", where));
  Object found{module};
  for (size_t begin = 0; begin < path.size();) {
    const size_t end = std::min(path.find('.', begin), path.size());
    found = get_attribute(found, path.substr(begin, end - begin), where);
    begin = end + 1;
  }
  return found;
}

using Method = Object (*)(const Instance&, const Arguments&, const SourceRange&);

template <AttributeKind kind, bool named, bool always>
Object listing(const Instance& module, const Arguments& arguments, const SourceRange& where) {
  const auto recurse = argument(arguments, named ? 1 : 0, "recurse");
  return listed(module, kind, named, always || !recurse || is_true(*recurse, where));
}

template <bool named>
Object children(const Instance& module, const Arguments&, const SourceRange&) {
  return listed(module, AttributeKind::kModule, named, false);
}

template <c10::ScalarType dtype>
Object cast(const Instance& module, const Arguments&, const SourceRange&) {
  convert(module, dtype);
  return Object{module};
}

Object same(const Instance& module, const Arguments&, const SourceRange&) {
  return Object{module};
}

const std::map<std::string, Method>& methods() {
  using enum AttributeKind;
  static const std::map<std::string, Method> kMethods = {
      {"register_buffer", register_buffer},
      {"register_parameter", register_parameter},
      {"add_module", add_module},
      {"register_module", add_module},
      {"load_state_dict", load_state_dict},
      {"requires_grad_", requires_grad},
      {"get_submodule", submodule},
      {"to", to},
      {"cpu", same},
      {"zero_grad", same},
      {"double", cast<c10::kDouble>},
      {"float", cast<c10::kFloat>},
      {"half", cast<c10::kHalf>},
      {"bfloat16", cast<c10::kBFloat16>},
      {"parameters", listing<kParameter, false, false>},
      {"named_parameters", listing<kParameter, true, false>},
      {"buffers", listing<kBuffer, false, false>},
      {"named_buffers", listing<kBuffer, true, false>},
      {"modules", listing<kModule, false, true>},
      {"named_modules", listing<kModule, true, true>},
      {"children", children<false>},
      {"named_children", children<true>},
      {"state_dict", [](const Instance& m, const Arguments&, const SourceRange&) { return state_dict(m); }},
      {"eval",
       [](const Instance& m, const Arguments&, const SourceRange&) {
         train(m, false);
         return Object{m};
       }},
      {"train",
       [](const Instance& m, const Arguments& a, const SourceRange& where) {
         const auto mode = argument(a, 0, "mode");
         train(m, !mode || is_true(*mode, where));
         return Object{m};
       }},
      {"apply",
       [](const Instance& m, const Arguments& a, const SourceRange& where) {
         apply_to(m, required(a, 0, "fn", "apply", where), where);
         return Object{m};
       }},
      {"_get_name",
       [](const Instance& m, const Arguments&, const SourceRange&) { return string_object(m->type->name); }},
      {"cuda",
       [](const Instance&, const Arguments&, const SourceRange& where) -> Object {
         refuse(where, "bertjit runs on the CPU: leave .cuda() out");
       }},
  };
  return kMethods;
}

}  // namespace

std::optional<Object> container_method(const Instance& container, const std::string& name);
Object initialize_container(const Instance& container, const Arguments& arguments, const SourceRange& where);

std::optional<Object> module_attribute(const Instance& module, const std::string& name) {
  if (name == "training") {
    return Object{c10::IValue(module->training)};
  }
  const std::string full = module->type->name + "." + name;
  if (name == "__init__") {
    return builtin_object(full, [module](const Arguments& arguments, const SourceRange& where) {
      module->initialized = true;
      if (is_container(*module->type)) {
        return initialize_container(module, arguments, where);
      }
      if (!arguments.positional.empty() || !arguments.named.empty()) {
        refuse(where, "TypeError: " + module->type->name + "() takes no arguments: it has no __init__ of its own");
      }
      return none_object();
    });
  }
  if (is_container(*module->type)) {
    if (auto method = container_method(module, name)) {
      return method;
    }
  }
  const auto found = methods().find(name);
  if (found == methods().end()) {
    return std::nullopt;
  }
  return builtin_object(full, [module, method = found->second](const Arguments& arguments, const SourceRange& where) {
    return method(module, arguments, where);
  });
}

void set_module_attribute(InstanceObject& module, const std::string& name, const Object& value,
                          const SourceRange& where) {
  if (!module.type->is_module()) {
    put(module, name, AttributeKind::kAttribute, value);
    return;
  }
  if (name == "training") {
    module.training = is_true(value, where);
    return;
  }
  const auto* known = module.find(name);
  if (value.is_parameter) {
    check_initialized(module, "parameters", where);
    put(module, name, AttributeKind::kParameter, value);
  } else if (is_module(value)) {
    check_initialized(module, "module", where);
    put(module, name, AttributeKind::kModule, value);
  } else if (known == nullptr || known->kind == AttributeKind::kAttribute) {
    put(module, name, AttributeKind::kAttribute, value);
  } else if (is_none(value) || (known->kind == AttributeKind::kBuffer && tensor_of(value) != nullptr)) {
    put(module, name, known->kind, value, known->persistent);
  } else {
    const bool parameter = known->kind == AttributeKind::kParameter;
    const bool buffer = known->kind == AttributeKind::kBuffer;
    refuse(where, "TypeError: cannot assign '" + python_type_name(value) + "' as " +
                      (parameter ? "parameter"
                       : buffer  ? "buffer"
                                 : "child module") +
                      " '" + name + "' (" +
                      (parameter ? "torch.nn.Parameter"
                       : buffer  ? "torch.Tensor"
                                 : "torch.nn.Module") +
                      " or None expected)");
  }
}

void delete_attribute(const Object& object, const std::string& name, const SourceRange& where) {
  const auto instance = object.as<InstanceObject>();
  const size_t removed = !instance ? 0 : std::erase_if(instance->attributes, [&name](const AttributeObject& attribute) {
    return attribute.name == name;
  });
  if (removed == 0) {
    refuse(where, "AttributeError: " + python_type_name(object) + " has no attribute '" + name + "'");
  }
}

std::optional<Object> compiled_module_attribute(const std::shared_ptr<CompiledModuleObject>& module,
                                                const std::string& name) {
  if (name == "eval" || name == "train") {
    return builtin_object(name, [module, name](const Arguments& arguments, const SourceRange& where) {
      const auto mode = argument(arguments, 0, "mode");
      module->module.train(name == "train" && (!mode || is_true(*mode, where)));
      return Object{module};
    });
  }
  if (name == "parameters") {
    return builtin_object(name, [module](const Arguments&, const SourceRange&) {
      std::vector<Object> items;
      for (const auto& parameter : module->module.parameters()) {
        items.push_back(Object{c10::IValue(parameter)});
      }
      return list_object(std::move(items));
    });
  }
  if (name == "cpu") {
    return builtin_object(name, [module](const Arguments&, const SourceRange&) { return Object{module}; });
  }
  if (!module->module.hasattr(name)) {
    return std::nullopt;
  }
  const c10::IValue value = module->module.attr(name);
  if (value.isModule()) {
    return Object{
        std::make_shared<CompiledModuleObject>(CompiledModuleObject{module->kind, value.toModule(), {}, nullptr})};
  }
  Object result = from_ivalue(value);
  for (const auto& parameter : module->module.named_parameters(/*recurse=*/false)) {
    result.is_parameter = result.is_parameter || parameter.name == name;
  }
  return result;
}

}  // namespace bertjit
