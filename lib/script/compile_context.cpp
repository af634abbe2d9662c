#include "script/compile_context.h"

#include <algorithm>
#include <sstream>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/frontend/error_report.h>

#include "script/compile_rewrite.h"
#include "script/object_values.h"
#include "script/python_operators.h"
#include "script/resolver.h"
#include "script/sugared_module.h"
#include "script/types.h"
#include "script/variable_rewrite.h"

namespace bertjit {

using torch::jit::ErrorReport;
using torch::jit::Function;
using torch::jit::SourceRange;

/// What a compiled program needs beyond its own unit.
struct Compilation::Kept {
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  std::vector<std::shared_ptr<torch::jit::CompilationUnit>> units;
  std::vector<torch::jit::Module> modules;
};

namespace {

/// Types make the key of a compiled variant. Class names are unique within a run; other names say all.
std::string variant_key(const Callee& callee, const CallTypes& types) {
  std::ostringstream key;
  key << callee.function.get() << '/' << callee.info << '/' << callee.captured.get();
  for (const CallArgument& argument : types) {
    key << '/' << (argument.type == nullptr ? "-" : argument.type->repr_str());
    if (argument.constant) {
      key << '=' << *argument.constant;
    }
  }
  return key.str();
}

std::string prefix_of(const Callee& callee) {
  const std::string& module = callee.function->module;
  return module.empty() ? "__torch__" : "__torch__." + module;
}

/// A parameter that is left to its default: NoneType for None, so that `is None` is decided.
CallArgument default_argument(const Object& value, const std::string& parameter, const SourceRange& where) {
  std::string why;
  const auto ivalue = to_ivalue(value, &why);
  if (!ivalue) {
    throw(ErrorReport(where) << "the default of parameter '" << parameter << "' has no TorchScript type: " << why);
  }
  return {c10::unshapedType(ivalue->type()), foldable(*ivalue)};
}

/// A call with `actual` can be one with `declared`.
bool fits(const c10::TypePtr& actual, const c10::TypePtr& declared) {
  const bool widens = actual->kind() == c10::TypeKind::IntType && declared->kind() == c10::TypeKind::FloatType;
  return widens || actual->isSubtypeOf(*declared);
}

/// What Python says of a default that is not of the parameter's type.
[[noreturn]] void refuse_default(const c10::Argument& argument, const SourceRange& where) {
  ErrorReport report(where);
  report << "Expected a default value of type " << argument.type()->repr_str() << " on parameter \"" << argument.name()
         << "\"";
  if (argument.is_inferred_type()) {
    report << ". Because \"" << argument.name()
           << "\" was not annotated with an explicit type it is assumed to be type 'Tensor'";
  }
  throw ErrorReport(report);
}

/// `padding: BroadcastingList2[int] = 0` is [0, 0].
std::optional<c10::IValue> default_value(const Object& object, const c10::Argument& argument) {
  if (auto value = to_typed_ivalue(object, argument.type())) {
    return value;
  }
  const auto list = argument.N() ? argument.type()->cast<c10::ListType>() : nullptr;
  const auto one = list ? to_typed_ivalue(object, list->getElementType()) : std::nullopt;
  if (!one) {
    return std::nullopt;
  }
  c10::impl::GenericList values(list->getElementType());
  for (int32_t i = 0; i < *argument.N(); ++i) {
    values.push_back(*one);
  }
  return c10::IValue(std::move(values));
}

/// Leaves out defaults before a parameter without one, which a schema cannot have.
void drop_early_defaults(std::vector<c10::Argument>& arguments) {
  bool needed = false;
  for (auto argument = arguments.rbegin(); argument != arguments.rend(); ++argument) {
    needed = needed || (!argument->default_value() && !argument->kwarg_only());
    if (needed && argument->default_value() && !argument->kwarg_only()) {
      *argument = c10::Argument(argument->name(), argument->type(), argument->N());
    }
  }
}

/// Gives the compiled function the defaults that were evaluated when it was defined. In kTrace a default that is not
/// of the variant's type is left out: that variant is called with a value.
void set_defaults(Function& function, const FunctionObject& source, CompileMode mode) {
  const c10::FunctionSchema& schema = function.getSchema();
  std::vector<c10::Argument> arguments;
  for (const c10::Argument& argument : schema.arguments()) {
    const auto found = source.defaults.find(argument.name());
    if (found == source.defaults.end()) {
      arguments.push_back(argument);
      continue;
    }
    const auto value = default_value(found->second, argument);
    if (!value && mode == CompileMode::kScript) {
      refuse_default(argument, source.def.range());
    }
    arguments.emplace_back(argument.name(), argument.type(), argument.N(), value, argument.kwarg_only());
  }
  drop_early_defaults(arguments);
  function.setSchema(c10::FunctionSchema(schema.name(), schema.overload_name(), std::move(arguments), schema.returns(),
                                         schema.is_vararg(), schema.is_varret()));
}

}  // namespace

ModuleInfo* ModuleInfo::child(const std::string& name) const {
  const auto found = std::find_if(children.begin(), children.end(), [&](const auto& c) { return c.first == name; });
  return found == children.end() ? nullptr : found->second;
}

const ModuleInfo::Attribute* ModuleInfo::attribute(const std::string& name) const {
  const auto found =
      std::find_if(attributes.begin(), attributes.end(), [&](const Attribute& a) { return a.name == name; });
  return found == attributes.end() ? nullptr : &*found;
}

const c10::IValue* ModuleInfo::constant(const std::string& name) const {
  const auto found = std::find_if(constants.begin(), constants.end(), [&](const auto& c) { return c.first == name; });
  return found == constants.end() ? nullptr : &found->second;
}

std::optional<c10::IValue> foldable(const std::optional<c10::IValue>& value) {
  const bool decides = value && (value->isBool() || value->isInt() || value->isString());
  return decides ? value : std::nullopt;
}

Compilation::Compilation(CompileMode mode)
    : mode_(mode), unit_(std::make_shared<torch::jit::CompilationUnit>()), kept_(std::make_shared<Kept>()) {
  kept_->unit = unit_;
  register_python_operators();
}

std::vector<torch::jit::Param> parameters_without_self(const Callee& callee) {
  std::vector<torch::jit::Param> parameters;
  for (const torch::jit::Param& param : callee.function->def.decl().params()) {
    parameters.push_back(param);
  }
  if (callee.is_method() && !parameters.empty()) {
    parameters.erase(parameters.begin());
  }
  return parameters;
}

const Compilation::Compiled& Compilation::compile(const Callee& callee, const CallTypes& types,
                                                  const SourceRange& where) {
  const std::string key = variant_key(callee, types);
  const auto [entry, is_new] = compiled_.try_emplace(key);
  Compiled& compiled = entry->second;
  if (compiled.fault) {
    std::rethrow_exception(compiled.fault);
  }
  if (!is_new && compiled.function == nullptr) {
    throw(ErrorReport(where) << (callee.is_method() ? "method '" : "function '") << callee.function->name
                             << "' is called recursively. Recursive calls are not supported");
  }
  if (is_new) {
    try {
      compiled = compile_variants(callee, types);
    } catch (...) {
      compiled.fault = std::current_exception();
      throw;
    }
  }
  return compiled;
}

namespace {

bool is_number(const c10::TypePtr& type) {
  return type->isSubtypeOf(*c10::NumberType::get()) || type->kind() == c10::TypeKind::BoolType;
}

/// The types as annotated, where the call keeps to them.
CallTypes declared_types(const Callee& callee, CallTypes types) {
  const auto parameters = parameters_without_self(callee);
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (parameters[i].type().present()) {
      const auto annotation = parse_annotation(parameters[i].type().get(), *callee.function->scope);
      const bool keeps = types[i].type == nullptr || fits(types[i].type, annotation);
      types[i].type = keeps ? annotation : types[i].type;
    }
  }
  return types;
}

bool same_types(const CallTypes& a, const CallTypes& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](const CallArgument& x, const CallArgument& y) {
    return x.type == y.type || (x.type != nullptr && y.type != nullptr && *x.type == *y.type);
  });
}

}  // namespace

