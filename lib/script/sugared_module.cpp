#include "script/sugared_module.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/ir/constants.h>

#include "script/object_values.h"
#include "script/sugared.h"

namespace bertjit {

using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::NamedValue;
using torch::jit::SimpleValue;
using torch::jit::SourceRange;
using torch::jit::SugaredTupleValue;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;
using torch::jit::Value;

namespace {

using Arguments = at::ArrayRef<NamedValue>;

constexpr const char* kFourWays =
    "\nThere are four ways to give a module what forward uses: torch.nn.Parameter; register_buffer; a constant "
    "(annotated Final, or named in __constants__); an attribute of a type that TorchScript has (annotated in the class "
    "body where it cannot be inferred)";

/// items(), keys(), values() of a ModuleDict.
class IterableMethod : public SugaredValue {
 public:
  IterableMethod(SugaredValuePtr iterable, std::string name) : iterable_(std::move(iterable)), name_(std::move(name)) {}

  std::string kind() const override {
    return name_;
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& /*caller*/, Arguments args, Arguments kwargs,
                       size_t /*n_binders*/) override {
    if (!args.empty() || !kwargs.empty()) {
      throw(ErrorReport(where) << name_ << " method does not accept any arguments");
    }
    return iterable_;
  }

 private:
  SugaredValuePtr iterable_;
  std::string name_;
};

/// A module that was compiled before: its methods and attributes are as they are.
class CompiledModuleValue : public SimpleValue {
 public:
  using SimpleValue::SimpleValue;

  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    const SugaredValuePtr value = SimpleValue::attr(where, caller, field);
    const auto inner = std::dynamic_pointer_cast<SimpleValue>(value);
    const auto type = inner ? inner->getValue()->type()->cast<c10::ClassType>() : nullptr;
    return type && type->is_module() ? compiled_module_value(inner->getValue()) : value;
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    return attr(where, caller, "forward")->call(where, caller, args, kwargs, n_binders);
  }
};

/// A module made from an instance. `self_` is its value in the graph, and `info_` its type; both are null for a module
/// that is captured.
class ModuleValue : public SugaredValue {
 public:
  ModuleValue(Compilation& compilation, std::shared_ptr<InstanceObject> instance, ModuleInfo* info, Value* self)
      : compilation_(compilation), instance_(std::move(instance)), info_(info), self_(self) {}

  std::string kind() const override {
    return "module";  // libtorch's compiler asks for this word to allow slices
  }

  Value* asValue(const SourceRange& /*where*/, GraphFunction& caller) override {
    // A stand-in: asked for before getitem, and by functions of rewritten text, which know what it stands for.
    return self_ != nullptr ? self_ : compilation_.capture(caller, shared_from_this());
  }

