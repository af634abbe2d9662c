#include "compare/weight_grid.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/ATen.h>

namespace bertjit {

namespace {

constexpr size_t kFewest = 16;

/// q * scale is rounded once to float32, and the step is the greatest value, so rounded, divided by a whole number: a
/// multiple k is off by no more than k * 2 ^ -23 steps. Twice that, for what computes (q - zero) * scale otherwise.
bool lies_on(std::span<const double> values, double step) {
  constexpr double kSlack = 0x1p-22;
  return std::ranges::all_of(values, [step](double value) {
    const double multiple = value / step;
    return std::fabs(multiple - std::nearbyint(multiple)) <= kSlack * std::fabs(multiple);
  });
}

bool is_one_number(std::span<const double> values) {
  return std::ranges::all_of(values, [first = values[0]](double value) { return value == first; });
}

}  // namespace

std::optional<NumberGrid> find_grid(std::span<const double> values, int most_steps) {
  double greatest = 0;
  for (const double value : values) {
    if (!std::isfinite(value)) {
      return std::nullopt;
    }
    greatest = std::max(greatest, std::fabs(value));
  }
  if (greatest == 0) {
    return std::nullopt;
  }
  for (int steps = 1; steps <= most_steps; ++steps) {
    if (lies_on(values, greatest / steps)) {
      return NumberGrid{greatest / steps, steps};
    }
  }
  return std::nullopt;
}

GridShape find_grid_shape(const at::Tensor& tensor) {
  if ((tensor.scalar_type() != at::kFloat && tensor.scalar_type() != at::kDouble) || tensor.numel() == 0) {
    return GridShape::kNone;
  }
  const int64_t rows = tensor.dim() < 2 ? 1 : tensor.size(0);
  const int64_t row_size = tensor.numel() / rows;
  const at::Tensor flat = tensor.detach().contiguous().view({rows, row_size});
  // Row by row: what fits one step for all fits one for each row, and no copy of a large tensor is needed.
  std::optional<double> finest;
  int64_t informative = 0;
  for (int64_t row = 0; row < rows; ++row) {
    const at::Tensor wide = flat[row].to(at::kDouble);
    const std::span<const double> values(wide.const_data_ptr<double>(), static_cast<size_t>(row_size));
    if (is_one_number(values)) {
      continue;
    }
    const auto grid = find_grid(values);
    if (!grid || values.size() < kFewest) {
      return GridShape::kNone;
    }
    finest = std::min(finest.value_or(grid->step), grid->step);
    ++informative;
  }
  if (informative == 0) {
    return GridShape::kNone;
  }
  const double greatest = tensor.abs().max().item<double>();
  const at::Tensor multiples = flat.to(at::kDouble).div_(*finest);
  const bool one_step = greatest / *finest < 256 &&
                        (multiples - multiples.round()).abs_().le_(multiples.abs() * 0x1p-22).all().item<bool>();
  return one_step || rows == 1 ? GridShape::kPerTensor : GridShape::kPerChannel;
}

}  // namespace bertjit