/// Python's tracer pays no heed to annotations, and mostly they are true. So in kTrace: first the types of the call,
/// with its constants in place of arguments, which decides most; then the same without the annotation of what is
/// returned; then constants as arguments, which can be assigned; then as annotated, which lets a variable be None
/// first and a Tensor later. An annotation of a number is not used: the compiler would convert a Tensor to it.
std::vector<Compilation::Variant> Compilation::variants_of(const Callee& callee, const CallTypes& types) const {
  if (!tracing()) {
    return {{types, true, false}};
  }
  const auto returned = callee.function->def.decl().return_type();
  const bool annotated = returned.present() && !is_number(parse_annotation(returned.get(), *callee.function->scope));
  const bool has_constant = std::any_of(types.begin(), types.end(),
                                        [](const CallArgument& argument) { return argument.constant.has_value(); });
  std::vector<Variant> variants;
  for (const bool folded : {true, false}) {
    for (const bool with_return_type : {true, false}) {
      if ((has_constant || !folded) && (annotated || !with_return_type)) {
        variants.push_back({types, with_return_type, folded});
      }
    }
  }
  if (const CallTypes declared = declared_types(callee, types); !same_types(types, declared)) {
    variants.push_back({declared, annotated, false});
  }
  return variants;
}

/// Python's variables change their type as they like. Those that the compiler refuses for it become tensors, or may be
/// None, one by one.
Function& Compilation::define_widening(const Callee& callee, Variant variant) {
  for (;;) {
    try {
      return define(callee, variant);
    } catch (const ErrorReport& error) {
      const auto variable = tracing() ? widened_variable(error.what()) : std::nullopt;
      if (!variable || !variant.widened.insert(*variable).second) {
        throw;
      }
    }
  }
}

