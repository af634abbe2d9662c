// A module's code once more, to be run or changed without the original's.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// A copy with types, functions and executors of its own, which have not run; tensors are shared.
///
/// Module::clone leaves the original's type in the code wherever a module is handed to another as an argument, as a
/// table is that encoder and decoder share: the copy then runs the original's code there, and what has run keeps it
/// from being changed.
torch::jit::Module copy_module(const torch::jit::Module& module);

}  // namespace bertjit
