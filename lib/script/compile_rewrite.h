// The text of a function as the compiler is given it: types set, defaults gone, and what only tracing may say said in
// TorchScript's words.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <torch/csrc/jit/frontend/tree_views.h>

#include "script/compile.h"

namespace bertjit {

/// Names that stand in rewritten text for functions of the compiler's surroundings; no Python name begins so.
inline constexpr std::string_view kTypePrefix = "__bertjit_type_";        ///< + the number of a type
inline constexpr std::string_view kSplatPrefix = "__bertjit_splat_";      ///< + "0" or "1" an argument: is it starred?
inline constexpr std::string_view kComparePrefix = "__bertjit_compare_";  ///< + "eq", "lt", …

inline constexpr std::string_view kSlicePrefix = "__bertjit_slice_";  ///< + the name of a container that self has
inline constexpr std::string_view kLenName = "__bertjit_len";
inline constexpr std::string_view kRangeName = "__bertjit_range";

/// The body with annotations in the type parser's names, `super(X, self)` as `super()`, `for a, b in` with one target,
/// and `self.layers[1:]` through a function: libtorch 2.13 takes the wrong submodules there (each the last of the
/// slice). For tracing also: `f(a, *b)` as `f(*splat(a, b))`, which knows what a list is when its type is known;
/// comparisons in conditions through a function that decides those of constants, so that a branch Python never takes
/// need not compile; and `for i in range(n)` turn by turn where `self.layers[i]` asks for an `i` that is known.
///
/// `self`: the instance whose method this is; nullptr for a function.
/// `widened`: variables that are a number or None first and a Tensor in a branch or loop: `total = 0` above a loop is
/// the tensor 0 then, `loss = None` an Optional[Tensor]. kTrace refuses others, in libtorch's words
/// (variable_rewrite.h).
torch::jit::Def rewrite_body(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode,
                             const InstanceObject* self, const std::set<std::string>& widened);

/// How a parameter is declared.
struct ParameterDeclaration {
  std::string name;
  std::optional<torch::jit::Expr> type;
};

/// `def` with these in place of its own parameters, one for one, without defaults; those without a value are left out.
torch::jit::Def with_parameters(const torch::jit::Def& def,
                                const std::vector<std::optional<ParameterDeclaration>>& parameters,
                                const std::optional<torch::jit::Expr>& return_type);

/// "*args" -> 1, "**kwargs" -> 2, others 0: as the evaluator names such parameters.
size_t star_count(const std::string& parameter);

}  // namespace bertjit
