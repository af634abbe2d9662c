// The functions that rewritten text calls (compile_rewrite.h).
#include <set>
#include <utility>
#include <vector>

#include <torch/csrc/jit/frontend/error_report.h>
#include <torch/csrc/jit/ir/constants.h>
#include <torch/csrc/jit/runtime/operator.h>

#include "script/sugared.h"
#include "script/sugared_python.h"

namespace bertjit {

using torch::jit::BuiltinFunction;
using torch::jit::ErrorReport;
using torch::jit::GraphFunction;
using torch::jit::NamedValue;
using torch::jit::SourceRange;
using torch::jit::SugaredTupleValue;
using torch::jit::SugaredValue;
using torch::jit::SugaredValuePtr;
using torch::jit::Value;

namespace {

using Arguments = at::ArrayRef<NamedValue>;

/// Above this a loop is not written out turn by turn.
constexpr size_t kLongestUnrolled = 4096;

bool is_int_list(const Value* value) {
  const auto list = value->type()->cast<c10::ListType>();
  return list != nullptr && list->getElementType()->kind() == c10::TypeKind::IntType;
}

class SplatValue : public SugaredValue {
 public:
  explicit SplatValue(std::string stars) : stars_(std::move(stars)) {}

  std::string kind() const override {
    return "starred arguments";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    torch::jit::Graph& graph = *caller.graph();
    std::vector<Value*> spread;
    bool has_list = false;
    for (size_t i = 0; i < args.size(); ++i) {
      Value* value = args[i].value(graph);
      if (stars_.at(i) == '1' && value->type()->cast<c10::TupleType>()) {
        const auto items = torch::jit::createTupleUnpack(value);
        spread.insert(spread.end(), items.begin(), items.end());
        continue;
      }
      has_list = has_list || stars_.at(i) == '1';
      if (stars_.at(i) == '1' && !is_int_list(value)) {
        throw(ErrorReport(where) << "a starred argument of type '" << value->type()->repr_str()
                                 << "' has no length that is known when the function is compiled: only tuples and "
                                    "lists of int can be starred");
      }
      spread.push_back(value);
    }
    std::vector<SugaredValuePtr> values;
    for (Value* value : has_list ? joined(where, graph, spread) : spread) {
      values.push_back(simple(value));
    }
    return std::make_shared<SugaredTupleValue>(std::move(values));
  }

 private:
  /// The ints and lists of ints at the end as one list: `rand(1, *sizes)` takes sizes as rand([1, …]) does.
  static std::vector<Value*> joined(const SourceRange& where, torch::jit::Graph& graph,
                                    const std::vector<Value*>& values) {
    size_t first = values.size();
    while (first > 0 && (is_int_list(values[first - 1]) || is_int(values[first - 1]))) {
      --first;
    }
    std::vector<Value*> result(values.begin(), values.begin() + first);
    Value* list = nullptr;
    std::vector<Value*> ints;
    const auto append = [&](Value* part) {
      list = list == nullptr ? part : torch::jit::emitBuiltinCall(where, graph, c10::aten::add, {list, part}, {});
    };
    const auto flush = [&] {
      if (!ints.empty()) {
        append(graph.insertNode(graph.createList(c10::IntType::get(), ints))->output());
        ints.clear();
      }
    };
    for (size_t i = first; i < values.size(); ++i) {
      if (is_int(values[i])) {
        ints.push_back(values[i]);
      } else {
        flush();
        append(values[i]);
      }
    }
    flush();
    result.push_back(list);
    return result;
  }

  static bool is_int(const Value* value) {
    return value->type()->kind() == c10::TypeKind::IntType;
  }

  std::string stars_;
};

class CompareValue : public SugaredValue {
 public:
  explicit CompareValue(c10::Symbol symbol) : symbol_(symbol) {}

  std::string kind() const override {
    return "comparison";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    torch::jit::Graph& graph = *caller.graph();
    const Emission emission{caller, where};
    Value* result = emit_binary(emission, symbol_.toUnqualString(), args.at(0).value(graph), args.at(1).value(graph));
    const auto known = constant_of(result);
    return simple(known && known->isBool() ? torch::jit::insertConstant(graph, *known, where) : result);
  }

 private:
  c10::Symbol symbol_;
};

class LenValue : public SugaredValue {
 public:
  explicit LenValue(Compilation& compilation) : compilation_(compilation) {}

  std::string kind() const override {
    return "len";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments kwargs,
                       size_t n_binders) override {
    const auto type = args.size() == 1 ? args[0].value(*caller.graph())->type()->cast<c10::ClassType>() : nullptr;
    if (const ModuleInfo* info = type ? compilation_.info_of(*type) : nullptr) {
      const auto length = static_cast<int64_t>(info->children.size() + info->compiled_children.size());
      if (container_kind(*info->instance->type) != ContainerKind::kNone) {
        return simple(torch::jit::insertConstant(*caller.graph(), length, where));
      }
    }
    if (const auto tuple =
            args.size() == 1 ? args[0].value(*caller.graph())->type()->cast<c10::TupleType>() : nullptr) {
      const auto length = static_cast<int64_t>(tuple->elements().size());
      return simple(torch::jit::insertConstant(*caller.graph(), length, where));
    }
    if (args.size() == 1 && args[0].value(*caller.graph())->type()->kind() == c10::TypeKind::StringType) {
      return simple(emit_length({caller, where}, args[0].value(*caller.graph())));
    }
    const auto builtin = std::make_shared<BuiltinFunction>(c10::aten::len, std::nullopt);
    return torch::jit::MagicMethod("__len__", builtin).call(where, caller, args, kwargs, n_binders);
  }

