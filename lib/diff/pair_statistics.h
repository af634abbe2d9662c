// One pass over pairs of elements: what DiffTensor says of values, in pieces that several threads measure.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "diff/diff_result.h"
#include "diff/elements.h"

namespace bertjit {

/// Sums and extremes over a run of elements. Two neighbouring runs add up to what one pass over both would give, but
/// for the rounding of sums; runs of fixed lengths, added from left to right, make it independent of threads.
class PairStatistics {
 public:
  /// Measures the elements [begin, end) of two tensors of one shape whose rows (first index) have `row_size` elements.
  /// If `same_bits`, elements differ by their bits, else by their values; a NaN equals a NaN.
  static PairStatistics measure(const ElementReader& reader_a, std::span<const std::byte> a,
                                const ElementReader& reader_b, std::span<const std::byte> b, bool same_bits,
                                int64_t row_size, int64_t begin, int64_t end);

  /// Appends the run that follows this one.
  void append(const PairStatistics& next);

  /// Fills what DiffTensor measures, but for `flipped_bits`.
  void write(const std::vector<int64_t>& shape, DiffTensor& tensor) const;

  int64_t differing() const {
    return differing_;
  }
  int64_t first_position() const {
    return first_.position;
  }

 private:
  struct At {
    double error = -1;
    int64_t position = 0;
    double a = 0, b = 0;
  };
  void add(double a, double b, bool differs, int64_t position, int64_t row);
  static void offer(At& greatest, const At& candidate);

  int64_t elements_ = 0;
  int64_t differing_ = 0;
  int64_t rows_ = 0;
  int64_t first_row_ = -1, last_row_ = -1;  ///< among the differing ones
  At first_, abs_, rel_;
  double abs_sum_ = 0, error_squared_ = 0, a_squared_ = 0, b_squared_ = 0, product_ = 0;
  int64_t sign_changes_ = 0;
  int64_t nan_a_ = 0, nan_b_ = 0, inf_a_ = 0, inf_b_ = 0, zeros_a_ = 0, zeros_b_ = 0;
};

}  // namespace bertjit
