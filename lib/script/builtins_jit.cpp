// torch.jit in a file: script, trace, load, and what they make when it is called.
#include "script/builtins.h"

#include <map>

#include "script/archive_guard.h"
#include "script/compile.h"
#include "script/compile_error.h"
#include "script/evaluator.h"
#include "script/library.h"
#include "script/object_values.h"
#include "script/python_error.h"

#include "module/load.h"
#include "record/interpreter.h"
#include "record/record.h"

namespace bertjit {

using torch::jit::SourceRange;

namespace {

using Arguments = CallArguments;

bool is_compiled(const Object& object) {
  return object.as<CompiledFunctionObject>() != nullptr || object.as<CompiledModuleObject>() != nullptr;
}

Object deep_copy(const Object& object, const SourceRange& where) {
  return call(*torch_member("copy.deepcopy"), {{object}, {}}, where);
}

// The inputs of a trace: a tensor alone is one input, a tuple or list is its items. Copies, so that what a trace
// changes in place stays as it was.
std::vector<c10::IValue> example_values(const Object& given, const SourceRange& where) {
  const Object inputs = deep_copy(given, where);
  const bool several = inputs.as<TupleObject>() || inputs.as<ListObject>();
  std::vector<c10::IValue> values;
  for (const auto& input : several ? iterate(inputs, where) : std::vector<Object>{inputs}) {
    std::string why;
    auto value = to_ivalue(input, &why);
    if (!value) {
      refuse(where, why);
    }
    values.push_back(std::move(*value));
  }
  return values;
}

std::vector<std::vector<c10::IValue>> check_values(const Arguments& arguments, const SourceRange& where) {
  std::vector<std::vector<c10::IValue>> result;
  const auto given = argument(arguments, 4, "check_inputs");
  if (given && !is_none(*given)) {
    for (const auto& inputs : iterate(*given, where)) {
      result.push_back(example_values(inputs, where));
    }
  }
  return result;
}

// torch.jit.trace(module.forward, …) traces the module.
Object traced_callee(const Object& callee) {
  const auto method = callee.as<BoundMethodObject>();
  return method && method->method->name == "forward" ? Object{method->self} : callee;
}

Object trace(const Object& callee, const Object& inputs, const Arguments& arguments, const SourceRange& where) {
  const Object subject = traced_callee(callee);
  const bool traceable =
      subject.as<FunctionObject>() || subject.as<InstanceObject>() || subject.as<BoundMethodObject>();
  if (!traceable) {
    refuse(where, "torch.jit.trace takes a function or a module, not " + describe(callee));
  }
  auto record = std::make_shared<TraceCall>();
  record->callee = subject;
  record->inputs = example_values(inputs, where);
  record->check_inputs = check_values(arguments, where);
  record->where = where;
  std::vector<c10::TypePtr> types;
  for (const auto& input : record->inputs) {
    types.push_back(type_of_example(input));
  }
  // What the call leaves to its default is part of what is traced.
  std::map<size_t, c10::IValue> fixed;
  const std::vector<Parameter> parameters = parameters_of(subject);
  for (size_t i = types.size(); i < parameters.size() && parameters[i].default_value; ++i) {
    const std::optional<c10::IValue> value = to_ivalue(*parameters[i].default_value);
    if (!value) {
      break;
    }
    types.push_back(parameters[i].annotation != nullptr ? parameters[i].annotation : type_of_example(*value));
    fixed.emplace(i, *value);
  }
  Program program = compile_program(subject, types, CompileMode::kTrace);
  program.fixed = std::move(fixed);
  Recording recording = record_program(program, example_values(inputs, where), {});
  if (recording.function != nullptr) {
    return Object{std::make_shared<CompiledFunctionObject>(
        CompiledFunctionObject{CompiledFunctionObject::Kind::kTraced, recording.function, recording.unit,
                               std::move(recording.findings), record})};
  }
  return Object{std::make_shared<CompiledModuleObject>(CompiledModuleObject{
      CompiledModuleObject::Kind::kTraced, recording.module, std::move(recording.findings), record})};
}

Object trace_call(const Arguments& arguments, const SourceRange& where) {
  const Object callee = required(arguments, 0, "func", "trace", where);
  if (is_compiled(callee)) {
    return callee;  // Python: "tracing it is a no-op"
  }
  const auto keywords = argument(arguments, 99, "example_kwarg_inputs");
  const auto inputs = argument(arguments, 1, "example_inputs");
  if (!inputs || is_none(*inputs) || (keywords && !is_none(*keywords))) {
    refuse(where,
           "torch.jit.trace with inputs by keyword is outside the subset: give them as a tuple in the order of "
           "the arguments");
  }
  return trace(callee, *inputs, arguments, where);
}

Object trace_module(const Arguments& arguments, const SourceRange& where) {
  const Object module = required(arguments, 0, "mod", "trace_module", where);
  const auto inputs = required(arguments, 1, "inputs", "trace_module", where).as<DictObject>();
  if (is_compiled(module)) {
    return module;
  }
  if (!inputs || inputs->items.size() != 1 || text_of(inputs->items[0].first) != "forward") {
    refuse(where, "torch.jit.trace_module takes {\"forward\": inputs}: other methods are outside the subset");
  }
  Arguments rest = arguments;
  if (const auto check = argument(arguments, 4, "check_inputs"); check && !is_none(*check)) {
    std::vector<Object> forwards;
    for (const auto& one : iterate(*check, where)) {
      forwards.push_back(call(get_attribute(one, "get", where), {{string_object("forward")}, {}}, where));
    }
    rest = {{}, {{"check_inputs", list_object(std::move(forwards))}}};
  }
  return trace(module, inputs->items[0].second, rest, where);
}

Object script(const Arguments& arguments, const SourceRange& where) {
  const Object object = required(arguments, 0, "obj", "script", where);
  if (is_compiled(object)) {
    return object;
  }
  if (const auto type = object.as<ClassObject>()) {
    refuse(where, type->is_module() ? "Type '" + type->name +
                                          "' cannot be compiled since it inherits from nn.Module, "
                                          "consider passing an instance instead"
                                    : "TorchScript classes are outside the subset");
  }
  if (!object.as<FunctionObject>() && !object.as<InstanceObject>() && !object.as<BoundMethodObject>()) {
    refuse(where, "torch.jit.script takes a function or a module, not " + describe(object));
  }
  const Program program = compile_program(object, {}, CompileMode::kScript);
  if (program.self) {
    return Object{std::make_shared<CompiledModuleObject>(
        CompiledModuleObject{CompiledModuleObject::Kind::kScripted, *program.self, {}, nullptr})};
  }
  return Object{std::make_shared<CompiledFunctionObject>(
      CompiledFunctionObject{CompiledFunctionObject::Kind::kScripted, program.function, program.unit, {}, nullptr})};
}

// A path in a file is relative to the file, not to where bertjit was started. libtorch runs hooks of what it loads.
Object load(const Arguments& arguments, const SourceRange& where) {
  const std::string name = text_of(required(arguments, 0, "f", "load", where));
  const auto place = where.file_line_col();
  const auto folder = place ? std::filesystem::path(std::get<0>(*place)).parent_path() : std::filesystem::path();
  try {
    guard_load((folder / name).string(), archive_guard());
    const auto loaded = load_module(folder / name);
    return Object{std::make_shared<CompiledModuleObject>(
        CompiledModuleObject{CompiledModuleObject::Kind::kLoaded, loaded.module, {}, nullptr})};
  } catch (const Error& error) {
    throw Error(error.kind(), script_error(where, error.what()).what());
  }
}

Object freeze(const Arguments& arguments, const SourceRange& where) {
  const auto module = required(arguments, 0, "mod", "freeze", where).as<CompiledModuleObject>();
  if (!module) {
    refuse(where, "torch.jit.freeze takes a scripted, traced or loaded module");
  }
  return Object{std::make_shared<CompiledModuleObject>(
      CompiledModuleObject{module->kind, torch::jit::freeze(module->module), {}, nullptr})};
}

Object unchanged(const Arguments& arguments, const SourceRange& where) {
  return required(arguments, 0, "fn", "torch.jit", where);
}

// Arguments by the schema of what is called, self first if there is one.
torch::jit::Stack stack_for(const c10::FunctionSchema& schema, const std::optional<c10::IValue>& self,
                            const Arguments& arguments, const SourceRange& where) {
  torch::jit::Stack stack;
  if (self) {
    stack.push_back(*self);
  }
  const auto value_of = [&where](const Object& object) {
    std::string why;
    const auto value = to_ivalue(object, &why);
    if (!value) {
      refuse(where, why);
    }
    return *value;
  };
  for (const auto& object : arguments.positional) {
    stack.push_back(value_of(object));
  }
  std::unordered_map<std::string, c10::IValue> named;
  for (const auto& [name, object] : arguments.named) {
    named.emplace(name, value_of(object));
  }
  schema.checkAndNormalizeInputs(stack, named);
  return stack;
}

}  // namespace

LoadGuard& archive_guard() {
  static thread_local LoadGuard guard;
  return guard;
}

std::optional<Object> jit_member(const std::string& name) {
  static const std::map<std::string, Object (*)(const Arguments&, const SourceRange&)> kFunctions = {
      {"script", script},    {"trace", trace_call}, {"trace_module", trace_module},
      {"load", load},        {"freeze", freeze},    {"optimize_for_inference", freeze},
      {"export", unchanged}, {"ignore", unchanged}, {"unused", unchanged}};
  const std::string full = "torch.jit." + name;
  if (const auto found = kFunctions.find(name); found != kFunctions.end()) {
    return builtin_object(full, found->second);
  }
  if (name == "is_scripting" || name == "is_tracing") {
    return builtin_object(full, [](const Arguments&, const SourceRange&) { return Object{c10::IValue(false)}; });
  }
  if (name == "annotate" || name == "Attribute") {
    return builtin_object(full, [name](const Arguments& arguments, const SourceRange& where) {
      const size_t value = name == "annotate" ? 1 : 0;
      return required(arguments, value, name == "annotate" ? "the_value" : "value", name, where);
    });
  }
  if (name == "Final" || name == "ScriptModule" || name == "ScriptFunction" || name == "save" || name == "fork" ||
      name == "wait" || name == "interface" || name == "script_if_tracing" || name == "script_method") {
    return builtin_object(full, [full](const Arguments&, const SourceRange& where) -> Object {
      refuse(where, full + " is outside the subset");
    });
  }
  return std::nullopt;
}

Object call_compiled_function(const CompiledFunctionObject& function, const Arguments& arguments,
                              const SourceRange& where) {
  try {
    Program program;
    program.name = function.function->name();
    program.function = function.function;
    program.unit = function.unit;
    return from_ivalue(interpret(program, stack_for(function.function->getSchema(), std::nullopt, arguments, where)));
  } catch (...) {
    rethrow_as_error(where);
  }
}

Object call_compiled_module(const CompiledModuleObject& module, const Arguments& arguments, const SourceRange& where) {
  try {
    const Program program = module_program(module.module, "the module");
    auto stack = stack_for(program.function->getSchema(), module.module._ivalue(), arguments, where);
    stack.erase(stack.begin());
    return from_ivalue(interpret(program, std::move(stack)));
  } catch (...) {
    rethrow_as_error(where);
  }
}

}  // namespace bertjit
