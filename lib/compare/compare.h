// How far one tensor is from another, and whether that is near enough: torch.testing.assert_close's rule and words,
// and beside them the numbers that people ask for next (cosine, SQNR, ULP, the tolerance that would pass).
#pragma once

#include <ATen/ATen.h>

#include "compare/comparison_result.h"
#include "compare/tolerance.h"

namespace bertjit {

/// Measures how far `actual` is from `expected`.
///
/// An element passes if |actual - expected| <= atol + rtol * |expected| (numpy.isclose). The reference is `expected`:
/// swapping the two changes the answer. Both are widened to float64 before the subtraction; two integers are compared
/// exactly. An infinity passes against the same one, NaN against NaN only with Tolerance::equal_nan. Zero elements do
/// not pass, nor do elements of which none is finite: such a reference proves nothing (equal_nan allows that too).
/// A difference of shape or dtype is a mismatch, not an error.
///
/// Both tensors on CPU, any strides, any of bool, (u)int8, int16, int32, int64, float16, bfloat16, float32, float64;
/// quantized ones are compared by what they stand for. Memory: a few hundred KB, and a copy of each tensor that has
/// gaps between its elements. The result's `name` is left empty.
/// Throws Error(kInvalidArgument) if a tolerance is negative or NaN, or a tensor is undefined or not on CPU;
/// Error(kUnsupported) for other dtypes and for sparse tensors, where both have that same dtype.
TensorComparison compare_tensors(const at::Tensor& expected, const at::Tensor& actual, const Tolerance& tolerance);

/// Whether both have the same dtype, shape and bits: NaN equals the same NaN, and 0.0 differs from -0.0. Strides do not
/// matter. Two empty tensors of one dtype and shape are the same.
///
/// Throws Error(kInvalidArgument) if a tensor is undefined or not on CPU, Error(kUnsupported) if one is sparse or
/// quantized.
bool same_bits(const at::Tensor& expected, const at::Tensor& actual);

}  // namespace bertjit
