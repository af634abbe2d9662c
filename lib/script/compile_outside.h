// What evaluated code may say and compiled code may not.
#pragma once

#include <torch/csrc/jit/frontend/tree_views.h>

namespace bertjit {

/// `raise`, `assert` and `print` with `{value!r:>8}` of their message said as `{value}`: TorchScript has no formats.
/// Any other tree as it is.
torch::jit::TreeRef with_plain_message(const torch::jit::TreeRef& tree);

/// Throws Error(kInvalidArgument), with the way out, for what TorchScript's parser takes, or rewriting made
/// (python_rewrite.h), and the compiler has nothing for: formats, filtered comprehensions, functions in functions.
void refuse_outside(const torch::jit::TreeRef& tree);

}  // namespace bertjit
