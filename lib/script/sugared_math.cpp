// Functions of torch and math on numbers that TorchScript has not.
#include <array>
#include <utility>

#include <torch/csrc/jit/frontend/error_report.h>

#include "script/sugared.h"
#include "script/sugared_python.h"

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

/// A function of values, written in C++.
class EmittedFunction : public SugaredValue {
 public:
  EmittedFunction(std::string name, size_t least, size_t most, Emit emit)
      : name_(std::move(name)), least_(least), most_(most), emit_(std::move(emit)) {}

  std::string kind() const override {
    return "function '" + name_ + "'";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t /*n_binders*/) override {
    Values values = torch::jit::toValues(*caller.graph(), args);
    for (const NamedValue& argument : kwargs) {
      if (argument.name() != "start" || name_ != "sum") {
        throw(ErrorReport(where) << name_ << "() with " << argument.name() << "= is outside the subset");
      }
      values.push_back(argument.value(*caller.graph()));
    }
    if (values.size() < least_ || values.size() > most_) {
      throw(ErrorReport(where) << name_ << "() takes " << least_ << (most_ > least_ ? " or more" : "") << " arguments, "
                               << values.size() << " are given");
    }
    return simple(emit_({caller, where}, values));
  }

 private:
  std::string name_;
  size_t least_;
  size_t most_;
  Emit emit_;
};

/// torch.finfo(dtype), torch.iinfo(dtype).
class TypeInfo : public SugaredValue {
 public:
  TypeInfo(std::string name, Value* dtype) : name_(std::move(name)), dtype_(dtype) {}

  std::string kind() const override {
    return name_;
  }
  SugaredValuePtr attr(const SourceRange& where, GraphFunction& caller, const std::string& field) override {
    const Emission emission{caller, where};
    const bool is_count = name_ == "finfo" && field == "bits";
    Value* number = emission.call(c10::Symbol::fromQualString("bertjit::" + name_), {dtype_, emission.constant(field)});
    return simple(is_count ? emission.call(c10::aten::Int, {number}) : number);
  }

 private:
  std::string name_;
  Value* dtype_;
};

class TypeInfoFunction : public SugaredValue {
 public:
  explicit TypeInfoFunction(std::string name) : name_(std::move(name)) {}

  std::string kind() const override {
    return name_;
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t /*n_binders*/) override {
    if (args.size() + kwargs.size() > 1) {
      throw(ErrorReport(where) << "torch." << name_ << " takes a dtype");
    }
    Value* dtype = args.size() + kwargs.size() == 0
                       ? Emission{caller, where}.constant(static_cast<int64_t>(c10::kFloat))
                       : (args.empty() ? kwargs : args)[0].value(*caller.graph());
    return std::make_shared<TypeInfo>(name_, dtype);
  }

 private:
  std::string name_;
};

/// math.name of numbers, all of one kind.
Value* emit_math(const Emission& emission, const std::string& name, const Values& values) {
  const auto symbol = c10::Symbol::fromQualString("bertjit::" + name);
  const TypeKind kind = name == "comb" || name == "perm" ? TypeKind::IntType : TypeKind::FloatType;
  Values converted;
  for (Value* value : values) {
    converted.push_back(as_type(emission, value, kind));
  }
  if (name == "hypot") {
    torch::jit::Graph& graph = emission.graph();
    converted = {graph.insertNode(graph.createList(c10::FloatType::get(), converted))->output()};
  }
  if (name == "perm" && converted.size() == 1) {
    converted.push_back(converted[0]);
  }
  return emission.call(symbol, converted);
}

/// math.isclose, whose tolerances have names.
class IsCloseFunction : public SugaredValue {
 public:
  std::string kind() const override {
    return "math.isclose";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t /*n_binders*/) override {
    const Emission emission{caller, where};
    std::array<Value*, 4> values{nullptr, nullptr, emission.constant(1e-9), emission.constant(0.0)};
    for (size_t i = 0; i < args.size() && i < 2; ++i) {
      values.at(i) = as_type(emission, args[i].value(*caller.graph()), TypeKind::FloatType);
    }
    for (const NamedValue& argument : kwargs) {
      values.at(argument.name() == "rel_tol" ? 2 : 3) =
          as_type(emission, argument.value(*caller.graph()), TypeKind::FloatType);
    }
    if (args.size() != 2) {
      throw(ErrorReport(where) << "math.isclose takes two numbers, rel_tol and abs_tol");
    }
    return simple(emission.call(c10::Symbol::fromQualString("bertjit::isclose"), {values.begin(), values.end()}));
  }
};

}  // namespace

SugaredValuePtr emitted(const std::string& name, size_t least, size_t most, Emit emit) {
  return std::make_shared<EmittedFunction>(name, least, most, std::move(emit));
}

/// What stands behind `prefix` in `name`.
std::optional<std::string> after(const std::string& name, std::string_view prefix) {
  return name.starts_with(prefix) ? std::make_optional(name.substr(prefix.size())) : std::nullopt;
}

Value* as_type(const Emission& emission, Value* value, TypeKind kind) {
  if (value->type()->kind() == kind) {
    return value;
  }
  return emission.call(kind == TypeKind::FloatType ? c10::aten::Float : c10::aten::Int, {value});
}

SugaredValuePtr python_function(const std::string& path) {
  static const std::map<std::string, std::pair<size_t, size_t>> kMath = {
      {"log2", {1, 1}}, {"cbrt", {1, 1}}, {"exp2", {1, 1}}, {"hypot", {0, kAny}}, {"comb", {2, 2}}, {"perm", {1, 2}}};
  if (path == "torch.finfo" || path == "torch.iinfo") {
    return std::make_shared<TypeInfoFunction>(path.substr(path.rfind('.') + 1));
  }
  if (path == "torch.is_tensor") {
    return emitted("is_tensor", 1, 1,
                   [](const Emission& e, const Values& v) { return e.constant(is_tensor_type(v[0])); });
  }
  const auto name = after(path, "math.");
  if (!name) {
    return nullptr;
  }
  if (*name == "prod") {
    return emitted("prod", 1, 1, [](const Emission& e, const Values& v) { return emit_product(e, v[0]); });
  }
  if (*name == "isclose") {
    return std::make_shared<IsCloseFunction>();
  }
  const auto found = kMath.find(*name);
  return found == kMath.end()
             ? nullptr
             : emitted(*name, found->second.first, found->second.second,
                       [name = *name](const Emission& e, const Values& v) { return emit_math(e, name, v); });
}

}  // namespace bertjit