  bool hasAttr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    return field == "training" || find_attr(where, caller, field) != nullptr;
  }

  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    if (SugaredValuePtr value = find_attr(where, caller, field)) {
      return value;
    }
    refuse_attribute(where, field);
  }

  void setAttr(const SourceRange& where, GraphFunction& caller, const std::string& field, Value* value) override {
    if (self_ == nullptr) {
      throw(ErrorReport(where) << "attribute '" << field
                               << "' of a module that is no part of what is traced cannot be assigned");
    }
    if (compilation_.tracing() && !info_->type->hasAttribute(field)) {
      compilation_.add_attribute(*info_, field, c10::unshapedType(value->type()));
    }
    SimpleValue(self_).setAttr(where, caller, field, value);
  }

  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    if (instance_->type->find_method("forward") == nullptr) {
      throw(ErrorReport(where) << "Module '" << instance_->type->name << "' has no attribute 'forward'");
    }
    return attr(where, caller, "forward")->call(where, caller, args, kwargs, n_binders);
  }

  SugaredValuePtr iter(const SourceRange& where, GraphFunction& caller) override {
    switch (container_kind(*instance_->type)) {
      case ContainerKind::kNone:
        throw(ErrorReport(where)
              << "Only constant Sequential, ModuleList, ModuleDict, or ParameterList can be used as an iterable");
      case ContainerKind::kDict:
        return keys(where, caller);
      default:
        return entries(where, caller);
    }
  }

  SugaredValuePtr asTupleValue(const SourceRange& where, GraphFunction& caller) override {
    const ContainerKind kind = container_kind(*instance_->type);
    if (kind == ContainerKind::kNone || kind == ContainerKind::kDict) {
      throw(ErrorReport(where) << "Only ModuleList or Sequential modules can be used as tuple");
    }
    return entries(where, caller);
  }

  std::vector<SugaredValuePtr> asTuple(const SourceRange& where, GraphFunction& caller,
                                       const std::optional<size_t>& hint) override {
    return asTupleValue(where, caller)->asTuple(where, caller, hint);
  }

  SugaredValuePtr getitem(const SourceRange& where, GraphFunction& caller, Value* index, c10::TypePtr hint) override {
    const auto known = constant_of(index);
    if (container_kind(*instance_->type) == ContainerKind::kDict) {
      return dict_item(where, caller, known);
    }
    Value* number = known ? torch::jit::insertConstant(*caller.graph(), *known, where) : index;
    return asTupleValue(where, caller)->getitem(where, caller, number, std::move(hint));
  }

 private:
  /// Attributes, then what Python's classes have.
  SugaredValuePtr find_attr(const SourceRange& where, GraphFunction& caller, const std::string& field) {
    if (SugaredValuePtr value = data_attr(where, caller, field)) {
      return value;
    }
    if (container_kind(*instance_->type) == ContainerKind::kDict &&
        (field == "items" || field == "keys" || field == "values")) {
      return dict_method(where, caller, field);
    }
    if (SugaredValuePtr value = method_attr(where, field)) {
      return value;
    }
    if (const auto method = instance_->type->find_static_method(field)) {
      return callee_value(compilation_, {method, nullptr, nullptr, nullptr}, nullptr);
    }
    if (const auto property = instance_->type->find_property(field)) {
      return bind(property, instance_->type)->call(where, caller, {}, {}, 1);
    }
    const Object* attribute = instance_->type->find_attribute(field);
    return attribute != nullptr && compilation_.tracing()
               ? sugar(compilation_, *attribute, "self." + field, caller, where)
               : nullptr;
  }

  SugaredValuePtr data_attr(const SourceRange& where, GraphFunction& caller, const std::string& field) {
    const AttributeObject* attribute = instance_->find(field);
    if (attribute != nullptr && attribute->kind == AttributeKind::kModule) {
      return submodule(caller, *attribute, where);
    }
    if (self_ != nullptr && is_graph_attribute(field)) {
      return std::make_shared<SimpleValue>(caller.graph()->insertGetAttr(self_, field));
    }
    if (field == "training") {
      return std::make_shared<SimpleValue>(torch::jit::insertConstant(*caller.graph(), instance_->training, where));
    }
    if (info_ != nullptr && !compilation_.tracing()) {
      if (const c10::IValue* constant = info_->constant(field)) {
        return sugar(compilation_, constant_object(*constant), "self." + field, caller, where);
      }
      if (info_->failed.count(field) == 1) {
        return nullptr;
      }
    }
    return attribute == nullptr ? nullptr : sugar(compilation_, attribute->value, "self." + field, caller, where);
  }

  /// kScript: every attribute of the type. kTrace: tensors, and what methods assign; other data is constant, since
  /// Python reads it while it traces.
  bool is_graph_attribute(const std::string& field) const {
    const ModuleInfo::Attribute* attribute = info_->attribute(field);
    if (attribute == nullptr) {
      return false;
    }
    // A list of tensors may be one of parameters: nn.LSTM has its weights so.
    return !compilation_.tracing() || attribute->type->isSubtypeOf(*c10::TensorType::get()) ||
           attribute->type->isSubtypeOf(*c10::ListType::ofTensors()) || info_->assigned.count(field) == 1;
  }

  static Object constant_object(const c10::IValue& value) {
    return from_ivalue(value);
  }

  SugaredValuePtr submodule(GraphFunction& caller, const AttributeObject& attribute, const SourceRange& where) {
    const auto child = attribute.value.as<InstanceObject>();
    const bool compiled = attribute.value.as<CompiledModuleObject>() != nullptr;
    if (!child && !compiled) {  // None
      return std::make_shared<SimpleValue>(torch::jit::insertConstant(*caller.graph(), c10::IValue(), where));
    }
    if (self_ == nullptr) {
      return sugar(compilation_, attribute.value, attribute.name, caller, where);
    }
    Value* value = caller.graph()->insertGetAttr(self_, attribute.name);
    return compiled ? compiled_module_value(value) : module_value(compilation_, *info_->child(attribute.name), value);
  }

  SugaredValuePtr method_attr(const SourceRange& where, const std::string& field) {
    const auto definition = find_definition(instance_->type, field);
    if (!definition) {
      return nullptr;
    }
    if (definition->first->ignored.count(field) == 1 && !compilation_.tracing()) {
      throw(ErrorReport(where) << "method '" << field << "' of " << instance_->type->name
                               << " is marked @torch.jit.ignore or @torch.jit.unused: it stays Python and cannot be "
                                  "part of a saved module. Take the mark off, or do not call it from scripted code");
    }
    return bind(definition->second, definition->first);
  }

  SugaredValuePtr bind(const std::shared_ptr<FunctionObject>& method, const std::shared_ptr<ClassObject>& definer) {
    const Callee callee{method, definer, self_ == nullptr ? nullptr : info_, self_ == nullptr ? instance_ : nullptr};
    return callee_value(compilation_, callee, self_);
  }

  std::vector<std::string> entry_names() const {
    const bool parameters = container_kind(*instance_->type) == ContainerKind::kParameters;
    std::vector<std::string> names;
    for (const AttributeObject& attribute : instance_->attributes) {
      if (attribute.kind == (parameters ? AttributeKind::kParameter : AttributeKind::kModule)) {
        names.push_back(attribute.name);
      }
    }
    return names;
  }

  SugaredValuePtr entries(const SourceRange& where, GraphFunction& caller) {
    std::vector<SugaredValuePtr> values;
    for (const std::string& name : entry_names()) {
      values.push_back(attr(where, caller, name));
    }
    return std::make_shared<SugaredTupleValue>(std::move(values));
  }

  SugaredValuePtr keys(const SourceRange& where, GraphFunction& caller) const {
    std::vector<SugaredValuePtr> names;
    for (const std::string& name : entry_names()) {
      names.push_back(std::make_shared<SimpleValue>(torch::jit::insertConstant(*caller.graph(), name, where)));
    }
    return std::make_shared<SugaredTupleValue>(std::move(names));
  }

  SugaredValuePtr dict_method(const SourceRange& where, GraphFunction& caller, const std::string& name) {
    if (name == "keys") {
      return std::make_shared<IterableMethod>(keys(where, caller), name);
    }
    if (name == "values") {
      return std::make_shared<IterableMethod>(entries(where, caller), name);
    }
    auto pairs = std::make_shared<torch::jit::IterableTree>();
    pairs->addChild(where, caller, keys(where, caller));
    pairs->addChild(where, caller, entries(where, caller));
    return std::make_shared<IterableMethod>(pairs, name);
  }

  SugaredValuePtr dict_item(const SourceRange& where, GraphFunction& caller, const std::optional<c10::IValue>& key) {
    if (!key || !key->isString()) {
      throw(ErrorReport(where)
            << "Unable to extract string literal index. ModuleDict indexing is only supported with string literals. "
               "Enumeration of ModuleDict is supported, e.g. 'for k, v in self.items(): out = v(inp)'");
    }
    const auto names = entry_names();
    if (std::find(names.begin(), names.end(), key->toStringRef()) == names.end()) {
      throw(ErrorReport(where) << "Key Error, " << key->toStringRef());
    }
    return attr(where, caller, key->toStringRef());
  }

  [[noreturn]] void refuse_attribute(const SourceRange& where, const std::string& field) const {
    ErrorReport report(where);
    report << "Module '" << instance_->type->name << "' has no attribute '" << field << "'";
    if (info_ != nullptr && info_->failed.count(field) == 1) {
      report << " " << info_->failed.at(field) << kFourWays;
    } else if (instance_->type->find_attribute(field) != nullptr) {
      report << " (It is an attribute of the class, not of the instance: assign it in __init__, or annotate it Final)"
             << kFourWays;
    }
    throw ErrorReport(report);
  }

  Compilation& compilation_;
  std::shared_ptr<InstanceObject> instance_;
  ModuleInfo* info_;
  Value* self_;
};

