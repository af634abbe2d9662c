// Two weights of one shape, element by element in float64, in pieces: what a relation between them is told by.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace bertjit {

/// Everything one pass over a pair yields.
struct WeightPairSums {
  int64_t elements = 0;
  int64_t differing = 0;
  int64_t first = -1, last = -1;  ///< positions of the first and last that differ
  double first_expected = 0, first_actual = 0;
  std::vector<int64_t> rows;         ///< first indices under which something differs
  std::vector<int64_t> columns;      ///< last indices, of matrices
  int64_t nans = 0, infinities = 0;  ///< in actual, where expected is finite
  int64_t zeroed = 0, negated = 0;   ///< among those that differ
  int64_t actual_zeros = 0;
  double greatest_zeroed = 0, least_kept = 0;  ///< of |expected|: those that became 0, and those that did not
  double greatest_actual = 0;
  double least_expected = 0, least_actual = 0;  ///< and greatest: whether all is one number
  double greatest_expected = 0, most_actual = 0;
  double e = 0, a = 0, ee = 0, aa = 0, ea = 0, dd = 0;  ///< sums, of squares, of products, of squared differences
  double differing_ee = 0;                              ///< of squares of expected, where they differ

  double relative_error() const;
  double correlation() const;
};

/// Floating tensors of one shape with elements. Keeps contiguous ones as they are.
class WeightPair {
 public:
  WeightPair(const at::Tensor& expected, const at::Tensor& actual);

  const at::Tensor& expected() const {
    return expected_;
  }
  const at::Tensor& actual() const {
    return actual_;
  }
  /// Elements under one first index; 1 for a vector.
  int64_t row_size() const {
    return row_size_;
  }
  int64_t rows() const {
    return elements_ / row_size_;
  }
  int64_t elements() const {
    return elements_;
  }

  WeightPairSums sums() const;
  /// Whether every pair passes; stops at the first piece with one that does not.
  bool all(const std::function<bool(double expected, double actual)>& test) const;
  /// Whether `actual` is `expected` rounded to `narrow`, in its own dtype.
  bool is_rounded_to(at::ScalarType narrow) const;

 private:
  /// Calls `visit(expected, actual, first, count)` for each piece until it returns false.
  void visit(const std::function<bool(const double*, const double*, int64_t, int64_t)>& visit) const;

  at::Tensor expected_, actual_;  ///< as one dimension
  int64_t elements_, row_size_;
};

}  // namespace bertjit
