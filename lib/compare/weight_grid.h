// Whether numbers lie on a grid: what is left of weights that were quantized and written as floats again.
#pragma once

#include <optional>
#include <span>

#include <ATen/core/Tensor.h>

namespace bertjit {

/// The numbers are whole multiples of `step`, the greatest being `steps` of them.
struct NumberGrid {
  double step = 0;
  int steps = 0;
};

/// The coarsest grid of at most `most_steps` steps on each side of zero that all of `values` lie on, up to float32's
/// rounding; nullopt if there is none, or all are zero. Two numbers lie on some grid by chance, twenty do not.
std::optional<NumberGrid> find_grid(std::span<const double> values, int most_steps = 255);

/// How a tensor lies on grids.
enum class GridShape {
  kNone,
  kPerTensor,   ///< one step for all of it
  kPerChannel,  ///< one for each first index
};

/// Whether the elements of a float32 or float64 tensor are those of an 8-bit quantization. Other dtypes are too coarse
/// to tell, and so are tensors of fewer than 16 elements, or of rows of fewer than 16: kNone. So is a tensor of one
/// number.
GridShape find_grid_shape(const at::Tensor& tensor);

}  // namespace bertjit
