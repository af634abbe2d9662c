// Calls, and what they bind.
#include "script/builtins.h"
#include "script/evaluator.h"
#include "script/library.h"
#include "script/object_values.h"
#include "script/python_error.h"

namespace bertjit {

using torch::jit::Param;
using torch::jit::SourceRange;

namespace {

constexpr int kMaxDepth = 200;

struct DepthGuard {
  explicit DepthGuard(const SourceRange& where) {
    if (evaluation().depth >= kMaxDepth) {
      refuse(where, "RecursionError: maximum recursion depth exceeded");
    }
    ++evaluation().depth;
  }
  ~DepthGuard() {
    --evaluation().depth;
  }
  DepthGuard(const DepthGuard&) = delete;
  DepthGuard& operator=(const DepthGuard&) = delete;
};

// "MyCell.__init__", as Python names a method in its messages.
std::string qualified_name(const FunctionObject& function) {
  const Object* owner = function.scope->find("__class__");
  const auto type = owner == nullptr ? nullptr : owner->as<ClassObject>();
  return type && type->methods.count(function.name) != 0 ? type->name + "." + function.name : function.name;
}

std::string quoted_names(const std::vector<std::string>& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    const bool last = i + 1 == names.size();
    text += i == 0 ? "" : !last ? ", " : names.size() == 2 ? " and " : ", and ";
    text += "'" + names[i] + "'";
  }
  return text;
}

std::string plural(const std::string& noun, size_t count) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

struct Parameters {
  std::vector<std::string> positional;
  std::vector<std::string> keyword_only;
  std::string star;
  std::string double_star;
};

Parameters parameters_of_function(const FunctionObject& function) {
  Parameters result;
  for (const auto& parameter : function.def.decl().params()) {
    const auto& name = parameter.ident().name();
    if (name.compare(0, 2, "**") == 0) {
      result.double_star = name.substr(2);
    } else if (name[0] == '*') {
      result.star = name.substr(1);
    } else {
      (parameter.kwarg_only() ? result.keyword_only : result.positional).push_back(name);
    }
  }
  return result;
}

void too_many(const FunctionObject& function, const Parameters& parameters, size_t given, const SourceRange& where) {
  size_t required_count = 0;
  for (const auto& name : parameters.positional) {
    required_count += function.defaults.count(name) == 0 ? 1 : 0;
  }
  const size_t most = parameters.positional.size();
  const std::string takes =
      required_count == most ? plural("positional argument", most)
                             : "from " + std::to_string(required_count) + " to " + plural("positional argument", most);
  refuse(where, "TypeError: " + qualified_name(function) + "() takes " + takes + " but " + std::to_string(given) +
                    (given == 1 ? " was given" : " were given"));
}

void fill_defaults(const FunctionObject& function, const std::vector<std::string>& names, const std::string& kind,
                   PythonScope& locals, const SourceRange& where) {
  std::vector<std::string> missing;
  for (const auto& name : names) {
    if (locals.own().count(name) != 0) {
      continue;
    }
    const auto found = function.defaults.find(name);
    if (found == function.defaults.end()) {
      missing.push_back(name);
    } else {
      locals.set(name, found->second);
    }
  }
  if (!missing.empty()) {
    refuse(where, "TypeError: " + qualified_name(function) + "() missing " +
                      plural("required " + kind + " argument", missing.size()) + ": " + quoted_names(missing));
  }
}

std::string file_of(const SourceRange& range) {
  const auto place = range.file_line_col();
  return place ? std::get<0>(*place) : "";
}

Object call_function(const FunctionObject& function, const CallArguments& arguments, const SourceRange& where) {
  const DepthGuard guard(where);
  count_step(where);
  const auto locals = std::make_shared<PythonScope>(function.scope);
  bind_arguments(function, arguments, *locals, where);
  if (!arguments.positional.empty()) {
    locals->set("__self__", arguments.positional.front());
  }
  try {
    Executed outcome = execute(function.def.statements(), locals);
    return outcome.flow == Flow::kReturn ? outcome.value : none_object();
  } catch (const Error& error) {
    if (file_of(function.def.range()) == file_of(where)) {
      throw;
    }
    throw Error(error.kind(), std::string(error.what()) + "\n  called from " + range_text(where));
  }
}

CallArguments with_self(const std::shared_ptr<InstanceObject>& self, const CallArguments& arguments) {
  CallArguments all{{Object{self}}, arguments.named};
  all.positional.insert(all.positional.end(), arguments.positional.begin(), arguments.positional.end());
  return all;
}

Object call_instance(const std::shared_ptr<InstanceObject>& instance, const CallArguments& arguments,
                     const SourceRange& where) {
  const std::string method = instance->type->is_module() ? "forward" : "__call__";
  const auto found = instance->type->find_method(method);
  if (!found) {
    refuse(where, instance->type->is_module() ? "NotImplementedError: Module [" + instance->type->name +
                                                    "] is missing the required \"forward\" function"
                                              : "TypeError: '" + instance->type->name + "' object is not callable");
  }
  return call_function(*found, with_self(instance, arguments), where);
}

std::optional<Object> instance_attribute(const std::shared_ptr<InstanceObject>& instance, const std::string& name,
                                         const SourceRange& where) {
  const auto& type = instance->type;
  if (const auto* own = instance->find(name)) {
    return own->value;
  }
  if (const auto property = type->find_property(name)) {
    return call_function(*property, with_self(instance, {}), where);
  }
  if (const auto method = type->find_method(name)) {
    return Object{std::make_shared<BoundMethodObject>(BoundMethodObject{instance, method})};
  }
  if (const auto method = type->find_static_method(name)) {
    return Object{method};
  }
  if (const auto* attribute = type->find_attribute(name)) {
    return *attribute;
  }
  if (name == "__class__") {
    return Object{type};
  }
  return type->is_module() ? module_attribute(instance, name) : std::nullopt;
}

std::optional<Object> class_attribute(const std::shared_ptr<ClassObject>& type, const std::string& name) {
  if (const auto method = type->find_method(name)) {
    return Object{method};
  }
  if (const auto method = type->find_static_method(name)) {
    return Object{method};
  }
  if (const auto* attribute = type->find_attribute(name)) {
    return *attribute;
  }
  if (name == "__name__") {
    return string_object(type->name);
  }
  if (!type->is_module()) {
    return std::nullopt;
  }
  // `torch.nn.Module.__init__(self)`: a method of Module's own, given its instance.
  return builtin_object(type->name + "." + name, [name](const CallArguments& arguments, const SourceRange& where) {
    const auto self = arguments.positional.empty() ? nullptr : arguments.positional[0].as<InstanceObject>();
    const auto method = self ? module_attribute(self, name) : std::nullopt;
    if (!method) {
      refuse(where, "AttributeError: torch.nn.Module has no attribute '" + name + "' here");
    }
    CallArguments rest = arguments;
    rest.positional.erase(rest.positional.begin());
    return call(*method, rest, where);
  });
}

std::optional<Object> super_attribute(const SuperObject& object, const std::string& name) {
  if (object.type) {
    if (const auto method = object.type->find_method(name)) {
      return Object{std::make_shared<BoundMethodObject>(BoundMethodObject{object.self, method})};
    }
  }
  if (object.self->type->is_module()) {
    return module_attribute(object.self, name);
  }
  if (name == "__init__") {
    return builtin_object("object.__init__", [](const CallArguments&, const SourceRange&) { return none_object(); });
  }
  return std::nullopt;
}

}  // namespace

