// Expressions of a function's text, where Python means something else by them than TorchScript.
//
// Each of these takes a part of the tree whose own parts are rewritten already, and gives it back, or a call of a
// function of sugared_python.h in its place.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <torch/csrc/jit/frontend/tree_views.h>

#include "script/compile.h"

namespace bertjit {

/// + "sum", "op_add", "hold_1", …
inline constexpr std::string_view kPythonPrefix = "__bertjit_py_";

/// `function(arguments)`.
torch::jit::Expr call_of(const torch::jit::SourceRange& range, const std::string& function,
                         const std::vector<torch::jit::Expr>& arguments);
/// `apply` as a call of `function`.
torch::jit::Apply with_callee(const torch::jit::Apply& apply, const std::string& function);

class ExpressionRewriter {
 public:
  /// `self`: the instance whose method `def` is; nullptr for a function.
  ExpressionRewriter(const torch::jit::Def& def, const PythonScope& scope, CompileMode mode,
                     const InstanceObject* self);

  /// `a + b` and its kin; `tree` itself if it is none. kTrace.
  torch::jit::TreeRef binary(const torch::jit::TreeRef& tree) const;
  /// `a += b` as `a = …`; in place, but for variables that begin as `numbers`. kTrace.
  torch::jit::TreeRef augmented(const torch::jit::TreeRef& tree, const std::set<std::string>& numbers) const;
  /// `a and b` with the value of one of them. `tree` is rewritten below.
  torch::jit::TreeRef choice(const torch::jit::TreeRef& tree);
  /// A condition with Python's truth of lists, text and None. kTrace.
  torch::jit::TreeRef truth(const torch::jit::TreeRef& tree) const;
  /// Builtins of Python, and methods that Python's torch has in Python.
  torch::jit::TreeRef call(const torch::jit::Apply& apply) const;
  /// What a loop goes over. kTrace.
  torch::jit::Expr iterable(const torch::jit::Expr& expr) const;
  /// `a, b = x` of a tensor. kTrace.
  torch::jit::TreeRef unpacked(const torch::jit::TreeRef& assign) const;
  /// `with torch.set_grad_enabled(False)`.
  torch::jit::TreeRef context(const torch::jit::TreeRef& item) const;

 private:
  bool tracing() const {
    return mode_ == CompileMode::kTrace;
  }
  bool is_value(const torch::jit::Expr& expr) const;
  bool is_dtype(const torch::jit::Expr& expr) const;
  std::optional<std::string> builtin(const torch::jit::Apply& apply) const;
  torch::jit::TreeRef method(const torch::jit::Apply& apply) const;
  static torch::jit::Expr numbers(const torch::jit::Expr& list);

  const PythonScope& scope_;
  CompileMode mode_;
  const InstanceObject* self_;
  std::string self_name_;
  std::set<std::string> locals_;
  std::set<std::string> dtypes_;  ///< locals that a dtype is assigned to
  int choices_ = 0;
};

}  // namespace bertjit
