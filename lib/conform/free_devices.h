// A recording for devices other than the one it was made on.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// Has operators that were recorded with the CPU as their device take that of a tensor in its place: of their own input
/// (aten::to), or, where they make a tensor out of none (aten::arange), of one that the same code has at hand, an
/// argument or a weight. Where there is no such tensor it stays.
///
/// On the CPU, where the recording was made, nothing changes: all lay there. In place, in all methods of `module` and
/// its parts, which must not have run yet.
void free_devices(const torch::jit::Module& module);

}  // namespace bertjit
