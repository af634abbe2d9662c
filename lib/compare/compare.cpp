#include "compare/compare.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>

#include "compare/comparison_message.h"
#include "compare/describe.h"
#include "compare/element_statistics.h"
#include "support/error.h"

namespace bertjit {
namespace {

/// Elements widened at a time: two float64 buffers of it stay in the second-level cache.
constexpr int64_t kChunk = 8192;

void require_dense_cpu(const at::Tensor& tensor, const char* role) {
  if (!tensor.defined()) {
    throw Error(ErrorKind::kInvalidArgument, std::string(role) + " tensor is undefined");
  }
  if (!tensor.device().is_cpu()) {
    throw Error(ErrorKind::kInvalidArgument,
                std::string(role) + " tensor is on " + tensor.device().str() + ", comparison needs it on cpu");
  }
  if (tensor.layout() != at::kStrided) {
    throw Error(ErrorKind::kUnsupported, std::string(role) + " tensor is sparse; only dense tensors can be compared");
  }
}

/// Calls `visit` with the tensor's elements as a typed pointer; false, without a call, for a dtype that has no order.
template <class Visit>
bool visit_elements(const at::Tensor& tensor, const Visit& visit) {
  switch (tensor.scalar_type()) {
    case at::kBool:
      visit(tensor.const_data_ptr<bool>());
      return true;
    case at::kByte:
      visit(tensor.const_data_ptr<uint8_t>());
      return true;
    case at::kChar:
      visit(tensor.const_data_ptr<int8_t>());
      return true;
    case at::kShort:
      visit(tensor.const_data_ptr<int16_t>());
      return true;
    case at::kInt:
      visit(tensor.const_data_ptr<int32_t>());
      return true;
    case at::kLong:
      visit(tensor.const_data_ptr<int64_t>());
      return true;
    case at::kHalf:
      visit(tensor.const_data_ptr<at::Half>());
      return true;
    case at::kBFloat16:
      visit(tensor.const_data_ptr<at::BFloat16>());
      return true;
    case at::kFloat:
      visit(tensor.const_data_ptr<float>());
      return true;
    case at::kDouble:
      visit(tensor.const_data_ptr<double>());
      return true;
    default:
      return false;
  }
}

bool is_measurable(const at::Tensor& tensor) {
  return visit_elements(tensor, [](const auto*) {});
}

at::Tensor plain_values(const at::Tensor& tensor) {
  return (tensor.is_quantized() ? tensor.dequantize() : tensor.detach()).contiguous();
}

Tolerance default_tolerance(at::ScalarType dtype) {
  switch (dtype) {
    case at::kHalf:
      return {1e-3, 1e-5};
    case at::kBFloat16:
      return {1.6e-2, 1e-5};
    case at::kFloat:
      return {1.3e-6, 1e-5};
    case at::kDouble:
      return {1e-7, 1e-7};
    default:
      return {0.0, 0.0};
  }
}

double checked_tolerance(double value, const char* name) {
  if (!(value >= 0)) {
    throw Error(ErrorKind::kInvalidArgument,
                std::string(name) + " is " + python_float(value) + ", a tolerance is zero or more");
  }
  return value;
}

bool both_integral(const at::Tensor& expected, const at::Tensor& actual) {
  return at::isIntegralType(expected.scalar_type(), true) && at::isIntegralType(actual.scalar_type(), true);
}

/// The tolerances to use, which are zero for integers. Checks the caller's even where they are not used.
void choose_tolerance(const at::Tensor& expected, const at::Tensor& actual, const Tolerance& tolerance,
                      TensorComparison& result) {
  const Tolerance of_expected = default_tolerance(expected.scalar_type());
  const Tolerance of_actual = default_tolerance(actual.scalar_type());
  const double rtol = checked_tolerance(tolerance.rtol.value_or(std::max(*of_expected.rtol, *of_actual.rtol)), "rtol");
  const double atol = checked_tolerance(tolerance.atol.value_or(std::max(*of_expected.atol, *of_actual.atol)), "atol");
  const bool exact = both_integral(expected, actual);
  result.rtol = exact ? 0 : rtol;
  result.atol = exact ? 0 : atol;
  result.equal_nan = tolerance.equal_nan;
  if (!exact) {
    result.min_sqnr_db = tolerance.min_sqnr_db;
  }
}

template <class Wide>
void widen(const at::Tensor& tensor, int64_t begin, std::span<Wide> out) {
  visit_elements(tensor, [&](const auto* elements) {
    for (size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<Wide>(elements[begin + static_cast<int64_t>(i)]);
    }
  });
}

template <class Wide>
void add_elements(const at::Tensor& expected, const at::Tensor& actual, ElementStatistics& statistics) {
  std::vector<Wide> expected_chunk(kChunk);
  std::vector<Wide> actual_chunk(kChunk);
  for (int64_t begin = 0; begin < expected.numel(); begin += kChunk) {
    const auto count = static_cast<size_t>(std::min(kChunk, expected.numel() - begin));
    const std::span<Wide> expected_part = std::span(expected_chunk).first(count);
    const std::span<Wide> actual_part = std::span(actual_chunk).first(count);
    widen<Wide>(expected, begin, expected_part);
    widen<Wide>(actual, begin, actual_part);
    statistics.add(expected_part, actual_part);
  }
}

/// The element's rank among all of its type, so that neighbours differ by one and both zeros are 0.
template <class Bits>
int64_t rank(Bits bits) {
  return bits >= 0 ? int64_t{bits} : static_cast<int64_t>(std::numeric_limits<Bits>::min()) - bits;
}

template <class Element, class Bits>
int64_t greatest_ulp(const at::Tensor& expected, const at::Tensor& actual) {
  const auto* expected_elements = expected.const_data_ptr<Element>();
  const auto* actual_elements = actual.const_data_ptr<Element>();
  uint64_t greatest = 0;
  for (int64_t i = 0; i < expected.numel(); ++i) {
    const Element e = expected_elements[i];
    const Element a = actual_elements[i];
    if (e == a || std::isnan(static_cast<double>(e)) || std::isnan(static_cast<double>(a))) {
      continue;
    }
    const int64_t expected_rank = rank(std::bit_cast<Bits>(e));
    const int64_t actual_rank = rank(std::bit_cast<Bits>(a));
    const auto [low, high] = std::minmax(expected_rank, actual_rank);
    greatest = std::max(greatest, static_cast<uint64_t>(high) - static_cast<uint64_t>(low));
  }
  return static_cast<int64_t>(std::min<uint64_t>(greatest, INT64_MAX));
}

int64_t max_ulp(const at::Tensor& expected, const at::Tensor& actual) {
  if (expected.scalar_type() != actual.scalar_type()) {
    return 0;
  }
  switch (expected.scalar_type()) {
    case at::kHalf:
      return greatest_ulp<at::Half, int16_t>(expected, actual);
    case at::kBFloat16:
      return greatest_ulp<at::BFloat16, int16_t>(expected, actual);
    case at::kFloat:
      return greatest_ulp<float, int32_t>(expected, actual);
    case at::kDouble:
      return greatest_ulp<double, int64_t>(expected, actual);
    default:
      return 0;
  }
}

ElementPair pair_at(const GreatestError& error, const std::vector<int64_t>& shape) {
  return {unravel_index(error.position, shape), error.expected, error.actual};
}

ElementKind element_kind(const at::Tensor& expected, const at::Tensor& actual) {
  if (!both_integral(expected, actual)) {
    return ElementKind::kFloat;
  }
  const bool both_bool = expected.scalar_type() == at::kBool && actual.scalar_type() == at::kBool;
  return both_bool ? ElementKind::kBool : ElementKind::kInteger;
}

void add_message(TensorComparison& result, Mismatch mismatch, const std::string& message) {
  if (result.mismatch == Mismatch::kNone) {
    result.mismatch = mismatch;
  }
  result.message += (result.message.empty() ? "" : "\n\n") + message;
}

/// Fills in everything from `elements` on. Both tensors have one shape, no gaps, and at least one element.
void measure(const at::Tensor& expected, const at::Tensor& actual, TensorComparison& result) {
  ElementStatistics statistics;
  statistics.rtol = result.rtol;
  statistics.atol = result.atol;
  statistics.equal_nan = result.equal_nan;
  if (both_integral(expected, actual)) {
    add_elements<int64_t>(expected, actual, statistics);
  } else {
    add_elements<double>(expected, actual, statistics);
  }

  const std::vector<int64_t> shape = expected.sizes().vec();
  result.elements = statistics.elements;
  result.mismatched_elements = statistics.mismatched;
  result.max_abs_error = statistics.abs_error.error;
  result.max_abs_at = pair_at(statistics.abs_error, shape);
  result.max_rel_error = statistics.rel_error.error;
  result.max_rel_at = pair_at(statistics.rel_error, shape);
  result.mean_abs_error = statistics.mean_abs_error();
  result.cosine = statistics.cosine();
  result.sqnr_db = statistics.sqnr_db();
  result.max_ulp = max_ulp(expected, actual);
  result.smallest_passing_atol = statistics.needed_atol;
  result.expected_nan_count = statistics.expected_nans;
  result.actual_nan_count = statistics.actual_nans;
  result.expected_inf_count = statistics.expected_infs;
  result.actual_inf_count = statistics.actual_infs;
  if (result.min_sqnr_db) {
    // NaN is no ratio, and does not pass.
    if (!(result.sqnr_db >= *result.min_sqnr_db)) {
      add_message(result, Mismatch::kValues, noise_message(result.sqnr_db, *result.min_sqnr_db));
    }
  } else if (statistics.mismatched > 0) {
    add_message(result, Mismatch::kValues, values_message(statistics, shape, element_kind(expected, actual)));
  } else if (!result.equal_nan && statistics.non_finite_matches == statistics.elements) {
    add_message(result, Mismatch::kEmpty, "Tensor-likes have no finite elements: nothing was compared.");
  }
}

void compare_values(const at::Tensor& expected, const at::Tensor& actual, TensorComparison& result) {
  if (expected.numel() == 0) {
    add_message(result, Mismatch::kEmpty, "Tensor-likes have no elements: nothing was compared.");
    return;
  }
  const at::Tensor expected_values = plain_values(expected);
  const at::Tensor actual_values = plain_values(actual);
  if (is_measurable(expected_values) && is_measurable(actual_values)) {
    measure(expected_values, actual_values, result);
  } else if (result.mismatch == Mismatch::kNone) {
    throw Error(ErrorKind::kUnsupported, "tensors are " + result.expected_dtype + ", which cannot be compared");
  }
}

}  // namespace

TensorComparison compare_tensors(const at::Tensor& expected, const at::Tensor& actual, const Tolerance& tolerance) {
  require_dense_cpu(expected, "expected");
  require_dense_cpu(actual, "actual");
  TensorComparison result;
  result.expected_dtype = dtype_text(expected);
  result.actual_dtype = dtype_text(actual);
  result.expected_shape = shape_text(expected);
  result.actual_shape = shape_text(actual);
  choose_tolerance(expected, actual, tolerance, result);

  if (expected.sizes() != actual.sizes()) {
    add_message(result, Mismatch::kShape,
                attribute_message("shape", "torch.Size(" + result.expected_shape + ")",
                                  "torch.Size(" + result.actual_shape + ")"));
  }
  if (expected.scalar_type() != actual.scalar_type()) {
    add_message(result, Mismatch::kDType,
                attribute_message("dtype", "torch." + result.expected_dtype, "torch." + result.actual_dtype));
  }
  if (expected.sizes() == actual.sizes()) {
    compare_values(expected, actual, result);
  }
  result.matches = result.mismatch == Mismatch::kNone;
  return result;
}

bool same_bits(const at::Tensor& expected, const at::Tensor& actual) {
  require_dense_cpu(expected, "expected");
  require_dense_cpu(actual, "actual");
  if (expected.is_quantized() || actual.is_quantized()) {
    throw Error(ErrorKind::kUnsupported, "quantized tensors have scales beside their bits; compare their values");
  }
  if (expected.scalar_type() != actual.scalar_type() || expected.sizes() != actual.sizes()) {
    return false;
  }
  const at::Tensor expected_values = plain_values(expected);
  const at::Tensor actual_values = plain_values(actual);
  return expected_values.numel() == 0 ||
         std::memcmp(expected_values.const_data_ptr(), actual_values.const_data_ptr(), expected_values.nbytes()) == 0;
}

}  // namespace bertjit