class ModuleSelf : public torch::jit::Self {
 public:
  ModuleSelf(Compilation& compilation, ModuleInfo& info) : compilation_(compilation), info_(info) {}

  SugaredValuePtr makeSugared(Value* value) const override {
    value->setType(info_.type);
    return module_value(compilation_, info_, value);
  }
  c10::ClassTypePtr getClassType() const override {
    return info_.type;
  }

 private:
  Compilation& compilation_;
  ModuleInfo& info_;
};

/// What `super()` gives: the methods of the bases of the class whose text it stands in.
class SuperProxy : public SugaredValue {
 public:
  SuperProxy(Compilation& compilation, Callee callee) : compilation_(compilation), callee_(std::move(callee)) {}

  std::string kind() const override {
    return "super";
  }
  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    const auto definition = find_definition(callee_.definer->base, field);
    if (!definition) {
      throw(ErrorReport(where) << "'super' object has no attribute '" << field << "'");
    }
    Value* self = callee_.info == nullptr ? nullptr : caller.graph()->inputs().at(0);
    return callee_value(compilation_, {definition->second, definition->first, callee_.info, callee_.captured}, self);
  }

 private:
  Compilation& compilation_;
  Callee callee_;
};

/// `self.name[start:end:step]` as a function of the bounds.
class SliceValue : public SugaredValue {
 public:
  SliceValue(Compilation& compilation, Callee callee, std::string name)
      : compilation_(compilation), callee_(std::move(callee)), name_(std::move(name)) {}

