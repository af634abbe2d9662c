// A recording for devices other than the one it was made on.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// Has what makes a tensor out of none (aten::arange, aten::zeros) take its device from a tensor that the same code has
/// at hand, an argument or a weight, in place of the CPU that was recorded. Where there is no such tensor it stays.
///
/// In place, in all methods of `module` and its parts, which must not have run yet. What moves a tensor to the CPU
/// stays: somebody wrote that.
void free_devices(const torch::jit::Module& module);

}  // namespace bertjit
