// Expected messages were printed by torch.testing.assert_close of torch 2.13.0, unless a test says otherwise.
#include "compare/compare.h"

#include <cmath>
#include <limits>

#include <ATen/Functions.h>

#include "support/error.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

at::Tensor floats(std::initializer_list<double> elements, at::ScalarType dtype = at::kFloat) {
  return at::tensor(std::vector<double>(elements), at::kDouble).to(dtype);
}

TensorComparison compare(const at::Tensor& expected, const at::Tensor& actual) {
  return compare_tensors(expected, actual, {});
}

TEST_CASE("compare_tensors: one element off is counted, located and told in assert_close's words") {
  const at::Tensor expected = floats({1, 2, 3, 4, 5, 6}).view({2, 3});
  const at::Tensor actual = floats({1, 2.001, 3, 4, 5, 6}).view({2, 3});
  const TensorComparison result = compare(expected, actual);
  CHECK_FALSE(result.matches);
  CHECK(result.mismatch == Mismatch::kValues);
  CHECK(result.elements == 6);
  CHECK(result.mismatched_elements == 1);
  CHECK(result.max_abs_error == 0.0009999275207519531);
  CHECK(result.max_abs_at.index == std::vector<int64_t>{0, 1});
  CHECK(result.max_abs_at.expected == 2);
  CHECK(result.max_abs_at.actual == 2.0009999275207519531);
  CHECK(result.max_rel_error == 0.0004999637603759766);
  CHECK(result.max_rel_at.index == std::vector<int64_t>{0, 1});
  CHECK(result.message ==
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 6 (16.7%)\n"
        "Greatest absolute difference: 0.0009999275207519531 at index (0, 1) (up to 1e-05 allowed)\n"
        "Greatest relative difference: 0.0004999637603759766 at index (0, 1) (up to 1.3e-06 allowed)");
}

TEST_CASE("compare_tensors: equal tensors match, without a message") {
  const TensorComparison result = compare(floats({1, -2}), floats({1, -2}));
  CHECK(result.matches);
  CHECK(result.mismatch == Mismatch::kNone);
  CHECK(result.message.empty());
  CHECK(result.max_abs_error == 0);
  CHECK(result.smallest_passing_atol == 0);
  CHECK(result.sqnr_db == kInf);
  CHECK(result.expected_shape == "[2]");
  CHECK(result.expected_dtype == "float32");
}

TEST_CASE("compare_tensors: zero tolerance asks for equality and says so") {
  const TensorComparison result = compare_tensors(floats({1, 2}), floats({1, 2.001}), {0.0, 0.0});
  CHECK(result.message ==
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 0.0009999275207519531 at index (1,)\n"
        "Greatest relative difference: 0.0004999637603759766 at index (1,)");
}

TEST_CASE("compare_tensors: the bound is atol + rtol * |expected|, itself included") {
  const Tolerance tolerance{0.5, 0.25};
  CHECK(compare_tensors(floats({-2}), floats({-3.25}), tolerance).matches);
  CHECK_FALSE(compare_tensors(floats({-2}), floats({-3.2500002}), tolerance).matches);
}

TEST_CASE("compare_tensors: the reference is expected, so swapping changes the answer") {
  const Tolerance tolerance{0.1, 0.0};
  CHECK(compare_tensors(floats({10}), floats({9}), tolerance).matches);
  CHECK_FALSE(compare_tensors(floats({9}), floats({10}), tolerance).matches);
}

TEST_CASE("compare_tensors: half precision is widened before the subtraction") {
  const TensorComparison result = compare(floats({65504}, at::kHalf), floats({-65504}, at::kHalf));
  CHECK(result.max_abs_error == 131008);
}

TEST_CASE("compare_tensors: defaults are assert_close's for the dtype") {
  const auto used = [](at::ScalarType dtype) {
    const TensorComparison result = compare(floats({1}, dtype), floats({1}, dtype));
    return std::pair(result.rtol, result.atol);
  };
  CHECK(used(at::kHalf) == std::pair(1e-3, 1e-5));
  CHECK(used(at::kBFloat16) == std::pair(1.6e-2, 1e-5));
  CHECK(used(at::kFloat) == std::pair(1.3e-6, 1e-5));
  CHECK(used(at::kDouble) == std::pair(1e-7, 1e-7));
  CHECK(used(at::kLong) == std::pair(0.0, 0.0));
  CHECK(used(at::kBool) == std::pair(0.0, 0.0));
}

TEST_CASE("compare_tensors: one tolerance given leaves the other at its default") {
  const TensorComparison result = compare_tensors(floats({1}), floats({1.5}), {std::nullopt, 1.0});
  CHECK(result.matches);
  CHECK(result.rtol == 1.3e-6);
}

