// What one weight of a file is to the weight that was expected there, where that has a name: rounded, transposed,
// noise in one row.
//
// lib/diff asks the same of two files, without libtorch and without knowing which of the two is right. Here `expected`
// is right, and the answer is what went wrong on the way.
#pragma once

#include <cstdint>
#include <string>

#include <ATen/core/Tensor.h>

namespace bertjit {

enum class WeightRelation {
  kSame,        ///< the same numbers: the same bits, or in a dtype that holds them, or that `expected` was cut from
  kQuantized,   ///< on an 8-bit grid, each within half a step of what is expected
  kNarrower,    ///< in a narrower dtype, rounded
  kRounded,     ///< in the same dtype, but through a narrower one
  kTransposed,  ///< also of a square one
  kShape,       ///< any other shape
  kNonFinite,   ///< NaN or infinity where a number is expected
  kZeroed,      ///< all 0
  kFilled,      ///< all one number
  kNegated,
  kScaled,         ///< times one factor
  kShifted,        ///< plus one number
  kRowAdded,       ///< a matrix, plus the same row in every row
  kRowsReordered,  ///< the elements of a vector, too
  kColumnsReordered,
  kPruned,     ///< what differs is 0
  kClipped,    ///< what differs is at one bound
  kPart,       ///< one element, one row, one column, some rows in a run
  kNoise,      ///< near what is expected
  kUnrelated,  ///< other numbers
};

/// "same", "quantized", …: frozen words for evidence.
const char* weight_relation_name(WeightRelation relation);

struct WeightDifference {
  WeightRelation relation = WeightRelation::kSame;
  /// What was done, as a verb phrase after the weight's name: "is transposed", "has noise of 0.001 of its size".
  std::string text;
  /// The same without what belongs to one tensor: equal for tensors with one cause ("is times 0.353553").
  std::string cause;
  int64_t elements = 0;
  int64_t differing = 0;
  /// Root mean square of the differences by that of `expected`; NaN where something is not finite or not measured.
  double relative_error = 0;
  double correlation = 1;  ///< Pearson's; NaN where one of the two is one number throughout
};

/// Tells what `actual` is to `expected`.
///
/// Both on the CPU, any strides; floating or integer (the latter are the same, or unrelated); a quantized `actual` is
/// dequantized. Memory: a few pieces of 64 KB in float64, and a copy of a tensor that has gaps between its elements;
/// where numbers were reordered, a hash of each row.
WeightDifference relate_weights(const at::Tensor& expected, const at::Tensor& actual);

/// Pearson's correlation of the first elements, up to 8192, of two tensors of one shape; NaN where there is none.
double correlation_of_sample(const at::Tensor& a, const at::Tensor& b);

}  // namespace bertjit
