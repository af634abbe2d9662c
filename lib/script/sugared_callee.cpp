// Functions and methods that are compiled when they are called.
#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/frontend/schema_matching.h>

#include "script/compile_rewrite.h"
#include "script/object_values.h"
#include "script/sugared.h"

namespace bertjit {

using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::NamedValue;
using torch::jit::SourceRange;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;
using torch::jit::Value;

namespace {

using Arguments = at::ArrayRef<NamedValue>;

/// A call put into the parameters: what each is given, in the types of the call.
struct BoundCall {
  CallTypes types;
  std::vector<NamedValue> positional;
  std::vector<NamedValue> named;
  /// The same without the constants of the call.
  std::vector<NamedValue> folded_positional;
  std::vector<NamedValue> folded_named;
};

class CallBinder {
 public:
  CallBinder(const Callee& callee, GraphFunction& caller, const SourceRange& where)
      : callee_(callee), parameters_(parameters_without_self(callee)), caller_(caller), where_(where) {}

  BoundCall bind(Arguments args, Arguments kwargs) {
    BoundCall bound;
    bound.types.resize(parameters_.size());
    bool fits = bind_positional(args, bound);
    for (const NamedValue& argument : kwargs) {
      const size_t i = position_of(argument.name());
      fits = fits && i < parameters_.size() && bound.types[i].type == nullptr;
      if (fits) {
        bound.types[i] = describe_argument(argument);
        bound.named.push_back(argument);
        if (!bound.types[i].constant) {
          bound.folded_named.push_back(argument);
        }
      }
    }
    if (!fits || !complete(bound)) {
      refuse_call(args, kwargs);
    }
    fill_gaps(bound);
    return bound;
  }

 private:
  /// Gives the default to what is left out before an argument given by name: `f(x, b=t)` of `f(x, a=None, b=None)`. A
  /// schema cannot: b is a Tensor in this variant and has no default, so a has none either.
  void fill_gaps(BoundCall& bound) {
    bool later = false;
    for (size_t i = parameters_.size(); i-- > 0;) {
      const auto found = callee_.function->defaults.find(name(i));
      const bool is_gap = later && bound.types[i].type == nullptr && found != callee_.function->defaults.end();
      later = later || (bound.types[i].type != nullptr && star_count(name(i)) == 0);
      std::string why;
      const auto value = is_gap ? to_ivalue(found->second, &why) : std::nullopt;
      auto* const constant =
          value ? torch::jit::tryInsertConstant(*caller_.graph(), *value, where_).value_or(nullptr) : nullptr;
      if (constant != nullptr) {
        bound.types[i] = {c10::unshapedType(constant->type()), foldable(*value)};
        bound.named.emplace_back(where_, name(i), constant);
        if (!bound.types[i].constant) {
          bound.folded_named.push_back(bound.named.back());
        }
      }
    }
  }

  bool bind_positional(Arguments args, BoundCall& bound) {
    size_t next = 0;
    for (size_t i = 0; i < parameters_.size() && star_count(name(i)) != 2; ++i) {
      if (star_count(name(i)) == 1) {
        std::vector<Value*> rest;
        for (; next < args.size(); ++next) {
          rest.push_back(args[next].value(*caller_.graph()));
        }
        Value* tuple = caller_.graph()->insertNode(caller_.graph()->createTuple(rest))->output();
        bound.types[i] = {tuple->type(), std::nullopt};
        bound.positional.emplace_back(where_, tuple);
        bound.folded_positional.emplace_back(where_, tuple);
      } else if (next < args.size() && !parameters_[i].kwarg_only()) {
        bound.types[i] = describe_argument(args[next]);
        bound.positional.push_back(args[next]);
        if (!bound.types[i].constant) {
          bound.folded_positional.push_back(args[next]);
        }
        ++next;
      }
    }
    return next == args.size();
  }

  CallArgument describe_argument(const NamedValue& argument) {
    const Value* value = argument.value(*caller_.graph());
    return {c10::unshapedType(value->type()), foldable(constant_of(value))};
  }

  std::string name(size_t i) const {
    return parameters_[i].ident().name();
  }

  size_t position_of(const std::string& wanted) const {
    size_t i = 0;
    while (i < parameters_.size() && name(i) != wanted) {
      ++i;
    }
    return i;
  }

  bool complete(const BoundCall& bound) const {
    for (size_t i = 0; i < parameters_.size(); ++i) {
      if (bound.types[i].type == nullptr && star_count(name(i)) == 0 &&
          callee_.function->defaults.count(name(i)) == 0) {
        return false;
      }
    }
    return true;
  }

  /// Lets libtorch say what is wrong, with a schema that takes any type.
  [[noreturn]] void refuse_call(Arguments args, Arguments kwargs) {
    std::vector<c10::Argument> arguments;
    for (size_t i = 0; i < parameters_.size(); ++i) {
      const bool has_default = callee_.function->defaults.count(name(i)) == 1;
      arguments.emplace_back(name(i), c10::AnyType::get(), std::nullopt,
                             has_default ? std::make_optional(c10::IValue()) : std::nullopt,
                             parameters_[i].kwarg_only());
    }
    const c10::FunctionSchema schema(callee_.function->name, "", std::move(arguments),
                                     {c10::Argument("", c10::AnyType::get())});
    torch::jit::matchSchema(schema, where_, *caller_.graph(), args, kwargs);
    throw(ErrorReport(where_) << "arguments of the call do not fit '" << callee_.function->name << "'");
  }

  const Callee& callee_;
  std::vector<torch::jit::Param> parameters_;
  GraphFunction& caller_;
  const SourceRange& where_;
};

class CalleeValue : public SugaredValue {
 public:
  CalleeValue(Compilation& compilation, Callee callee, Value* self)
      : compilation_(compilation), callee_(std::move(callee)), self_(self) {}

  std::string kind() const override {
    return callee_.is_method() ? "method" : "function";
  }

  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    if (!compilation_.tracing()) {
      return emit(*compilation_.compile(callee_, {}, where).function, where, caller, args, kwargs, n_binders);
    }
    const BoundCall bound = CallBinder(callee_, caller, where).bind(args, kwargs);
    const Compilation::Compiled& compiled = compilation_.compile(callee_, bound.types, where);
    return compiled.folded
               ? emit(*compiled.function, where, caller, bound.folded_positional, bound.folded_named, n_binders)
               : emit(*compiled.function, where, caller, bound.positional, bound.named, n_binders);
  }

 private:
  SugaredValuePtr emit(torch::jit::Function& function, const SourceRange& where, GraphFunction& caller, Arguments args,
                       Arguments kwargs, size_t n_binders) const {
    if (self_ != nullptr) {
      return torch::jit::MethodValue(self_, function.name()).call(where, caller, args, kwargs, n_binders);
    }
    return torch::jit::FunctionValue(&function).call(where, caller, args, kwargs, n_binders);
  }

  Compilation& compilation_;
  Callee callee_;
  Value* self_;
};

}  // namespace

SugaredValuePtr callee_value(Compilation& compilation, const Callee& callee, Value* self) {
  return std::make_shared<CalleeValue>(compilation, callee, self);
}

}  // namespace bertjit
