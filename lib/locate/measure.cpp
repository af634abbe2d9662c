#include "locate/measure.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "compare/compare.h"

namespace bertjit {

namespace {

/// Below this a value is a score that a mask made minus infinity (-10000 in the first releases): how far below does not
/// count, and beside it the others would not.
constexpr double kMasked = -5e3;

/// A factor nearer to 1 is an error, not a scale.
constexpr double kLeastRescale = 0.01;

bool is_measurable(const at::Tensor& expected, const at::Tensor& actual) {
  const auto last = [](const at::Tensor& tensor) { return tensor.dim() == 0 ? 1 : tensor.size(-1); };
  return expected.defined() && actual.defined() && expected.numel() == actual.numel() && expected.numel() > 0 &&
         last(expected) == last(actual) && expected.is_floating_point() == actual.is_floating_point() &&
         !expected.is_complex() && !actual.is_complex();
}

/// The elements that are not masked in both.
at::Tensor not_masked(const at::Tensor& expected, const at::Tensor& actual) {
  return expected.lt(kMasked).logical_and(actual.lt(kMasked)).logical_not();
}

double relative_error(const TensorComparison& comparison) {
  if (comparison.max_abs_error == 0) {
    return 0;
  }
  // All else that is not a number has no limit.
  return std::isnan(comparison.sqnr_db) ? std::numeric_limits<double>::infinity()
                                        : std::pow(10, -comparison.sqnr_db / 20);
}

Measure measure_all(const at::Tensor& expected, const at::Tensor& actual, double limit) {
  Measure result;
  result.limit = limit;
  const TensorComparison comparison =
      compare_tensors(expected.flatten(), actual.flatten(), Tolerance{.rtol = 0.0, .atol = 0.0});
  result.compared = true;
  result.elements = comparison.elements;
  result.max_abs_error = comparison.max_abs_error;
  result.sqnr_db = comparison.sqnr_db;
  result.error = relative_error(comparison);
  result.good = result.error <= limit;
  if (result.good || !std::isfinite(result.error) || !expected.is_floating_point() || comparison.cosine == 0) {
    return result;
  }
  // The part of `actual` that no multiple of `expected` explains.
  const double rest = std::sqrt(std::max(0.0, 1 / (comparison.cosine * comparison.cosine) - 1));
  const double ratio = actual.to(at::kDouble).norm().item<double>() / expected.to(at::kDouble).norm().item<double>();
  result.factor = std::copysign(ratio, comparison.cosine);
  result.rescaled = rest <= limit && std::abs(result.factor - 1) > kLeastRescale && std::isfinite(ratio);
  return result;
}

}  // namespace

// One step of a clean file (shared corpus: transformers 4 against the networks of lib/models, sdpa against eager) was
// off by 2.4e-7 of the reference at most in float32, which is 2 epsilon, and in float16 against float32 by 6.5e-4, 0.7
// epsilon; for the networks of testdata/ a test holds it to 4.8e-7. The least fault there moves its step by 2e-4: an
// activation's tanh approximation, weights that went through float16. 64 epsilon in float32 leaves room for wider
// layers (errors of a sum grow with the root of its length), 32 in the halves for scores of a few dozen, which the
// softmax turns from absolute errors into relative ones.
double step_limit(at::ScalarType dtype) {
  switch (dtype) {
    case at::kDouble:
      return 64 * std::numeric_limits<double>::epsilon();
    case at::kHalf:
    case at::kBFloat16:
      return 32 * std::pow(2, dtype == at::kHalf ? -10 : -7);
    case at::kFloat:
      return 64 * std::numeric_limits<float>::epsilon();
    default:
      return 0;  // integers are exact
  }
}

Measure measure(const at::Tensor& expected, const at::Tensor& actual, double limit) {
  Measure result;
  result.limit = limit;
  if (!is_measurable(expected, actual)) {
    return result;
  }
  if (expected.is_floating_point() && expected.min().item().toDouble() < kMasked) {
    const at::Tensor left = expected.flatten(), right = actual.flatten(), kept = not_masked(left, right);
    return kept.any().item<bool>() ? measure_all(left.masked_select(kept), right.masked_select(kept), limit) : result;
  }
  return measure_all(expected, actual, limit);
}

}  // namespace bertjit
