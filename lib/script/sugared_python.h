// What Python's own operators and builtins do, where TorchScript's of the same name do something else.
//
// `sum(x)` of a tensor adds up its rows, `a or b` is one of the two, `True * x` is a tensor. Rewritten text
// (expression_rewrite.h) calls these in place of what TorchScript would take; they see the types of the values and emit
// what Python's tracer records.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <torch/csrc/jit/frontend/sugared_value.h>

#include "script/compile_context.h"

namespace bertjit {

/// Values that `a or b` has evaluated and may be in need of again, by the number in the text.
using HeldValues = std::map<std::string, torch::jit::Value*>;

/// The function that `name` stands for: "sum", "or_3", …; nullptr for a name that rewriting does not write.
/// Borrows `held`.
torch::jit::SugaredValuePtr python_value(Compilation& compilation, HeldValues& held, const std::string& name);

/// Where and into what functions below emit.
struct Emission {
  torch::jit::GraphFunction& function;
  const torch::jit::SourceRange& where;

  torch::jit::Graph& graph() const {
    return *function.graph();
  }
  torch::jit::Value* constant(const c10::IValue& value) const;
  /// Calls the builtin of that name.
  torch::jit::Value* call(c10::Symbol symbol, const std::vector<torch::jit::Value*>& arguments) const;
};

/// What may be None, where it is used as what it is otherwise; other values as they are.
torch::jit::Value* emit_present(const Emission& emission, torch::jit::Value* value);
/// `left op right`, as Python does it: "add", "mul", "floordiv", "lt", …
torch::jit::Value* emit_binary(const Emission& emission, const std::string& op, torch::jit::Value* left,
                               torch::jit::Value* right);
/// `left op= right`: in place for tensors and lists.
torch::jit::Value* emit_augmented(const Emission& emission, const std::string& op, torch::jit::Value* left,
                                  torch::jit::Value* right);
/// bool(value), a constant where it is known; `value` itself where TorchScript's own rule is Python's.
torch::jit::Value* emit_truth(const Emission& emission, torch::jit::Value* value);
/// A tensor as the list that iterating over it gives; other values as they are.
torch::jit::Value* emit_iterable(const Emission& emission, torch::jit::Value* value);

/// sum, max, min, any, all of Python. `values` are the arguments.
torch::jit::Value* emit_sum(const Emission& emission, const std::vector<torch::jit::Value*>& values);
torch::jit::Value* emit_extreme(const Emission& emission, const std::string& name,
                                const std::vector<torch::jit::Value*>& values);
torch::jit::Value* emit_any_all(const Emission& emission, const std::string& name, torch::jit::Value* values);
/// len() of text: its characters, where TorchScript counts bytes. kTrace.
torch::jit::Value* emit_length(const Emission& emission, torch::jit::Value* text);
/// The product of numbers, as math.prod and Size.numel have it.
torch::jit::Value* emit_product(const Emission& emission, torch::jit::Value* values);

/// math.log2 and others that TorchScript has not; kTrace only. nullptr for other names. Also "finfo", "iinfo".
torch::jit::SugaredValuePtr python_function(const std::string& path);

/// A function of values that is written in C++.
using Emit = std::function<torch::jit::Value*(const Emission&, const std::vector<torch::jit::Value*>&)>;
/// It as a value that can be called with `least` to `most` arguments.
torch::jit::SugaredValuePtr emitted(const std::string& name, size_t least, size_t most, Emit emit);
constexpr size_t kAny = 64;  ///< arguments

/// What stands behind `prefix` in `name`.
std::optional<std::string> after(const std::string& name, std::string_view prefix);
/// A number as a float or an int.
torch::jit::Value* as_type(const Emission& emission, torch::jit::Value* value, c10::TypeKind kind);

bool is_tensor_type(const torch::jit::Value* value);
bool is_number_type(const torch::jit::Value* value);  ///< int, float, Scalar, bool
/// The element type of a list; nullptr for what is none.
c10::TypePtr element_type(const torch::jit::Value* value);

}  // namespace bertjit