Compilation::Compiled Compilation::compile_variants(const Callee& callee, const CallTypes& types) {
  CallTypes given = types;
  const auto parameters = parameters_without_self(callee);
  for (size_t i = 0; tracing() && i < parameters.size(); ++i) {
    const std::string name = parameters[i].ident().name();
    const auto value = callee.function->defaults.find(name);
    if (given.at(i).type == nullptr && value != callee.function->defaults.end()) {
      given[i] = default_argument(value->second, name, parameters[i].range());
    }
  }
  std::exception_ptr fault;
  for (const Variant& variant : variants_of(callee, given)) {
    try {
      return {&define_widening(callee, variant), variant.folded, nullptr};
    } catch (const ErrorReport&) {
      fault = fault ? fault : std::current_exception();
    }
  }
  std::rethrow_exception(fault);
}

namespace {

/// What `*args` and `**kwargs` are where nothing is given for them: parameter `i`, nullopt for another.
std::optional<c10::IValue> value_of_nothing(const Callee& callee, size_t i) {
  switch (star_count(parameters_without_self(callee).at(i).ident().name())) {
    case 1:
      return c10::ivalue::Tuple::create(std::vector<c10::IValue>());
    case 2:
      return c10::impl::GenericDict(c10::StringType::get(), c10::TensorType::get());
    default:
      return std::nullopt;
  }
}

/// The parameters as they are declared: typed as annotated (kScript), or with `types`.
std::vector<ParameterDeclaration> declare_parameters(Compilation& compilation, const Callee& callee,
                                                     const CallTypes& types) {
  std::vector<ParameterDeclaration> declared;
  const auto parameters = parameters_without_self(callee);
  for (size_t i = 0; i < parameters.size(); ++i) {
    const torch::jit::Param& param = parameters[i];
    std::string name = param.ident().name();
    const size_t stars = star_count(name);
    if (stars != 0 && !compilation.tracing()) {
      throw(ErrorReport(param.range()) << "Compiled functions can't take variable number of arguments");
    }
    name = name.substr(stars);
    std::optional<torch::jit::Expr> type;
    if (compilation.tracing() && types.at(i).type != nullptr) {
      type = torch::jit::Var::create(param.range(),
                                     torch::jit::Ident::create(param.range(), compilation.type_name(types[i].type)));
    } else if (param.type().present()) {
      type = canonical_annotation(param.type().get(), *callee.function->scope);
    }
    declared.push_back({name, type});
  }
  return declared;
}

}  // namespace

/// A name that the class has not yet: a method is compiled once for each signature.
std::string Compilation::method_name(const Callee& callee) const {
  const std::string& name = callee.function->name;
  if (callee.info == nullptr) {
    return name;
  }
  const bool overridden = callee.info->instance->type->find_method(name) != callee.function;
  std::string unique = overridden && callee.definer ? name + "__" + callee.definer->name : name;
  for (size_t i = 1; callee.info->type->findMethod(unique) != nullptr; ++i) {
    unique = name + "__" + std::to_string(i);
  }
  return unique;
}

Function& Compilation::define(const Callee& callee, const Variant& variant) {
  const PythonScope& scope = *callee.function->scope;
  torch::jit::Def def = rewrite_body(callee.function->def, scope, mode_, callee.instance(), variant.widened);
  if (callee.is_method() && def.decl().params().size() == 0) {
    throw(ErrorReport(def.range()) << "method '" << callee.function->name << "' must have a self argument");
  }
  std::vector<std::optional<ParameterDeclaration>> parameters;
  Constants constants;
  for (ParameterDeclaration& parameter : declare_parameters(*this, callee, variant.types)) {
    const size_t i = parameters.size();
    const bool is_constant = variant.folded && variant.types[i].constant;
    if (const auto nothing = value_of_nothing(callee, i); tracing() && variant.types[i].type == nullptr && nothing) {
      constants.emplace(parameter.name, *nothing);
      parameters.push_back(std::nullopt);
      continue;
    }
    if (is_constant) {
      def = with_renamed(def, parameter.name);
      constants.emplace(parameter.name, *variant.types[i].constant);
      constants.emplace(std::string(kRenamedPrefix) + parameter.name, *variant.types[i].constant);
    }
    parameters.push_back(is_constant ? std::nullopt : std::make_optional(std::move(parameter)));
  }
  if (callee.info != nullptr) {
    parameters.insert(parameters.begin(), ParameterDeclaration{def.decl().params()[0].ident().name(), std::nullopt});
  } else if (callee.captured != nullptr) {
    parameters.insert(parameters.begin(), std::nullopt);
  }
  std::optional<torch::jit::Expr> return_type;
  if (variant.with_return_type && def.decl().return_type().present()) {
    return_type = canonical_annotation(def.decl().return_type().get(), scope);
  }
  const std::string name = method_name(callee);
  def = with_parameters(def, parameters, return_type).withName(name);
  const c10::QualifiedName prefix = callee.info != nullptr ? *callee.info->type->name() : prefix_of(callee);
  try {
    const auto functions = unit_->define(prefix, {}, {}, {def}, {make_resolver(*this, callee, std::move(constants))},
                                         callee.info != nullptr ? callee.info->self.get() : nullptr,
                                         /*shouldMangle=*/callee.info == nullptr);
    set_defaults(*functions.at(0), *callee.function, mode_);
    return *functions.at(0);
  } catch (...) {
    forget(callee, name);
    throw;
  }
}

