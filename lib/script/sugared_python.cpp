#include "script/sugared_python.h"

#include <algorithm>
#include <utility>

#include <torch/csrc/jit/frontend/error_report.h>

#include "script/library.h"
#include "script/sugared.h"
#include "script/sugared_module.h"

namespace bertjit {

using c10::TypeKind;
using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::NamedValue;
using torch::jit::SourceRange;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;
using torch::jit::Value;

namespace {

using Arguments = at::ArrayRef<NamedValue>;
using Values = std::vector<Value*>;

/// What a value of a module type was before it was a value.
SugaredValuePtr as_sugared(Compilation& compilation, Value* value) {
  const auto type = value->type()->cast<c10::ClassType>();
  if (type == nullptr || !type->is_module()) {
    return compilation.captured_at(value) ? compilation.captured_at(value) : simple(value);
  }
  ModuleInfo* info = compilation.info_of(*type);
  return info != nullptr ? module_value(compilation, *info, value) : compiled_module_value(value);
}

/// `iter(x)`: what a loop goes over, modules as modules.
class IterableFunction : public SugaredValue {
 public:
  IterableFunction(Compilation& compilation, std::string name) : compilation_(compilation), name_(std::move(name)) {}

  std::string kind() const override {
    return name_;
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    const Emission emission{caller, where};
    if (args.empty()) {
      return simple(caller.graph()->insertNode(caller.graph()->createTuple({}))->output());
    }
    Value* value = emit_iterable(emission, args[0].value(*caller.graph()));
    if (value->type()->cast<c10::ClassType>() || compilation_.captured_at(value)) {
      return as_sugared(compilation_, value);
    }
    if (const auto tuple = value->type()->cast<c10::TupleType>()) {
      return tuple_value(value, *tuple, emission);
    }
    if (name_ == "list" && value->type()->cast<c10::ListType>()) {
      return simple(emission.call(c10::aten::list, {value}));
    }
    return simple(value);
  }

 private:
  SugaredValuePtr tuple_value(Value* value, const c10::TupleType& type, const Emission& emission) const {
    const bool modules = std::ranges::any_of(type.elements(), [](const c10::TypePtr& element) {
      const auto module = element->cast<c10::ClassType>();
      return module != nullptr && module->is_module();
    });
    const auto items = torch::jit::createTupleUnpack(value);
    if (name_ == "list" && !items.empty() &&
        std::ranges::all_of(items, [&](const Value* item) { return *item->type() == *items[0]->type(); })) {
      torch::jit::Graph& graph = emission.graph();
      return simple(graph.insertNode(graph.createList(items[0]->type(), items))->output());
    }
    if (!modules) {
      return simple(value);
    }
    std::vector<SugaredValuePtr> values;
    for (Value* item : items) {
      values.push_back(as_sugared(compilation_, item));
    }
    return std::make_shared<torch::jit::SugaredTupleValue>(std::move(values));
  }

  Compilation& compilation_;
  std::string name_;
};

/// `a and b` as `note(b) if hold(a) else held()`, `a or b` as `note(b) if unless(a) else held()`: a is evaluated once,
/// and a bool becomes an int where the other is one, which it is to Python.
class HeldValue : public SugaredValue {
 public:
  HeldValue(HeldValues& held, std::string key, std::string part)
      : held_(held), key_(std::move(key)), part_(std::move(part)) {}

  std::string kind() const override {
    return "operand";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    const Emission emission{caller, where};
    Value* given = args.empty() ? nullptr : args[0].value(*caller.graph());
    if (part_ == "held" || part_ == "match") {
      return simple(matched(emission, given == nullptr ? held_.at(key_) : given));
    }
    if (part_ == "note") {
      held_["note " + key_] = given;
      return simple(widened(emission, given));
    }
    held_[key_] = given;
    Value* truth = emit_truth(emission, given);
    if (part_ == "hold") {
      return simple(truth);
    }
    const auto known = constant_of(truth);
    return simple(known && known->isBool() ? emission.constant(!known->toBool())
                                           : emission.call(c10::aten::__not__, {truth}));
  }

 private:
  static bool is(const Value* value, TypeKind kind) {
    return value->type()->kind() == kind;
  }
  /// The left side, when the right side was emitted before.
  Value* matched(const Emission& emission, Value* left) const {
    const auto other = held_.find("note " + key_);
    const bool widens = other != held_.end() && is(left, TypeKind::BoolType) && is(other->second, TypeKind::IntType);
    return widens ? emission.call(c10::aten::Int, {left}) : left;
  }
  /// The right side, where the left side is an int and it a bool.
  Value* widened(const Emission& emission, Value* right) const {
    const auto left = held_.find(key_);
    const bool widens = left != held_.end() && is(left->second, TypeKind::IntType) && is(right, TypeKind::BoolType);
    return widens ? emission.call(c10::aten::Int, {right}) : right;
  }

