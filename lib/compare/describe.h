// Tensors in a few words, for results and messages.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace bertjit {

/// PyTorch's word without "torch.": "float32".
std::string dtype_text(const at::Tensor& tensor);

/// "[2, 3]"; "[]" for a tensor without dimensions.
std::string shape_text(const at::Tensor& tensor);

/// "2 NaN and 1 infinite"; empty if there are none.
std::string non_finite_text(int64_t nans, int64_t infinities);

}  // namespace bertjit