TEST_CASE("compare_tensors: integers and bool are exact, whatever the tolerance") {
  const at::Tensor expected = at::tensor({30000, 7}, at::kLong);
  const at::Tensor actual = at::tensor({30001, 7}, at::kLong);
  const TensorComparison result = compare_tensors(expected, actual, {0.5, 100.0});
  CHECK_FALSE(result.matches);
  CHECK(result.rtol == 0);
  CHECK(result.smallest_passing_atol == kInf);
  CHECK(compare(at::tensor({1, 2, 3, 4}, at::kLong).view({2, 2}), at::tensor({1, 2, 3, 9}, at::kLong).view({2, 2}))
            .message ==
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 4 (25.0%)\n"
        "Greatest absolute difference: 5 at index (1, 1)\nGreatest relative difference: 1.25 at index (1, 1)");
  CHECK(compare(floats({1, 1, 1}, at::kBool), floats({1, 0, 1}, at::kBool)).message ==
        "Tensor-likes are not equal!\n\nMismatched elements: 1 / 3 (33.3%)\n"
        "Greatest absolute difference: 1 at index (1,)\nGreatest relative difference: 1.0 at index (1,)");
}

TEST_CASE("compare_tensors: integers that float64 cannot tell apart differ") {
  const int64_t large = int64_t{1} << 60;
  CHECK_FALSE(compare(at::full({1}, large, at::kLong), at::full({1}, large + 1, at::kLong)).matches);
  const TensorComparison extremes = compare(at::full({1}, INT64_MIN, at::kLong), at::full({1}, INT64_MAX, at::kLong));
  CHECK(extremes.max_abs_error == 18446744073709551615.0);
}

TEST_CASE("compare_tensors: NaN never passes, and makes the errors NaN") {
  const TensorComparison result = compare(floats({1, 2, 3}), floats({1, kNan, 3}));
  CHECK_FALSE(result.matches);
  CHECK(std::isnan(result.max_abs_error));
  CHECK(result.max_abs_at.index == std::vector<int64_t>{1});
  CHECK(std::isnan(result.mean_abs_error));
  CHECK(result.smallest_passing_atol == kInf);
  CHECK(result.actual_nan_count == 1);
  CHECK(result.expected_nan_count == 0);
  // The last line is ours: assert_close ends before it.
  CHECK(result.message ==
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 3 (33.3%)\n"
        "Greatest absolute difference: nan at index (1,) (up to 1e-05 allowed)\n"
        "Greatest relative difference: nan at index (1,) (up to 1.3e-06 allowed)\n"
        "Non-finite elements: 0 expected, 1 actual (equal infinities match, NaN only with --equal-nan)");
  CHECK_FALSE(compare(floats({kNan}), floats({kNan})).matches);
  CHECK_FALSE(compare_tensors(floats({1}), floats({kNan}), {kInf, kInf}).matches);
}

// torch.testing.assert_close: inf equals inf.
TEST_CASE("compare_tensors: an infinity passes against its like, unless there is nothing else") {
  CHECK(compare(floats({1, kInf, -kInf}), floats({1, kInf, -kInf})).matches);
  const TensorComparison none_finite = compare(floats({kInf, kInf}), floats({kInf, kInf}));
  CHECK(none_finite.mismatch == Mismatch::kEmpty);
  CHECK(none_finite.message == "Tensor-likes have no finite elements: nothing was compared.");
  CHECK_FALSE(compare(floats({1, kInf}), floats({1, 2})).matches);
  CHECK_FALSE(compare_tensors(floats({1, 2}), floats({1, kInf}), {0.0, kInf}).matches);
  CHECK(compare(floats({1, kInf}), floats({1, -kInf})).expected_inf_count == 1);
}

TEST_CASE("compare_tensors: equal_nan lets NaN pass against NaN, and nothing else") {
  Tolerance tolerance;
  tolerance.equal_nan = true;
  const TensorComparison result = compare_tensors(floats({1, kNan, -kInf}), floats({1, kNan, -kInf}), tolerance);
  CHECK(result.matches);
  CHECK(result.max_abs_error == 0);
  CHECK(result.cosine == 1);
  CHECK_FALSE(compare_tensors(floats({kNan}), floats({1}), tolerance).matches);
  CHECK_FALSE(compare_tensors(floats({kInf}), floats({-kInf}), tolerance).matches);
  CHECK_FALSE(compare_tensors(floats({kInf}), floats({kNan}), tolerance).matches);
}

TEST_CASE("compare_tensors: zero elements do not pass") {
  const TensorComparison result = compare(at::empty({0, 3}), at::empty({0, 3}));
  CHECK_FALSE(result.matches);
  CHECK(result.mismatch == Mismatch::kEmpty);
}