 private:
  Compilation& compilation_;
};

/// A number that stays known when it is assigned to a variable, as libtorch's own constants do not.
class KnownNumber : public SugaredValue {
 public:
  explicit KnownNumber(int64_t number) : number_(number) {}

  std::string kind() const override {
    return "number";
  }
  Value* asValue(const SourceRange& where, GraphFunction& caller) override {
    return torch::jit::insertConstant(*caller.graph(), number_, where);
  }

 private:
  int64_t number_;
};

class UnrolledRangeValue : public SugaredValue {
 public:
  std::string kind() const override {
    return "range";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments args, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    std::vector<int64_t> bounds;
    for (const NamedValue& arg : args) {
      const auto known = constant_of(arg.value(*caller.graph()));
      if (!known || !known->isInt()) {
        return std::make_shared<torch::jit::RangeValue>(where, caller, torch::jit::toValues(*caller.graph(), args));
      }
      bounds.push_back(known->toInt());
    }
    const int64_t start = bounds.size() > 1 ? bounds[0] : 0;
    const int64_t end = bounds.empty() ? 0 : bounds[bounds.size() > 1 ? 1 : 0];
    const int64_t step = bounds.size() > 2 ? bounds[2] : 1;
    if (bounds.empty() || step == 0 || (end - start) / step > static_cast<int64_t>(kLongestUnrolled)) {
      return std::make_shared<torch::jit::RangeValue>(where, caller, torch::jit::toValues(*caller.graph(), args));
    }
    std::vector<SugaredValuePtr> turns;
    for (int64_t i = start; step > 0 ? i < end : i > end; i += step) {
      turns.push_back(std::make_shared<KnownNumber>(i));
    }
    return std::make_shared<SugaredTupleValue>(std::move(turns));
  }
};

/// `torch.jit.is_scripting()` and `is_tracing()`, decided.
class ModeValue : public SugaredValue {
 public:
  explicit ModeValue(bool answer) : answer_(answer) {}

  std::string kind() const override {
    return "mode";
  }
  SugaredValuePtr call(const SourceRange& where, GraphFunction& caller, Arguments /*args*/, Arguments /*kwargs*/,
                       size_t /*n_binders*/) override {
    return simple(torch::jit::insertConstant(*caller.graph(), answer_, where));
  }

 private:
  bool answer_;
};

bool is_arithmetic(c10::Symbol kind) {
  static const std::set<c10::Symbol> kKinds = {
      c10::aten::add, c10::aten::sub, c10::aten::mul, c10::aten::floordiv, c10::aten::remainder, c10::aten::neg,
      c10::aten::eq,  c10::aten::ne,  c10::aten::lt,  c10::aten::le,       c10::aten::gt,        c10::aten::ge};
  return kKinds.count(kind) == 1 || kind == c10::Symbol::fromQualString("bertjit::pow");
}

}  // namespace

std::optional<c10::IValue> constant_of(const Value* value) {
  const torch::jit::Node* node = value->node();
  if (node->kind() == c10::prim::Constant) {
    const auto known = torch::jit::toIValue(value);
    return known && (known->isScalar() || known->isString() || known->isNone()) ? known : std::nullopt;
  }
  if (!is_arithmetic(node->kind())) {
    return std::nullopt;
  }
  torch::jit::Stack stack;
  for (const Value* input : node->inputs()) {
    auto known = constant_of(input);
    if (!known) {
      return std::nullopt;
    }
    stack.push_back(std::move(*known));
  }
  try {
    node->getOperation()(stack);
  } catch (const std::exception&) {
    return std::nullopt;  // 1 // 0: fails where it is run
  }
  return stack.empty() ? std::nullopt : std::make_optional(stack.back());
}

SugaredValuePtr splat_value(const std::string& stars) {
  return std::make_shared<SplatValue>(stars);
}

SugaredValuePtr compare_value(const std::string& comparison) {
  return std::make_shared<CompareValue>(c10::Symbol::aten(comparison));
}

SugaredValuePtr len_value(Compilation& compilation) {
  return std::make_shared<LenValue>(compilation);
}

SugaredValuePtr unrolled_range_value() {
  return std::make_shared<UnrolledRangeValue>();
}

SugaredValuePtr is_mode_value(const Compilation& compilation, bool tracing) {
  return std::make_shared<ModeValue>(tracing == compilation.tracing());
}

}  // namespace bertjit