/// Takes a method that did not compile off its class again.
void Compilation::forget(const Callee& callee, const std::string& name) {
  if (callee.info != nullptr && callee.info->type->findMethod(name) != nullptr) {
    callee.info->type->unsafeRemoveMethod(name);
    unit_->unsafeRemoveMethod(c10::QualifiedName(*callee.info->type->name(), name));
  }
}

std::string Compilation::type_name(const c10::TypePtr& type) {
  named_types_.push_back(type);
  return std::string(kTypePrefix) + std::to_string(named_types_.size() - 1);
}

c10::TypePtr Compilation::named_type(const std::string& name) const {
  return named_types_.at(std::stoul(name.substr(kTypePrefix.size())));
}

Function& Compilation::use_whole(const CompiledFunctionObject& function) {
  kept_->units.push_back(function.unit);
  whole_.insert(function.function);
  return *function.function;
}

void Compilation::use_whole(const torch::jit::Module& module) {
  kept_->modules.push_back(module);
  const c10::ClassTypePtr type = module.type();
  whole_types_.insert(type.get());
  whole_.insert(type->methods().begin(), type->methods().end());
}

torch::jit::Value* Compilation::capture(torch::jit::GraphFunction& caller, torch::jit::SugaredValuePtr module) {
  torch::jit::Graph& graph = *caller.graph();
  torch::jit::Value* value = graph.insertNode(graph.createUninitialized(c10::AnyType::get()))->output();
  captured_[value] = std::move(module);
  return value;
}

torch::jit::SugaredValuePtr Compilation::captured_at(const torch::jit::Value* value) const {
  const auto found = captured_.find(value);
  return found == captured_.end() ? nullptr : found->second;
}

c10::ClassTypePtr Compilation::grad_class(const std::string& name) {
  const c10::QualifiedName qualified("__torch__.torch.autograd.grad_mode." + name);
  if (c10::ClassTypePtr made = unit_->get_class(qualified)) {
    return made;
  }
  const auto type = c10::ClassType::create(qualified, unit_);
  type->addAttribute("prev", c10::BoolType::get());
  unit_->register_type(type);
  const torch::jit::SimpleSelf self(type);
  const std::string text =
      "def __init__(self) -> None:\n"
      "    self.prev = False\n"
      "def __enter__(self) -> None:\n"
      "    self.prev = torch.is_grad_enabled()\n"
      "    torch.set_grad_enabled(" +
      std::string(name == "nothing"   ? "self.prev"
                  : name == "no_grad" ? "False"
                                      : "True") +
      ")\n"
      "def __exit__(self, exc_type: Any, exc_value: Any, traceback: Any) -> None:\n"
      "    torch.set_grad_enabled(self.prev)\n";
  unit_->define(qualified, text, torch::jit::nativeResolver(), &self);
  return type;
}

Program Compilation::finish(std::string name, Function& function, std::optional<torch::jit::Module> self) {
  Program program;
  program.name = std::move(name);
  program.function = &function;
  program.unit = std::shared_ptr<torch::jit::CompilationUnit>(kept_, unit_.get());
  if (self) {
    // A module holds its unit; this one must hold all that was kept, also where the program is gone.
    program.self = torch::jit::Module(program.unit, self->type());
    for (size_t i = 0; i < self->type()->numAttributes(); ++i) {
      program.self->_ivalue()->setSlot(i, self->_ivalue()->getSlot(i));
    }
  }
  program.whole = std::move(whole_);
  program.whole_types = std::move(whole_types_);
  return program;
}

}  // namespace bertjit