TEST_CASE("compare_tensors: a difference of shape or dtype is a mismatch, named with both sides") {
  const TensorComparison shape = compare(floats({1, 2, 3}), floats({1, 2}));
  CHECK(shape.mismatch == Mismatch::kShape);
  CHECK(shape.message == "The values for attribute 'shape' do not match: torch.Size([2]) != torch.Size([3]).");
  CHECK(compare(at::zeros({1, 2}), at::zeros({2, 1})).mismatch == Mismatch::kShape);
  CHECK(compare(at::zeros({1}), at::zeros({})).mismatch == Mismatch::kShape);

  const TensorComparison dtype = compare(floats({1, 2}), floats({1, 2}, at::kHalf));
  CHECK(dtype.mismatch == Mismatch::kDType);
  CHECK_FALSE(dtype.matches);
  CHECK(dtype.message == "The values for attribute 'dtype' do not match: torch.float16 != torch.float32.");
  CHECK(dtype.max_abs_error == 0);
  CHECK(dtype.elements == 2);
}

TEST_CASE("compare_tensors: tensors without dimensions are told as scalars") {
  CHECK(compare(at::scalar_tensor(1.0), at::scalar_tensor(1.5)).message ==
        "Scalars are not close!\n\nExpected 1.0 but got 1.5.\nAbsolute difference: 0.5 (up to 1e-05 allowed)\n"
        "Relative difference: 0.5 (up to 1.3e-06 allowed)");
  CHECK(compare(at::scalar_tensor(5, at::kLong), at::scalar_tensor(7, at::kLong)).message ==
        "Scalars are not equal!\n\nExpected 5 but got 7.\nAbsolute difference: 2\nRelative difference: 0.4");
  CHECK(compare(at::scalar_tensor(1, at::kBool), at::scalar_tensor(0, at::kBool)).message ==
        "Scalars are not equal!\n\nExpected True but got False.\nAbsolute difference: 1\nRelative difference: 1.0");
}

TEST_CASE("compare_tensors: the relative error of a zero reference is infinite") {
  const TensorComparison result = compare(floats({0, 1}), floats({0.5, 1}));
  CHECK(result.max_rel_error == kInf);
  CHECK(result.max_rel_at.index == std::vector<int64_t>{0});
  CHECK(compare(floats({0}), floats({0})).max_rel_error == 0);
}

TEST_CASE("compare_tensors: the message shows the greatest error among mismatches, the result that among all") {
  // 100 against 100.5 is within rtol 0.01; assert_close leaves it out of its message.
  const TensorComparison result = compare_tensors(floats({100, 1}), floats({100.5, 1.25}), {0.01, 0.0});
  CHECK(result.max_abs_error == 0.5);
  CHECK(result.max_abs_at.index == std::vector<int64_t>{0});
  CHECK(result.message ==
        "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 (50.0%)\n"
        "Greatest absolute difference: 0.25 at index (1,) (up to 0.0 allowed)\n"
        "Greatest relative difference: 0.25 at index (1,) (up to 0.01 allowed)");
}

TEST_CASE("compare_tensors: cosine, SQNR and mean error are numpy's") {
  // numpy 2.4.6, float64: e @ a / (|e| |a|); 10 log10(sum e² / sum (a - e)²); mean |a - e|
  const TensorComparison result = compare(floats({1, 2, 3, 4}, at::kDouble), floats({1, 2.5, 3, 3}, at::kDouble));
  CHECK(result.cosine == Approx(0.9810077663422255).epsilon(1e-14));
  CHECK(result.sqnr_db == Approx(13.80211241711606).epsilon(1e-14));
  CHECK(result.mean_abs_error == 0.375);
}

TEST_CASE("compare_tensors: an all-zero tensor has the direction of another only if both are zero") {
  CHECK(compare(floats({0, 0}), floats({0, 0})).cosine == 1);
  CHECK(compare(floats({0, 0}), floats({1, 0})).cosine == 0);
  CHECK(compare(floats({0, 0}), floats({1, 0})).sqnr_db == -kInf);
}

TEST_CASE("compare_tensors: max_ulp counts the steps between representable numbers, across zero too") {
  const auto ulp = [](double expected, double actual, at::ScalarType dtype) {
    return compare(floats({expected}, dtype), floats({actual}, dtype)).max_ulp;
  };
  CHECK(ulp(1, std::nextafterf(1, 2), at::kFloat) == 1);
  CHECK(ulp(0.0, -0.0, at::kFloat) == 0);
  CHECK(ulp(1.401298464324817e-45, -1.401298464324817e-45, at::kFloat) == 2);
  CHECK(ulp(1, 1.0009765625, at::kHalf) == 1);
  CHECK(ulp(1, 1.015625, at::kBFloat16) == 2);
  CHECK(ulp(1, std::nextafter(1.0, 0.0), at::kDouble) == 1);
  CHECK(ulp(-std::numeric_limits<double>::max(), std::numeric_limits<double>::max(), at::kDouble) == INT64_MAX);
  CHECK(ulp(1, 2, at::kLong) == 0);
}

