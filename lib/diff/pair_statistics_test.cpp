#include "diff/pair_statistics.h"

#include <cmath>

#include "testing/testing.h"

using namespace bertjit;

namespace {

std::span<const std::byte> bytes_of(const std::vector<float>& values) {
  return std::as_bytes(std::span(values));
}

PairStatistics measure(const std::vector<float>& a, const std::vector<float>& b, int64_t row_size, int64_t begin,
                       int64_t end) {
  const ElementReader reader = make_element_reader("float32", 4, {}, nullptr);
  return PairStatistics::measure(reader, bytes_of(a), reader, bytes_of(b), true, row_size, begin, end);
}

DiffTensor summarize(const PairStatistics& statistics, const std::vector<int64_t>& shape) {
  DiffTensor tensor;
  statistics.write(shape, tensor);
  return tensor;
}

}  // namespace

// Expected values: Python, math.sqrt and math.log10 over the formulas in diff_result.h.
TEST_CASE("pair statistics: measures are those of their formulas") {
  const std::vector<float> a{1, 2, 0, -4};
  const std::vector<float> b{1, 2.5, 0.25, 4};
  const DiffTensor tensor = summarize(measure(a, b, 2, 0, 4), {2, 2});
  CHECK(tensor.elements == 4);
  CHECK(tensor.differing == 3);
  CHECK(tensor.rows_differing == 2);
  CHECK(tensor.first.index == std::vector<int64_t>{0, 1});
  CHECK(tensor.max_abs == 8);
  CHECK(tensor.max_abs_at.index == std::vector<int64_t>{1, 1});
  CHECK(tensor.max_abs_at.b == 4);
  CHECK(std::isinf(tensor.max_rel));
  CHECK(tensor.max_rel_at.index == std::vector<int64_t>{1, 0});
  CHECK(tensor.mean_abs == Approx(2.1875));
  CHECK(tensor.cosine == Approx(-0.4519557624751792));
  CHECK(tensor.sqnr_db == Approx(-4.860760973725889));
  CHECK(tensor.sign_changes == 1);
  CHECK(tensor.zeros_a == 1);
}

TEST_CASE("pair statistics: runs add up to what one pass gives, rows that are cut in two included") {
  std::vector<float> a(10000);
  std::vector<float> b(10000);
  for (size_t i = 0; i < a.size(); ++i) {
    a[i] = static_cast<float>(std::sin(static_cast<double>(i)));
    b[i] = i % 7 == 0 ? a[i] + 0.5f : a[i];
  }
  const DiffTensor whole = summarize(measure(a, b, 30, 0, 10000), {10000});
  PairStatistics sum;
  for (int64_t begin = 0; begin < 10000; begin += 100) {
    sum.append(measure(a, b, 30, begin, begin + 100));
  }
  const DiffTensor parts = summarize(sum, {10000});
  CHECK(parts.differing == whole.differing);
  CHECK(parts.rows_differing == whole.rows_differing);
  CHECK(parts.first.index == whole.first.index);
  CHECK(parts.max_rel == whole.max_rel);
  CHECK(parts.max_rel_at.index == whole.max_rel_at.index);
  CHECK(parts.cosine == Approx(whole.cosine));
  CHECK(parts.sqnr_db == Approx(whole.sqnr_db));
}

TEST_CASE("pair statistics: a NaN is the greatest difference, and equal to itself") {
  const DiffTensor tensor = summarize(measure({1, NAN, 3}, {1, NAN, NAN}, 1, 0, 3), {3});
  CHECK(tensor.differing == 1);
  CHECK(std::isnan(tensor.max_abs));
  CHECK(tensor.max_abs_at.index == std::vector<int64_t>{2});
  CHECK(tensor.nan_a == 1);
  CHECK(tensor.nan_b == 2);
}

TEST_CASE("pair statistics: zeros of both signs differ by their bits, not by their values") {
  const DiffTensor tensor = summarize(measure({0.f}, {-0.f}, 1, 0, 1), {1});
  CHECK(tensor.differing == 1);
  CHECK(tensor.max_abs == 0);
}