  HeldValues& held_;
  std::string key_;
  std::string part_;
};

/// A method of a tensor that Python's torch has in Python.
class MethodFunction : public SugaredValue {
 public:
  MethodFunction(Compilation& compilation, std::string name) : compilation_(compilation), name_(std::move(name)) {}

  std::string kind() const override {
    return "method";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    Value* self = args.at(0).value(*caller.graph());
    if (is_tensor_type(self) && name_ == "tolist" && compilation_.tracing()) {
      throw(ErrorReport(where) << "tolist() needs the type of the list, which TorchScript does not know: annotate it, "
                                  "as in `values: List[float] = x.tolist()`");
    }
    if (is_tensor_type(self)) {
      if (const auto method = namespace_member(NamespaceObject{"torch._tensor", nullptr}, name_)) {
        return sugar(compilation_, *method, name_, caller, where)->call(where, caller, args, kwargs, n_binders);
      }
    }
    if (element_type(self) != nullptr && args.size() == 1 && (name_ == "numel" || name_ == "tolist")) {
      return simple(name_ == "numel" ? emit_product({caller, where}, self) : self);
    }
    return as_sugared(compilation_, self)
        ->attr(where, caller, name_)
        ->call(where, caller, args.slice(1), kwargs, n_binders);
  }

 private:
  Compilation& compilation_;
  std::string name_;
};

/// `with torch.set_grad_enabled(flag)`, `with torch.autocast(…, enabled=False)`, `with torch.inference_mode()`.
class ContextFunction : public SugaredValue {
 public:
  ContextFunction(Compilation& compilation, std::string name) : compilation_(compilation), name_(std::move(name)) {}

  std::string kind() const override {
    return "context manager";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    std::string state = "no_grad";
    if (name_ == "set_grad_enabled") {
      state = flag(where, caller, args.empty() ? kwargs : args, 0) ? "enable_grad" : "no_grad";
    } else if (name_ == "autocast") {
      for (size_t i = 0; i < kwargs.size(); ++i) {
        if (kwargs[i].name() == "enabled" && !flag(where, caller, kwargs, i)) {
          state = "nothing";
        }
      }
      if (state != "nothing") {
        throw(ErrorReport(where) << "torch.autocast is outside the subset, but for enabled=False: convert the model "
                                    "with .to(torch.bfloat16) instead");
      }
    }
    return torch::jit::ClassValue(compilation_.grad_class(state)).call(where, caller, {}, {}, n_binders);
  }

 private:
  bool flag(const SourceRange& where, GraphFunction& caller, Arguments args, size_t i) const {
    const auto known = i < args.size() ? constant_of(args[i].value(*caller.graph())) : std::nullopt;
    if (!known || !known->isBool()) {
      throw(ErrorReport(where) << "torch." << name_
                               << " takes a bool that is known when the function is compiled: True or False");
    }
    return known->toBool();
  }