  std::string kind() const override {
    return "slice";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    const SugaredValuePtr self = callee_.info == nullptr
                                     ? captured_module_value(compilation_, callee_.captured)
                                     : module_value(compilation_, *callee_.info, caller.graph()->inputs().at(0));
    const auto items = self->attr(where, caller, name_)->asTuple(where, caller, std::nullopt);
    const int64_t step = bound(where, caller, args[2]).value_or(1);
    if (step == 0) {
      throw(ErrorReport(where) << "slice step cannot be zero");
    }
    const auto size = static_cast<int64_t>(items.size());
    const int64_t first = step > 0 ? 0 : -1;
    const int64_t last = step > 0 ? size : size - 1;
    const auto place = [&](std::optional<int64_t> index, int64_t otherwise) {
      return !index ? otherwise : std::clamp(*index < 0 ? *index + size : *index, first, last);
    };
    std::vector<SugaredValuePtr> taken;
    const int64_t end = place(bound(where, caller, args[1]), step > 0 ? size : -1);
    for (int64_t i = place(bound(where, caller, args[0]), step > 0 ? 0 : size - 1); step > 0 ? i < end : i > end;
         i += step) {
      taken.push_back(items[static_cast<size_t>(i)]);
    }
    return std::make_shared<SugaredTupleValue>(std::move(taken));
  }

 private:
  static std::optional<int64_t> bound(const SourceRange& where, GraphFunction& caller, const NamedValue& argument) {
    const auto known = constant_of(argument.value(*caller.graph()));
    if (!known || !(known->isInt() || known->isNone())) {
      throw(ErrorReport(where) << "the bounds of a slice of modules must be known when the function is compiled");
    }
    return known->isNone() ? std::nullopt : std::make_optional(known->toInt());
  }

  Compilation& compilation_;
  Callee callee_;
  std::string name_;
};

class SuperValue : public SugaredValue {
 public:
  SuperValue(Compilation& compilation, Callee callee) : compilation_(compilation), callee_(std::move(callee)) {}

  std::string kind() const override {
    return "super";
  }
  SugaredValuePtr call(const SourceRange& /*where*/, GraphFunction& /*caller*/, Arguments /*args*/,
                       Arguments /*kwargs*/, size_t /*n_binders*/) override {
    return std::make_shared<SuperProxy>(compilation_, callee_);
  }

 private:
  Compilation& compilation_;
  Callee callee_;
};

}  // namespace

SugaredValuePtr module_value(Compilation& compilation, ModuleInfo& info, Value* self) {
  return std::make_shared<ModuleValue>(compilation, info.instance, &info, self);
}

SugaredValuePtr captured_module_value(Compilation& compilation, std::shared_ptr<InstanceObject> instance) {
  return std::make_shared<ModuleValue>(compilation, std::move(instance), nullptr, nullptr);
}

SugaredValuePtr compiled_module_value(Value* self) {
  return std::make_shared<CompiledModuleValue>(self);
}

SugaredValuePtr super_value(Compilation& compilation, const Callee& callee) {
  return std::make_shared<SuperValue>(compilation, callee);
}

SugaredValuePtr slice_value(Compilation& compilation, const Callee& callee, const std::string& name) {
  return std::make_shared<SliceValue>(compilation, callee, name);
}

std::unique_ptr<torch::jit::Self> make_self(Compilation& compilation, ModuleInfo& info) {
  return std::make_unique<ModuleSelf>(compilation, info);
}

}  // namespace bertjit
