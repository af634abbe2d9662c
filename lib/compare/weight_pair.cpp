#include "compare/weight_pair.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include <ATen/ATen.h>

namespace bertjit {

namespace {

constexpr int64_t kPiece = 8192;  ///< elements widened at a time

/// Marks under one number each, in order.
void note(std::vector<int64_t>& indices, int64_t index) {
  if (indices.empty() || indices.back() != index) {
    indices.push_back(index);
  }
}

/// One pair that differs.
void add_difference(WeightPairSums& sums, double e, double a, int64_t position, int64_t row_size, bool is_matrix) {
  if (sums.differing++ == 0) {
    sums.first = position;
    sums.first_expected = e;
    sums.first_actual = a;
  }
  sums.last = position;
  note(sums.rows, position / row_size);
  if (is_matrix && sums.columns.size() <= static_cast<size_t>(row_size)) {
    note(sums.columns, position % row_size);
  }
  sums.differing_ee += e * e;
  sums.negated += a == -e;
  if (a == 0) {
    ++sums.zeroed;
    sums.greatest_zeroed = std::max(sums.greatest_zeroed, std::fabs(e));
  }
}

void add_pair(WeightPairSums& sums, double e, double a) {
  sums.nans += std::isnan(a) && std::isfinite(e);
  sums.infinities += std::isinf(a) && std::isfinite(e);
  sums.actual_zeros += a == 0;
  if (a != 0) {
    sums.least_kept = std::min(sums.least_kept, std::fabs(e));
  }
  sums.greatest_actual = std::max(sums.greatest_actual, std::fabs(a));
  sums.least_expected = std::min(sums.least_expected, e);
  sums.greatest_expected = std::max(sums.greatest_expected, e);
  sums.least_actual = std::min(sums.least_actual, a);
  sums.most_actual = std::max(sums.most_actual, a);
  sums.e += e;
  sums.a += a;
  sums.ee += e * e;
  sums.aa += a * a;
  sums.ea += e * a;
  sums.dd += (a - e) * (a - e);
}

}  // namespace

double WeightPairSums::relative_error() const {
  return std::sqrt(dd / ee);
}

double WeightPairSums::correlation() const {
  const auto n = static_cast<double>(elements);
  const double spread_e = ee - e * e / n;
  const double spread_a = aa - a * a / n;
  if (!(spread_e > 1e-12 * ee) || !(spread_a > 1e-12 * aa)) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  return (ea - e * a / n) / std::sqrt(spread_e * spread_a);
}

WeightPair::WeightPair(const at::Tensor& expected, const at::Tensor& actual)
    : expected_(expected.detach().contiguous().flatten()),
      actual_(actual.detach().contiguous().flatten()),
      elements_(expected.numel()),
      row_size_(expected.dim() < 2 ? 1 : expected.numel() / expected.size(0)) {}

void WeightPair::visit(const std::function<bool(const double*, const double*, int64_t, int64_t)>& visit) const {
  for (int64_t first = 0; first < elements_; first += kPiece) {
    const int64_t count = std::min(kPiece, elements_ - first);
    const at::Tensor e = expected_.narrow(0, first, count).to(at::kDouble);
    const at::Tensor a = actual_.narrow(0, first, count).to(at::kDouble);
    if (!visit(e.const_data_ptr<double>(), a.const_data_ptr<double>(), first, count)) {
      return;
    }
  }
}

WeightPairSums WeightPair::sums() const {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  WeightPairSums sums;
  sums.elements = elements_;
  sums.least_kept = sums.least_expected = sums.least_actual = kInfinity;
  sums.greatest_expected = sums.most_actual = -kInfinity;
  const bool is_matrix = row_size_ > 1;
  visit([&](const double* e, const double* a, int64_t first, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      add_pair(sums, e[i], a[i]);
      if (!(e[i] == a[i] || (std::isnan(e[i]) && std::isnan(a[i])))) {
        add_difference(sums, e[i], a[i], first + i, row_size_, is_matrix);
      }
    }
    return true;
  });
  std::ranges::sort(sums.columns);
  const auto repeated = std::ranges::unique(sums.columns);
  sums.columns.erase(repeated.begin(), repeated.end());
  return sums;
}

bool WeightPair::all(const std::function<bool(double expected, double actual)>& test) const {
  bool passes = true;
  visit([&](const double* e, const double* a, int64_t, int64_t count) {
    for (int64_t i = 0; i < count && passes; ++i) {
      passes = test(e[i], a[i]);
    }
    return passes;
  });
  return passes;
}

bool WeightPair::is_rounded_to(at::ScalarType narrow) const {
  for (int64_t first = 0; first < elements_; first += kPiece) {
    const int64_t count = std::min(kPiece, elements_ - first);
    const at::Tensor rounded = expected_.narrow(0, first, count).to(narrow).to(actual_.scalar_type());
    if (!at::equal(rounded, actual_.narrow(0, first, count))) {
      return false;
    }
  }
  return true;
}

}  // namespace bertjit
