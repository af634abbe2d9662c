// One pass over pairs of elements: everything a TensorComparison says about values.
#pragma once

#include <cmath>
#include <cstdint>
#include <span>

namespace bertjit {

/// The element at which some error is greatest. A NaN is greater than every number; the first one stays, as in
/// torch.max.
struct GreatestError {
  double error = -1;  ///< below every error, so that the first element is taken even where all are equal
  int64_t position = 0;
  double expected = 0;
  double actual = 0;

  void offer(double candidate, int64_t at, double expected_element, double actual_element) {
    if (candidate > error || (std::isnan(candidate) && !std::isnan(error))) {
      *this = {candidate, at, expected_element, actual_element};
    }
  }
};

/// What mean error, cosine and SQNR are made from.
struct ErrorSums {
  double abs_error = 0;
  double squared_error = 0;
  double expected_squared = 0;
  double actual_squared = 0;
  double product = 0;

  void add(double expected, double actual, double error) {
    abs_error += error;
    squared_error += error * error;
    expected_squared += expected * expected;
    actual_squared += actual * actual;
    product += expected * actual;
  }
};

/// Sums and extremes over the pairs seen so far. Elements come in float64 or, so that all of them are exact, int64.
struct ElementStatistics {
  double rtol = 0;
  double atol = 0;
  bool equal_nan = false;

  int64_t elements = 0;
  int64_t mismatched = 0;
  int64_t non_finite_matches = 0;  ///< pairs that passed without a number to compare
  GreatestError abs_error;
  GreatestError rel_error;
  GreatestError mismatched_abs_error;  ///< among the mismatched pairs only, which is what assert_close reports
  GreatestError mismatched_rel_error;
  double needed_atol = 0;
  int64_t expected_nans = 0;
  int64_t actual_nans = 0;
  int64_t expected_infs = 0;
  int64_t actual_infs = 0;
  ErrorSums sums;

  /// Adds pairs of floating elements; the two spans are of one length. Of non-finite ones the same infinity passes and,
  /// with `equal_nan`, NaN against NaN.
  void add(std::span<const double> expected, std::span<const double> actual);

  /// Adds pairs of integers, which pass only if they are equal.
  void add(std::span<const int64_t> expected, std::span<const int64_t> actual);

  double mean_abs_error() const;
  double cosine() const;
  double sqnr_db() const;

 private:
  void add_extremes(double expected, double actual, double error, int64_t position);
  void add_mismatch(double expected, double actual, double error, int64_t position);
  void add_non_finite_pair(double expected, double actual, int64_t position);
};

}  // namespace bertjit