  Compilation& compilation_;
  std::string name_;
};

/// A list whose numbers are of one kind, as torch.tensor([1, 2.5]) wants it.
Value* emit_numbers(const Emission& emission, Values values) {
  torch::jit::Graph& graph = emission.graph();
  const bool fractional =
      std::ranges::any_of(values, [](const Value* value) { return value->type()->kind() == TypeKind::FloatType; });
  const bool numbers = std::ranges::all_of(values, is_number_type);
  if (fractional && numbers) {
    for (Value*& value : values) {
      value = as_type(emission, value, TypeKind::FloatType);
    }
  }
  if (!std::ranges::all_of(values, [&](const Value* value) { return *value->type() == *values[0]->type(); })) {
    throw(ErrorReport(emission.where) << "the elements of a list that becomes a tensor are of one kind, but "
                                      << values[0]->type()->repr_str() << " and others stand here");
  }
  const c10::TypePtr type = values.empty() ? c10::FloatType::get() : values[0]->type();
  return graph.insertNode(graph.createList(type, values))->output();
}

Value* emit_round(const Emission& emission, const Values& values) {
  if (is_tensor_type(values[0])) {
    return torch::jit::emitBuiltinCall(emission.where, emission.graph(), c10::aten::round, {NamedValue(values[0])},
                                       {NamedValue(emission.where, "decimals", values[1])});
  }
  if (values[0]->type()->kind() == TypeKind::IntType) {
    return values[0];
  }
  return emission.call(c10::Symbol::fromQualString("bertjit::round_digits"),
                       {as_type(emission, values[0], TypeKind::FloatType), values[1]});
}

/// TorchScript's own, of numbers; of tensors it means another thing by the name.
bool is_torchscripts(const Values& values) {
  return values.size() <= 2 && std::ranges::all_of(values, [](const Value* value) {
           const c10::TypePtr element = element_type(value);
           return is_number_type(value) || (element != nullptr && !element->isSubtypeOf(*c10::TensorType::get()));
         });
}

Value* emit_sequence_function(const Emission& emission, const std::string& name, const Values& values, bool tracing) {
  if (!tracing && is_torchscripts(values)) {
    const bool is_choice = name == "max" || name == "min";
    return emission.call(is_choice ? c10::Symbol::prim(name) : c10::Symbol::aten(name), values);
  }
  return name == "sum"                    ? emit_sum(emission, values)
         : name == "any" || name == "all" ? emit_any_all(emission, name, values[0])
                                          : emit_extreme(emission, name, values);
}

/// A number that a variable begins with before it is a tensor.
Value* emit_as_tensor(const Emission& emission, Value* number) {
  const bool whole = number->type()->kind() == TypeKind::IntType;
  return whole ? emission.graph().insertNode(emission.graph().createNumToTensor(number))->output()
               : emission.call(c10::aten::tensor, {number});
}

/// A value that is assigned, in a branch or loop, to a variable that was a number.
Value* emit_assigned(const Emission& emission, const std::string& variable, Value* value) {
  if (is_tensor_type(value)) {
    throw(ErrorReport(emission.where) << "Variable '" << variable << "' previously had type int but is now being "
                                      << "assigned to a value of type Tensor");
  }
  return value;
}

SugaredValuePtr builtin_function(Compilation& compilation, const std::string& name) {
  if (name == "sum" || name == "max" || name == "min" || name == "any" || name == "all") {
    const size_t most = name == "sum" ? 2 : name == "max" || name == "min" ? kAny : 1;
    return emitted(name, 1, most, [name, tracing = compilation.tracing()](const Emission& e, const Values& v) {
      return emit_sequence_function(e, name, v, tracing);
    });
  }
  if (name == "truth") {
    return emitted(name, 1, 1, [](const Emission& e, const Values& v) { return emit_truth(e, v[0]); });
  }
  if (name == "numbers") {
    return emitted(name, 0, 1U << 20U, emit_numbers);
  }
  if (name == "round") {
    return emitted(name, 2, 2, emit_round);
  }
  if (name == "iter" || name == "list" || name == "tuple") {
    return std::make_shared<IterableFunction>(compilation, name);
  }
  return nullptr;
}

}  // namespace

Value* emit_length(const Emission& emission, Value* text) {
  const auto symbol = c10::Symbol::fromQualString("bertjit::text_length");
  if (const auto known = constant_of(text)) {
    torch::jit::Stack stack{*known};
    torch::jit::getAllOperatorsFor(symbol).at(0)->getOperation()(stack);
    return emission.constant(stack[0]);
  }
  return emission.call(symbol, {text});
}

SugaredValuePtr python_value(Compilation& compilation, HeldValues& held, const std::string& name) {
  if (const auto op = after(name, "op_")) {
    return emitted(*op, 2, 2, [op](const Emission& e, const Values& v) { return emit_binary(e, *op, v[0], v[1]); });
  }
  if (const auto op = after(name, "augment_")) {
    return emitted(*op, 2, 2, [op](const Emission& e, const Values& v) { return emit_augmented(e, *op, v[0], v[1]); });
  }
  if (const auto variable = after(name, "assign_")) {
    return emitted(name, 1, 1,
                   [variable](const Emission& e, const Values& v) { return emit_assigned(e, *variable, v[0]); });
  }
  if (name == "as_tensor") {
    return emitted(name, 1, 1, [](const Emission& e, const Values& v) { return emit_as_tensor(e, v[0]); });
  }
  if (name == "view_dtype") {
    return emitted(name, 1, 1, [](const Emission& e, const Values& /*v*/) -> Value* {
      throw(ErrorReport(e.where) << "view() with a dtype is no operator that TorchScript has, nor torch.jit.trace "
                                    "records: use .to(dtype) for the numbers");
    });
  }
  if (name == "present") {
    return emitted(name, 1, 1, [](const Emission& e, const Values& v) { return emit_present(e, v[0]); });
  }
  for (const char* part : {"hold", "unless", "held", "note", "match"}) {
    if (const auto key = after(name, std::string(part) + "_")) {
      return std::make_shared<HeldValue>(held, *key, part);
    }
  }
  if (const auto method = after(name, "method_")) {
    return std::make_shared<MethodFunction>(compilation, *method);
  }
  if (const auto context = after(name, "with_")) {
    return std::make_shared<ContextFunction>(compilation, *context);
  }
  return builtin_function(compilation, name);
}

}  // namespace bertjit
