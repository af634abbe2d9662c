#include "script/sugared.h"

#include <map>
#include <set>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/ir/constants.h>

#include "script/object_values.h"
#include "script/sugared_module.h"

namespace bertjit {

using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::NamedValue;
using torch::jit::SimpleValue;
using torch::jit::SourceRange;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;
using torch::jit::Value;

namespace {

/// What a scripted function cannot use: says so when it is used, as torch.jit.script does.
class ForeignValue : public SugaredValue {
 public:
  ForeignValue(std::string type, std::string hint) : type_(std::move(type)), hint_(std::move(hint)) {}

  std::string kind() const override {
    return "python value of type '" + type_ + "'";
  }
  Value* asValue(const SourceRange& where, GraphFunction& /*caller*/) override {
    fail(where);
  }
  SugaredValuePtr attr(const SourceRange& where, GraphFunction& /*caller*/, const std::string& /*field*/) override {
    fail(where);
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& /*caller*/, at::ArrayRef<NamedValue> /*args*/,
                       at::ArrayRef<NamedValue> /*kwargs*/, size_t /*n_binders*/) override {
    fail(where);
  }
  SugaredValuePtr iter(const SourceRange& where, GraphFunction& /*caller*/) override {
    fail(where);
  }

 private:
  [[noreturn]] void fail(const SourceRange& where) const {
    throw(ErrorReport(where) << kind() << " cannot be used as a value. " << hint_);
  }

  std::string type_;
  std::string hint_;
};

constexpr const char* kClosedOver =
    "Perhaps it is a closed over global variable? If so, please consider passing it in as an argument or use a local "
    "variable instead.";

class ClassObjectValue : public SugaredValue {
 public:
  ClassObjectValue(Compilation& compilation, std::shared_ptr<ClassObject> type)
      : compilation_(compilation), type_(std::move(type)) {}

  std::string kind() const override {
    return "class '" + type_->name + "'";
  }
  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    if (const auto method = type_->find_static_method(field)) {
      return callee_value(compilation_, {method, nullptr, nullptr, nullptr}, nullptr);
    }
    if (const Object* attribute = type_->find_attribute(field)) {
      return sugar(compilation_, *attribute, type_->name + "." + field, caller, where);
    }
    throw(ErrorReport(where) << "class '" << type_->name << "' has no attribute '" << field << "'");
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& /*caller*/, at::ArrayRef<NamedValue> /*args*/,
                       at::ArrayRef<NamedValue> /*kwargs*/, size_t /*n_binders*/) override {
    throw(ErrorReport(where) << "Cannot instantiate class '" << type_->name
                             << "' in a script function: make the instance in __init__ or at the top of the file");
  }

 private:
  Compilation& compilation_;
  std::shared_ptr<ClassObject> type_;
};

/// An exception, for `raise`: its message and its class, as torch.jit.script writes them.
class ExceptionClassValue : public torch::jit::ExceptionValue {
 public:
  using ExceptionValue::ExceptionValue;

  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, at::ArrayRef<NamedValue> args,
                       at::ArrayRef<NamedValue> /*kwargs*/, size_t /*n_binders*/) override {
    torch::jit::Graph& graph = *caller.graph();
    Value* text = nullptr;
    if (args.empty()) {
      text = torch::jit::insertConstant(graph, "", where);
    } else if (args.size() == 1) {
      text = args[0].value(graph);
    } else {
      text = graph.insertNode(graph.createTuple(torch::jit::toValues(graph, args)))->output();
    }
    Value* name = torch::jit::insertConstant(graph, "builtins." + message_, where);
    return std::make_shared<torch::jit::ExceptionMessageValue>(text, name);
  }
};

/// The compiler asks a container for a value before it asks for an item, so one must be there; nothing uses it.
Value* no_value(GraphFunction& caller) {
  torch::jit::Graph& graph = *caller.graph();
  return graph.insertNode(graph.createUninitialized(c10::AnyType::get()))->output();
}

