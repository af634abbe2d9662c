#include "script/compile.h"

#include <algorithm>
#include <utility>

#include "script/compile_context.h"
#include "script/compile_error.h"
#include "script/compile_rewrite.h"
#include "script/object_values.h"
#include "script/python_error.h"
#include "script/types.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

/// What compile_program was asked for.
struct Subject {
  Callee callee;
  std::shared_ptr<InstanceObject> module;  ///< whose method it is
};

Callee method_of(const std::shared_ptr<InstanceObject>& instance, const std::string& name) {
  const auto definition = find_definition(instance->type, name);
  if (!definition) {
    const auto& type = *instance->type;
    refuse(type.def.name().range(), "class '" + type.name + "' has no method '" + name + "'");
  }
  return {definition->second, definition->first, nullptr, nullptr};
}

Subject subject_of(const Object& callable) {
  if (const auto function = callable.as<FunctionObject>()) {
    return {{function, nullptr, nullptr, nullptr}, nullptr};
  }
  if (const auto instance = callable.as<InstanceObject>()) {
    return {method_of(instance, "forward"), instance};
  }
  if (const auto method = callable.as<BoundMethodObject>()) {
    return {method_of(method->self, method->method->name), method->self};
  }
  throw Error(ErrorKind::kInvalidArgument, describe(callable) + " is no function or module that can be compiled");
}

/// For parameters_without_self.
Callee with_module(const Subject& subject) {
  Callee callee = subject.callee;
  callee.captured = subject.module;
  return callee;
}

std::string name_of(const Subject& subject) {
  if (subject.module == nullptr) {
    return subject.callee.function->name;
  }
  const std::string& method = subject.callee.function->name;
  return subject.module->type->name + (method == "forward" ? "" : "." + method);
}

Program compile_subject(Compilation& compilation, Subject& subject, const CallTypes& types) {
  const SourceRange where = subject.callee.function->def.range();
  if (subject.module == nullptr) {
    torch::jit::Function& function = *compilation.compile(subject.callee, types, where).function;
    return compilation.finish(name_of(subject), function, std::nullopt);
  }
  // torch.jit.trace takes the forward of a module for the module, and captures what another method uses.
  const bool captures = compilation.tracing() && subject.callee.function->name != "forward";
  if (captures) {
    subject.callee.captured = subject.module;
    torch::jit::Function& function = *compilation.compile(subject.callee, types, where).function;
    return compilation.finish(name_of(subject), function, std::nullopt);
  }
  ModuleInfo& info = compilation.info(subject.module);
  torch::jit::Module module = compilation.module(subject.module);
  if (!compilation.tracing()) {
    compilation.compile_methods(info);
  }
  subject.callee.info = &info;
  torch::jit::Function& function = *compilation.compile(subject.callee, types, where).function;
  return compilation.finish(name_of(subject), function, module);
}

}  // namespace

std::vector<Parameter> parameters_of(const Object& callable) {
  const Subject subject = subject_of(callable);
  const FunctionObject& function = *subject.callee.function;
  try {
    std::vector<Parameter> parameters;
    for (const torch::jit::Param& param : parameters_without_self(with_module(subject))) {
      if (star_count(param.ident().name()) > 0) {
        continue;  // nothing is given for it
      }
      Parameter parameter{param.ident().name(), nullptr, std::nullopt};
      if (param.type().present()) {
        parameter.annotation = parse_annotation(param.type().get(), *function.scope);
      }
      if (const auto found = function.defaults.find(parameter.name); found != function.defaults.end()) {
        parameter.default_value = found->second;
      }
      parameters.push_back(std::move(parameter));
    }
    return parameters;
  } catch (...) {
    rethrow_as_error(function.def.range());
  }
}

Program compile_program(const Object& callable, const std::vector<c10::TypePtr>& types, CompileMode mode) {
  Subject subject = subject_of(callable);
  const FunctionObject& function = *subject.callee.function;
  const auto parameters = parameters_without_self(with_module(subject));
  const auto is_single = [](const torch::jit::Param& param) { return star_count(param.ident().name()) == 0; };
  const auto count = static_cast<size_t>(std::count_if(parameters.begin(), parameters.end(), is_single));
  if (mode == CompileMode::kTrace && types.size() != count) {
    refuse(function.def.name().range(), name_of(subject) + " takes " + std::to_string(count) + " arguments, " +
                                            std::to_string(types.size()) + " are given");
  }
  try {
    Compilation compilation(mode);
    CallTypes given;
    size_t next = 0;
    for (size_t i = 0; mode == CompileMode::kTrace && i < parameters.size(); ++i) {
      given.push_back({is_single(parameters[i]) ? types[next++] : nullptr, std::nullopt});
    }
    return compile_subject(compilation, subject, given);
  } catch (...) {
    rethrow_as_error(function.def.name().range());
  }
}

c10::TypePtr type_of_example(const c10::IValue& value) {
  return c10::unshapedType(value.type());
}

}  // namespace bertjit
