// How far one value of the module is from the reference's, and whether rounding explains it.
#pragma once

#include <cstdint>

#include <ATen/ATen.h>

namespace bertjit {

struct Measure {
  bool compared = false;  ///< both are tensors of as many elements, and not of minus infinities
  bool good = false;
  bool rescaled = false;  ///< bad, but the reference's times `factor`
  double factor = 1;
  double error = 0;  ///< |actual - expected| / |expected|, in the Euclidean norm
  double limit = 0;  ///< what is good
  double max_abs_error = 0;
  double sqnr_db = 0;
  int64_t elements = 0;
};

/// What one step may be off by, if it was done in `dtype` on exact inputs.
double step_limit(at::ScalarType dtype);

/// Compares two values of one point. [batch * seq, hidden] and [batch, seq, hidden] are the same.
Measure measure(const at::Tensor& expected, const at::Tensor& actual, double limit);

}  // namespace bertjit