/// A list of things that have no value.
class SugaredListValue : public torch::jit::SugaredTupleValue {
 public:
  using SugaredTupleValue::SugaredTupleValue;

  std::string kind() const override {
    return "list";
  }
  Value* asValue(const SourceRange& /*where*/, GraphFunction& caller) override {
    return no_value(caller);
  }
  SugaredValuePtr getitem(const SourceRange& where, GraphFunction& caller, Value* index, c10::TypePtr hint) override {
    const auto known = constant_of(index);
    Value* number = known ? torch::jit::insertConstant(*caller.graph(), *known, where) : index;
    return SugaredTupleValue::getitem(where, caller, number, std::move(hint));
  }
};

/// A dict of things that have no value: found by constant keys.
class SugaredDictValue : public SugaredValue {
 public:
  explicit SugaredDictValue(std::vector<std::pair<c10::IValue, SugaredValuePtr>> items) : items_(std::move(items)) {}

  std::string kind() const override {
    return "dict";
  }
  Value* asValue(const SourceRange& /*where*/, GraphFunction& caller) override {
    return no_value(caller);
  }
  SugaredValuePtr getitem(const SourceRange& where, GraphFunction& /*caller*/, Value* index,
                          c10::TypePtr /*hint*/) override {
    const auto key = constant_of(index);
    for (const auto& [name, value] : items_) {
      if (key && *key == name) {
        return value;
      }
    }
    throw(ErrorReport(where) << (key ? "Key Error" : "the key must be known when the function is compiled"));
  }

 private:
  std::vector<std::pair<c10::IValue, SugaredValuePtr>> items_;
};

Value* insert_constant(const c10::IValue& value, const std::string& name, GraphFunction& caller,
                       const SourceRange& where) {
  torch::jit::Graph& graph = *caller.graph();
  if (value.isTensor()) {
    return insert_tensor(value.toTensor(), name, caller, where);
  }
  std::vector<Value*> items;
  if (value.isTuple()) {
    for (const c10::IValue& item : value.toTupleRef().elements()) {
      items.push_back(insert_constant(item, name, caller, where));
    }
    return graph.insertNode(graph.createTuple(items))->output();
  }
  if (value.isList()) {
    const auto list = value.toList();
    for (const c10::IValue& item : list) {
      items.push_back(insert_constant(item, name, caller, where));
    }
    return graph.insertNode(graph.createList(list.elementType(), items))->output();
  }
  if (value.isGenericDict()) {
    const auto dict = value.toGenericDict();
    std::vector<Value*> keys;
    for (const auto& entry : dict) {
      keys.push_back(insert_constant(entry.key(), name, caller, where));
      items.push_back(insert_constant(entry.value(), name, caller, where));
    }
    return graph.insertNode(graph.createDict(dict.keyType(), dict.valueType(), keys, items))->output();
  }
  return torch::jit::insertConstant(graph, value, where);
}

bool holds_tensor(const c10::IValue& value) {
  bool found = false;
  value.visit([&](const c10::IValue& inner) {
    found = found || inner.isTensor();
    return false;
  });
  return found;
}

/// Lists and tuples of modules or functions, and lists of mixed kinds, which TorchScript knows unrolled only.
SugaredValuePtr sugar_container(Compilation& compilation, const Object& object, const std::string& name,
                                GraphFunction& caller, const SourceRange& where) {
  if (const auto dict = object.as<DictObject>()) {
    std::vector<std::pair<c10::IValue, SugaredValuePtr>> items;
    for (const auto& [key, value] : dict->items) {
      items.emplace_back(to_ivalue(key).value_or(c10::IValue()), sugar(compilation, value, name, caller, where));
    }
    return std::make_shared<SugaredDictValue>(std::move(items));
  }
  const auto list = object.as<ListObject>();
  std::vector<SugaredValuePtr> values;
  for (const Object& item : list ? list->items : object.as<TupleObject>()->items) {
    values.push_back(sugar(compilation, item, name, caller, where));
  }
  return std::make_shared<SugaredListValue>(std::move(values));
}