TEST_CASE("compare_tensors: smallest_passing_atol passes, and a little less does not") {
  at::manual_seed(1);
  for (const double rtol : {0.0, 1e-3, 0.3}) {
    const at::Tensor expected = at::randn({50}, at::kDouble);
    const at::Tensor actual = expected + 0.01 * at::randn({50}, at::kDouble);
    const double atol = compare_tensors(expected, actual, {rtol, 0.0}).smallest_passing_atol;
    CHECK(compare_tensors(expected, actual, {rtol, atol}).matches);
    CHECK((atol == 0 || !compare_tensors(expected, actual, {rtol, atol * (1 - 1e-12)}).matches));
  }
}

TEST_CASE("compare_tensors: strides and chunks do not matter") {
  const at::Tensor expected = at::arange(100 * 257, at::kFloat).view({100, 257});
  at::Tensor actual = expected.clone();
  actual[99][200] += 8;
  const TensorComparison result = compare(expected.t(), actual.t());
  CHECK(result.elements == 25700);
  CHECK(result.max_abs_at.index == std::vector<int64_t>{200, 99});
  CHECK(result.max_abs_error == 8);
}

TEST_CASE("compare_tensors: a tensor that needs grad is compared by its values") {
  CHECK(compare(floats({1}), floats({1}).set_requires_grad(true)).matches);
}

TEST_CASE("compare_tensors: quantized tensors are compared by what they stand for") {
  const at::Tensor quantized = at::quantize_per_tensor(floats({0.5, 1}), 0.5, 0, at::kQInt8);
  CHECK(compare(quantized, quantized).matches);
  CHECK_FALSE(compare(quantized, at::quantize_per_tensor(floats({0.5, 2}), 0.5, 0, at::kQInt8)).matches);
}

TEST_CASE("compare_tensors: a tolerance that is negative or NaN is refused") {
  CHECK_THROWS_AS(compare_tensors(floats({1}), floats({1}), {-1.0, 0.0}), Error);
  CHECK_THROWS_AS(compare_tensors(floats({1}), floats({1}), {0.0, kNan}), Error);
  CHECK_THROWS_AS(compare_tensors(at::ones({1}, at::kLong), at::ones({1}, at::kLong), {0.0, -1.0}), Error);
}

TEST_CASE("compare_tensors: undefined, complex and sparse tensors are errors, not answers") {
  CHECK_THROWS_AS(compare(at::Tensor(), floats({1})), Error);
  CHECK_THROWS_AS(compare(at::ones({1}, at::kComplexFloat), at::ones({1}, at::kComplexFloat)), Error);
  CHECK_THROWS_AS(compare(floats({1}).to_sparse(), floats({1}).to_sparse()), Error);
  CHECK(compare(floats({1}), at::ones({1}, at::kComplexFloat)).mismatch == Mismatch::kDType);
}

TEST_CASE("same_bits: zeros of unlike sign differ, NaN equals the same NaN and no other") {
  CHECK(same_bits(floats({1, kNan}), floats({1, kNan})));
  CHECK_FALSE(same_bits(floats({0.0}), floats({-0.0})));
  at::Tensor other_nan = at::full({1}, 0x7fc00001, at::kInt).view(at::kFloat);
  CHECK_FALSE(same_bits(floats({kNan}), other_nan));
}

TEST_CASE("same_bits: dtype and shape count, strides do not") {
  CHECK_FALSE(same_bits(at::zeros({2}, at::kInt), at::zeros({2}, at::kFloat)));
  CHECK_FALSE(same_bits(at::zeros({2, 1}), at::zeros({1, 2})));
  const at::Tensor rows = at::arange(6, at::kFloat).view({2, 3});
  CHECK(same_bits(rows.t(), rows.t().contiguous()));
  CHECK(same_bits(at::empty({0}), at::empty({0})));
  CHECK_THROWS_AS(same_bits(at::Tensor(), rows), Error);
}

TEST_CASE("comparison_evidence: numbers are given raw, statistics only where something was measured") {
  const auto keys = [](const EvidenceFields& fields) {
    std::vector<std::string> result;
    for (const Evidence& field : fields) {
      result.push_back(field.key);
    }
    return result;
  };
  const std::vector<std::string> measured = keys(comparison_evidence(compare(floats({1}), floats({2}))));
  CHECK(std::count(measured.begin(), measured.end(), "max_abs_error") == 1);
  const std::vector<std::string> unmeasured = keys(comparison_evidence(compare(floats({1}), floats({1, 2}))));
  CHECK(std::count(unmeasured.begin(), unmeasured.end(), "max_abs_error") == 0);
  CHECK(std::count(unmeasured.begin(), unmeasured.end(), "message") == 1);
}

}  // namespace
}  // namespace bertjit