void bind_arguments(const FunctionObject& function, const CallArguments& arguments, PythonScope& locals,
                    const SourceRange& where) {
  const Parameters parameters = parameters_of_function(function);
  const size_t given = arguments.positional.size();
  const size_t room = parameters.positional.size();
  if (given > room && parameters.star.empty()) {
    too_many(function, parameters, given, where);
  }
  for (size_t i = 0; i < std::min(given, room); ++i) {
    locals.set(parameters.positional[i], arguments.positional[i]);
  }
  if (!parameters.star.empty()) {
    const auto first = arguments.positional.begin() + static_cast<std::ptrdiff_t>(std::min(given, room));
    locals.set(parameters.star, tuple_object({first, arguments.positional.end()}));
  }
  auto rest = std::make_shared<DictObject>();
  for (const auto& [name, value] : arguments.named) {
    const auto is_name = [&name = name](const std::string& candidate) { return candidate == name; };
    const bool known = std::any_of(parameters.positional.begin(), parameters.positional.end(), is_name) ||
                       std::any_of(parameters.keyword_only.begin(), parameters.keyword_only.end(), is_name);
    if (known && locals.own().count(name) != 0) {
      refuse(where, "TypeError: " + qualified_name(function) + "() got multiple values for argument '" + name + "'");
    }
    if (known) {
      locals.set(name, value);
    } else if (parameters.double_star.empty()) {
      refuse(where, "TypeError: " + qualified_name(function) + "() got an unexpected keyword argument '" + name + "'");
    } else {
      rest->items.emplace_back(string_object(name), value);
    }
  }
  if (!parameters.double_star.empty()) {
    locals.set(parameters.double_star, Object{rest});
  }
  fill_defaults(function, parameters.positional, "positional", locals, where);
  fill_defaults(function, parameters.keyword_only, "keyword-only", locals, where);
}