SugaredValuePtr sugar_data(Compilation& compilation, const Object& object, const std::string& name,
                           GraphFunction& caller, const SourceRange& where) {
  const auto value = to_ivalue(object);
  if (value && !compilation.tracing() && holds_tensor(*value)) {
    return std::make_shared<ForeignValue>(python_type_name(object), kClosedOver);
  }
  return value ? simple(insert_constant(*value, name, caller, where))
               : sugar_container(compilation, object, name, caller, where);
}

SugaredValuePtr sugar_module(Compilation& compilation, const Object& object) {
  const auto instance = object.as<InstanceObject>();
  if (compilation.tracing() && instance && instance->type->is_module()) {
    return captured_module_value(compilation, instance);
  }
  return std::make_shared<ForeignValue>(python_type_name(object),
                                        std::string(kClosedOver) +
                                            " A module can be called where it is a submodule: keep it as an attribute "
                                            "of the module whose forward calls it");
}

SugaredValuePtr sugar_method(Compilation& compilation, const BoundMethodObject& method) {
  const auto definition = find_definition(method.self->type, method.method->name);
  const auto definer = definition ? definition->first : method.self->type;
  if (!compilation.tracing()) {
    return std::make_shared<ForeignValue>("method", kClosedOver);
  }
  return callee_value(compilation, {method.method, definer, nullptr, method.self}, nullptr);
}

}  // namespace

SugaredValuePtr simple(Value* value) {
  return std::make_shared<SimpleValue>(value);
}

Value* insert_tensor(const at::Tensor& tensor, const std::string& name, GraphFunction& caller,
                     const SourceRange& where) {
  if (tensor.defined() && tensor.requires_grad()) {
    throw(ErrorReport(where)
          << "Cannot insert a Tensor that requires grad as a constant. Consider making it a parameter or input, or "
             "detaching the gradient\n'"
          << name << "' is neither an input nor a parameter of what is traced: pass it as an argument, use " << name
          << ".detach(), or keep it as a torch.nn.Parameter of a module and trace that module, not one of its methods "
             "or a function that calls it");
  }
  return torch::jit::insertConstant(*caller.graph(), tensor, where);
}

SugaredValuePtr exception_value(const std::string& name) {
  static const std::set<std::string> kExceptions = {
      "ArithmeticError", "AssertionError",   "AttributeError", "Exception",    "IndexError",          "KeyError",
      "LookupError",     "NameError",        "OverflowError",  "RuntimeError", "NotImplementedError", "TypeError",
      "ValueError",      "ZeroDivisionError"};
  return kExceptions.count(name) == 1 ? std::make_shared<ExceptionClassValue>(name) : nullptr;
}

SugaredValuePtr sugar(Compilation& compilation, const Object& object, const std::string& name, GraphFunction& caller,
                      const SourceRange& where) {
  if (const auto function = object.as<FunctionObject>()) {
    return callee_value(compilation, {function, nullptr, nullptr, nullptr}, nullptr);
  }
  if (const auto function = object.as<CompiledFunctionObject>()) {
    return std::make_shared<torch::jit::FunctionValue>(&compilation.use_whole(*function));
  }
  if (const auto type = object.as<ClassObject>()) {
    return std::make_shared<ClassObjectValue>(compilation, type);
  }
  if (const auto method = object.as<BoundMethodObject>()) {
    return sugar_method(compilation, *method);
  }
  if (const auto builtin = object.as<BuiltinObject>()) {
    const SugaredValuePtr exception = exception_value(builtin->name);
    return exception ? exception : sugar_path(compilation, builtin->name, caller, where);
  }
  if (const auto* space = object.get<NamespaceObject>()) {
    return namespace_value(compilation, *space);
  }
  if (object.as<InstanceObject>() || object.as<CompiledModuleObject>()) {
    return sugar_module(compilation, object);
  }
  return sugar_data(compilation, object, name, caller, where);
}

}  // namespace bertjit
