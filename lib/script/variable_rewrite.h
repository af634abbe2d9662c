// Variables of a function's text that TorchScript's compiler does not take as Python does.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>

#include <torch/csrc/jit/frontend/tree_views.h>

namespace bertjit {

/// The variable that an error of the compiler asks to be widened (rewrite_body).
std::optional<std::string> widened_variable(const std::string& message);

class VariableRewriter {
 public:
  /// Borrows `widened`.
  VariableRewriter(const torch::jit::Def& def, const std::set<std::string>& widened);

  const std::set<std::string>& widened() const {
    return widened_;
  }
  /// An assignment, `depth` branches and loops deep, to a variable that is, or may have to be, widened. Other
  /// statements as they are.
  torch::jit::TreeRef assignment(const torch::jit::TreeRef& tree, int depth) const;
  /// What may be None to TorchScript, and is not where it is used.
  torch::jit::Expr present(const torch::jit::Expr& expr) const;

 private:
  const std::set<std::string>& widened_;
  std::set<std::string> numbers_;  ///< variables that a number is assigned to
};

/// + the name of a parameter that is no argument, if libtorch's compiler has a builtin of that name, which would hide
/// it: `sorted`, `max`.
inline constexpr std::string_view kRenamedPrefix = "__bertjit_constant_";
torch::jit::Def with_renamed(const torch::jit::Def& def, const std::string& parameter);

}  // namespace bertjit
