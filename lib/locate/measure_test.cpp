#include "locate/measure.h"

#include <cmath>
#include <limits>

#include "testing/testing.h"

namespace bertjit {

namespace {

const at::Tensor& values() {
  static const at::Tensor kValues = at::linspace(-2, 3, 24).reshape({2, 3, 4});
  return kValues;
}

constexpr double kLimit = 1e-6;

}  // namespace

TEST_CASE("measure: the error is |actual - expected| / |expected|, whatever the shape") {
  const Measure same = measure(values(), values().reshape({6, 4}), kLimit);
  CHECK(same.compared);
  CHECK(same.good);
  CHECK(same.error == 0);
  CHECK(std::isinf(same.sqnr_db));

  at::Tensor other = values().clone();
  other[0][0][0] += 0.5;
  const Measure changed = measure(values(), other, kLimit);
  CHECK(!changed.good);
  CHECK(!changed.rescaled);
  CHECK(changed.error == Approx(0.5 / values().norm().item<double>()));
  CHECK(changed.max_abs_error == Approx(0.5));
  CHECK(changed.elements == 24);
}

TEST_CASE("measure: values of another shape are not compared") {
  CHECK(!measure(values(), values().transpose(0, 2).contiguous(), kLimit).compared);
  CHECK(!measure(values(), values().narrow(0, 0, 1), kLimit).compared);
  CHECK(!measure(values(), values().to(at::kLong), kLimit).compared);
}

TEST_CASE("measure: the reference times one factor is rescaled, and near 1 it is wrong") {
  const Measure eighth = measure(values(), values() / 8, kLimit);
  CHECK(!eighth.good);
  CHECK(eighth.rescaled);
  CHECK(eighth.factor == Approx(0.125));
  CHECK(measure(values(), values() * -2, kLimit).factor == Approx(-2));
  CHECK(!measure(values(), values() * 1.001, kLimit).rescaled);
}

TEST_CASE("measure: scores that a mask made minus infinity on both sides, however low, hide no others") {
  at::Tensor expected = values().clone(), actual = values().clone();
  expected[0][0][0] = -std::numeric_limits<double>::infinity();
  for (const double fill : {-1e4, -3.4e38, -std::numeric_limits<double>::infinity()}) {
    actual[0][0][0] = fill;
    CHECK(measure(expected, actual, kLimit).good);
    CHECK(!measure(expected, actual + values(), kLimit).good);
    CHECK(measure(expected, actual + values(), kLimit).elements == values().numel() - 1);
  }
}

TEST_CASE("measure: a score that is masked on one side alone is wrong") {
  at::Tensor masked = values().clone(), weak = values().clone();
  masked[0][0][0] = -3.4e38;
  weak[0][0][0] = -1;
  CHECK(measure(masked, weak, kLimit).compared);
  CHECK(!measure(masked, weak, kLimit).good);
  CHECK(!measure(weak, masked, kLimit).good);
  CHECK(!measure(at::full({2}, -1e4), at::full({2}, -1e9), kLimit).compared);
}

TEST_CASE("measure: what is not a number is wrong, and integers are exact") {
  at::Tensor broken = values().clone();
  broken[0][0][0] = std::numeric_limits<float>::quiet_NaN();
  CHECK(measure(values(), broken, kLimit).compared);
  CHECK(!measure(values(), broken, kLimit).good);
  const at::Tensor ids = at::arange(6);
  CHECK(measure(ids, ids.clone(), step_limit(at::kLong)).good);
  CHECK(!measure(ids, ids + 1, step_limit(at::kLong)).good);
}

}  // namespace bertjit
