// How far two elements may be apart: torch.testing.assert_close's rule.
#pragma once

#include <optional>

namespace bertjit {

/// An element passes if |actual - expected| <= atol + rtol * |expected|.
///
/// An unset value is assert_close's default for the dtype, the looser one if the two tensors differ in it:
///
///     float16  rtol 1e-3    atol 1e-5        float32  rtol 1.3e-6  atol 1e-5
///     bfloat16 rtol 1.6e-2  atol 1e-5        float64  rtol 1e-7    atol 1e-7
///
/// Integers and bool are compared exactly, whatever is set here: a relative tolerance on token ids would let a wrong
/// token through.
struct Tolerance {
  std::optional<double> rtol;
  std::optional<double> atol;
  /// Lets NaN pass against NaN; for outputs that are undefined on purpose, such as the mean of no rows.
  bool equal_nan = false;
  /// Set: floating tensors pass if their signal to noise ratio is at least this, whatever single elements do. For what
  /// is quantized, where every element is off by a part of the tensor's range.
  std::optional<double> min_sqnr_db = std::nullopt;
};

}  // namespace bertjit
