// One pass over a weight: the numbers that none should hold, and what its numbers say of their past.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

namespace bertjit {

struct WeightScan {
  int64_t elements = 0;
  int64_t nans = 0;
  int64_t infinities = 0;
  int64_t first_non_finite = -1;  ///< first index of the first one
  int64_t denormals = 0;
  bool varies = false;             ///< not all one number
  std::vector<int64_t> zero_rows;  ///< first indices, of matrices
  int64_t zero_columns = 0;
  bool is_zero = false;
  /// Of a wider dtype, but every number is one of float16's, or bfloat16's.
  bool fits_float16 = false;
  bool fits_bfloat16 = false;

  bool is_finite() const {
    return nans + infinities == 0;
  }
};

/// Scans a floating tensor on the CPU; of a dtype that is none of float16, bfloat16, float32 and float64 only the
/// number of elements is told. Reads bits, no copy but of a tensor with gaps between its elements.
WeightScan scan_weight(const at::Tensor& tensor);

}  // namespace bertjit