Object call(const Object& callee, const CallArguments& arguments, const SourceRange& where) {
  if (const auto builtin = callee.as<BuiltinObject>()) {
    return builtin->call(arguments, where);
  }
  if (const auto function = callee.as<FunctionObject>()) {
    return call_function(*function, arguments, where);
  }
  if (const auto method = callee.as<BoundMethodObject>()) {
    return call_function(*method->method, with_self(method->self, arguments), where);
  }
  if (const auto type = callee.as<ClassObject>()) {
    return instantiate(type, arguments, where);
  }
  if (const auto instance = callee.as<InstanceObject>()) {
    return call_instance(instance, arguments, where);
  }
  if (const auto function = callee.as<CompiledFunctionObject>()) {
    return call_compiled_function(*function, arguments, where);
  }
  if (const auto module = callee.as<CompiledModuleObject>()) {
    return call_compiled_module(*module, arguments, where);
  }
  refuse(where, "TypeError: '" + python_type_name(callee) + "' object is not callable");
}

Object instantiate(const std::shared_ptr<ClassObject>& type, const CallArguments& arguments, const SourceRange& where) {
  const auto instance = std::make_shared<InstanceObject>();
  instance->type = type;
  if (const auto init = type->find_method("__init__")) {
    call_function(*init, with_self(instance, arguments), where);
  } else if (type->is_module()) {
    call(*module_attribute(instance, "__init__"), arguments, where);
  } else if (!arguments.positional.empty() || !arguments.named.empty()) {
    refuse(where, "TypeError: " + type->name + "() takes no arguments");
  }
  return Object{instance};
}

std::optional<Object> find_attribute(const Object& object, const std::string& name, const SourceRange& where) {
  if (const auto* space = object.get<NamespaceObject>()) {
    return namespace_member(*space, name);
  }
  if (const auto instance = object.as<InstanceObject>()) {
    return instance_attribute(instance, name, where);
  }
  if (const auto type = object.as<ClassObject>()) {
    return class_attribute(type, name);
  }
  if (const auto super_value = object.as<SuperObject>()) {
    return super_attribute(*super_value, name);
  }
  if (const auto module = object.as<CompiledModuleObject>()) {
    return compiled_module_attribute(module, name);
  }
  if (const auto method = object.as<BoundMethodObject>(); method && name == "__self__") {
    return Object{method->self};
  }
  return data_attribute(object, name, where);
}

Object get_attribute(const Object& object, const std::string& name, const SourceRange& where) {
  if (auto found = find_attribute(object, name, where)) {
    return *found;
  }
  if (const auto* space = object.get<NamespaceObject>()) {
    refuse(where, missing_member(*space, name));
  }
  const std::string type = object.as<ClassObject>() ? "type object '" + object.as<ClassObject>()->name + "'"
                                                    : "'" + python_type_name(object) + "' object";
  refuse(where, "AttributeError: " + type + " has no attribute '" + name + "'");
}

void set_attribute(const Object& object, const std::string& name, const Object& value, const SourceRange& where) {
  if (const auto instance = object.as<InstanceObject>()) {
    set_module_attribute(*instance, name, value, where);
  } else if (const auto type = object.as<ClassObject>()) {
    type->attributes[name] = value;
  } else if (tensor_of(object) != nullptr) {
    set_tensor_attribute(object, name, value, where);
  } else if (const auto* space = object.get<NamespaceObject>()) {
    refuse(where, "an assignment to module '" + space->path + "' is outside the subset");
  } else {
    refuse(where, "AttributeError: '" + python_type_name(object) + "' object has no attribute '" + name +
                      "' that can be set here");
  }
}

Object builtin_object(const std::string& name,
                      std::function<Object(const CallArguments&, const torch::jit::SourceRange&)> call) {
  return Object{std::make_shared<BuiltinObject>(BuiltinObject{name, std::move(call)})};
}

}  // namespace bertjit
