#include "diff/pair_statistics.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

namespace bertjit {

namespace {

constexpr int64_t kBlock = 4096;  ///< elements widened at a time

DiffElement element_at(int64_t position, double a, double b, const std::vector<int64_t>& shape) {
  return {index_at(position, shape), a, b};
}

}  // namespace

/// The first of the greatest stays; a NaN is greater than every number.
void PairStatistics::offer(At& greatest, const At& candidate) {
  if (candidate.error > greatest.error || (std::isnan(candidate.error) && !std::isnan(greatest.error))) {
    greatest = candidate;
  }
}

void PairStatistics::add(double a, double b, bool differs, int64_t position, int64_t row) {
  ++elements_;
  nan_a_ += std::isnan(a);
  nan_b_ += std::isnan(b);
  inf_a_ += std::isinf(a);
  inf_b_ += std::isinf(b);
  zeros_a_ += a == 0;
  zeros_b_ += b == 0;
  a_squared_ += a * a;
  b_squared_ += b * b;
  product_ += a * b;
  if (!differs) {
    return;
  }
  if (differing_++ == 0) {
    first_ = {0, position, a, b};
  }
  if (row != last_row_) {
    ++rows_;
    first_row_ = first_row_ < 0 ? row : first_row_;
    last_row_ = row;
  }
  const bool both_nan = std::isnan(a) && std::isnan(b);  // with other bits
  const double error = a == b || both_nan ? 0 : std::fabs(b - a);
  const double relative = error == 0 ? 0 : error / std::fabs(a);
  offer(abs_, {error, position, a, b});
  offer(rel_, {relative, position, a, b});
  abs_sum_ += error;
  error_squared_ += error * error;
  sign_changes_ += (a < 0 && b > 0) || (a > 0 && b < 0);
}

PairStatistics PairStatistics::measure(const ElementReader& reader_a, std::span<const std::byte> a,
                                       const ElementReader& reader_b, std::span<const std::byte> b, bool same_bits,
                                       int64_t row_size, int64_t begin, int64_t end) {
  PairStatistics statistics;
  std::array<double, kBlock> values_a;
  std::array<double, kBlock> values_b;
  for (int64_t first = begin; first < end; first += kBlock) {
    const auto count = static_cast<size_t>(std::min(kBlock, end - first));
    reader_a.read(a, first, std::span(values_a).first(count));
    reader_b.read(b, first, std::span(values_b).first(count));
    for (size_t i = 0; i < count; ++i) {
      const int64_t position = first + static_cast<int64_t>(i);
      const auto offset = static_cast<size_t>(position) * reader_a.size;
      const bool differs = same_bits
                               ? std::memcmp(a.data() + offset, b.data() + offset, reader_a.size) != 0
                               : !(values_a[i] == values_b[i] || (std::isnan(values_a[i]) && std::isnan(values_b[i])));
      statistics.add(values_a[i], values_b[i], differs, position, position / row_size);
    }
  }
  return statistics;
}

void PairStatistics::append(const PairStatistics& next) {
  if (next.differing_ > 0) {
    first_ = differing_ == 0 ? next.first_ : first_;
    rows_ += next.rows_ - (next.first_row_ == last_row_ ? 1 : 0);
    first_row_ = first_row_ < 0 ? next.first_row_ : first_row_;
    last_row_ = next.last_row_;
  }
  elements_ += next.elements_;
  differing_ += next.differing_;
  offer(abs_, next.abs_);
  offer(rel_, next.rel_);
  abs_sum_ += next.abs_sum_;
  error_squared_ += next.error_squared_;
  a_squared_ += next.a_squared_;
  b_squared_ += next.b_squared_;
  product_ += next.product_;
  sign_changes_ += next.sign_changes_;
  nan_a_ += next.nan_a_;
  nan_b_ += next.nan_b_;
  inf_a_ += next.inf_a_;
  inf_b_ += next.inf_b_;
  zeros_a_ += next.zeros_a_;
  zeros_b_ += next.zeros_b_;
}

void PairStatistics::write(const std::vector<int64_t>& shape, DiffTensor& tensor) const {
  tensor.measured = true;
  tensor.elements = elements_;
  tensor.differing = differing_;
  tensor.rows_differing = rows_;
  if (differing_ > 0) {
    tensor.first = element_at(first_.position, first_.a, first_.b, shape);
    tensor.max_abs = abs_.error;
    tensor.max_abs_at = element_at(abs_.position, abs_.a, abs_.b, shape);
    tensor.max_rel = rel_.error;
    tensor.max_rel_at = element_at(rel_.position, rel_.a, rel_.b, shape);
  }
  tensor.mean_abs = elements_ == 0 ? 0 : abs_sum_ / static_cast<double>(elements_);
  const bool both_zero = a_squared_ == 0 && b_squared_ == 0;
  tensor.cosine = both_zero ? 1
                  : a_squared_ == 0 || b_squared_ == 0
                      ? 0
                      : std::clamp(product_ / (std::sqrt(a_squared_) * std::sqrt(b_squared_)), -1., 1.);
  tensor.sqnr_db =
      error_squared_ == 0 ? std::numeric_limits<double>::infinity() : 10 * std::log10(a_squared_ / error_squared_);
  tensor.sign_changes = sign_changes_;
  tensor.nan_a = nan_a_;
  tensor.nan_b = nan_b_;
  tensor.inf_a = inf_a_;
  tensor.inf_b = inf_b_;
  tensor.zeros_a = zeros_a_;
  tensor.zeros_b = zeros_b_;
}

}  // namespace bertjit
