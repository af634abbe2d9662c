// Where the code of a TorchScript module came from: file names, lines and call stacks in its .debug_pkl records.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// Forgets where every node came from, in the methods of the module and its submodules, in the functions they call and
/// in nested blocks. What is computed stays; errors at run time no longer point to source.
///
/// Other modules that share code with this one forget it too. libtorch still writes .debug_pkl records, which then
/// name no file and are the same wherever the module was made.
void strip_debug_info(const torch::jit::Module& module);

}  // namespace bertjit
