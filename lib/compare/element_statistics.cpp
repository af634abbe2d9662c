#include "compare/element_statistics.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace bertjit {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// Keeps the multiplication that stands in for a division per element from losing a new maximum to rounding.
constexpr double kNearlyOne = 1 - 1e-14;

double relative_error(double abs_error, double expected) {
  return abs_error == 0 ? 0 : abs_error / std::fabs(expected);
}

/// The smallest atol with abs_error <= atol + slack. The difference is rounded, so it may have to go up a step.
double atol_to_pass(double abs_error, double slack) {
  double atol = abs_error - slack;
  while (atol + slack < abs_error) {
    atol = std::nextafter(atol, kInfinity);
  }
  return atol;
}

}  // namespace

void ElementStatistics::add_extremes(double expected, double actual, double error, int64_t position) {
  abs_error.offer(error, position, expected, actual);
  rel_error.offer(relative_error(error, expected), position, expected, actual);
}

void ElementStatistics::add_mismatch(double expected, double actual, double error, int64_t position) {
  ++mismatched;
  mismatched_abs_error.offer(error, position, expected, actual);
  mismatched_rel_error.offer(relative_error(error, expected), position, expected, actual);
}

void ElementStatistics::add_non_finite_pair(double expected, double actual, int64_t position) {
  expected_nans += std::isnan(expected);
  actual_nans += std::isnan(actual);
  expected_infs += std::isinf(expected);
  actual_infs += std::isinf(actual);
  const bool both_nan = std::isnan(expected) && std::isnan(actual);
  if (expected == actual || (equal_nan && both_nan)) {
    ++non_finite_matches;
    add_extremes(expected, actual, 0, position);
    return;
  }
  const double error = std::fabs(actual - expected);
  needed_atol = kInfinity;
  sums.add(expected, actual, error);
  add_extremes(expected, actual, error, position);
  add_mismatch(expected, actual, error, position);
}

void ElementStatistics::add(std::span<const double> expected, std::span<const double> actual) {
  ErrorSums finite_sums;  // local, so that it stays in registers: members might alias the spans
  for (size_t i = 0; i < expected.size(); ++i) {
    const double e = expected[i];
    const double a = actual[i];
    const int64_t position = elements + static_cast<int64_t>(i);
    const double error = std::fabs(a - e);
    const double magnitude = std::fabs(e);
    if (!std::isfinite(e) || !std::isfinite(a)) {
      add_non_finite_pair(e, a, position);
      continue;
    }
    finite_sums.add(e, a, error);
    if (error > abs_error.error || !(error < kNearlyOne * rel_error.error * magnitude)) {
      add_extremes(e, a, error, position);
    }
    const double slack = rtol * magnitude;
    if (!(error <= needed_atol + slack)) {
      needed_atol = atol_to_pass(error, slack);
    }
    if (!(error <= atol + slack)) {
      add_mismatch(e, a, error, position);
    }
  }
  sums.abs_error += finite_sums.abs_error;
  sums.squared_error += finite_sums.squared_error;
  sums.expected_squared += finite_sums.expected_squared;
  sums.actual_squared += finite_sums.actual_squared;
  sums.product += finite_sums.product;
  elements += static_cast<int64_t>(expected.size());
}

void ElementStatistics::add(std::span<const int64_t> expected, std::span<const int64_t> actual) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const auto [low, high] = std::minmax(expected[i], actual[i]);
    const uint64_t distance = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
    const auto e = static_cast<double>(expected[i]);
    const auto a = static_cast<double>(actual[i]);
    const auto error = static_cast<double>(distance);
    const int64_t position = elements + static_cast<int64_t>(i);
    sums.add(e, a, error);
    add_extremes(e, a, error, position);
    if (distance != 0) {
      needed_atol = kInfinity;
      add_mismatch(e, a, error, position);
    }
  }
  elements += static_cast<int64_t>(expected.size());
}

double ElementStatistics::mean_abs_error() const {
  return sums.abs_error / static_cast<double>(elements);
}

double ElementStatistics::cosine() const {
  if (sums.expected_squared == 0 || sums.actual_squared == 0) {
    return sums.expected_squared == sums.actual_squared ? 1 : 0;
  }
  return sums.product / (std::sqrt(sums.expected_squared) * std::sqrt(sums.actual_squared));
}

double ElementStatistics::sqnr_db() const {
  return sums.squared_error == 0 ? kInfinity : 10 * std::log10(sums.expected_squared / sums.squared_error);
}

}  // namespace bertjit
