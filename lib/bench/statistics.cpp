#include "bench/statistics.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>

namespace bertjit {

namespace {

constexpr double kVisibleDrift = 0.05;

std::vector<double> copy_of(std::span<const double> values) {
  return {values.begin(), values.end()};
}

std::optional<double> supported_quantile(std::span<const double> values, double share) {
  return supports_quantile(values.size(), share) ? std::optional(quantile(copy_of(values), share)) : std::nullopt;
}

double stddev(std::span<const double> values, double mean) {
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  return values.size() < 2 ? 0 : std::sqrt(squares / static_cast<double>(values.size() - 1));
}

/// The middle half of the values.
struct Middle {
  double lower;
  double median;
  double upper;
};

Middle middle_of(std::span<const double> values) {
  const std::vector<double> copy = copy_of(values);
  return {quantile(copy, 0.25), quantile(copy, 0.5), quantile(copy, 0.75)};
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

bool supports_quantile(size_t count, double share) {
  constexpr double kRounding = 1e-9;
  return static_cast<double>(count) * std::min(share, 1 - share) >= 1 - kRounding;
}

RunFigures summarize_runs(std::span<const double> seconds) {
  RunFigures figures;
  if (seconds.empty()) {
    return figures;
  }
  const Middle all = middle_of(seconds);
  figures.mean = std::accumulate(seconds.begin(), seconds.end(), 0.0) / static_cast<double>(seconds.size());
  figures.median = all.median;
  figures.min = std::ranges::min(seconds);
  figures.max = std::ranges::max(seconds);
  figures.stddev = stddev(seconds, figures.mean);
  figures.quartiles = all.upper - all.lower;
  figures.p10 = supported_quantile(seconds, 0.1);
  figures.p90 = supported_quantile(seconds, 0.9);
  figures.p95 = supported_quantile(seconds, 0.95);
  figures.p99 = supported_quantile(seconds, 0.99);
  if (seconds.size() >= kRunsToSettle) {
    const Middle first = middle_of(seconds.first(seconds.size() / 2));
    const Middle second = middle_of(seconds.last(seconds.size() / 2));
    figures.drift = first.median > 0 ? second.median / first.median - 1 : 0;
    const bool apart = second.upper < first.lower || second.lower > first.upper;
    figures.settled = !(std::abs(figures.drift) > kVisibleDrift && apart);
  }
  return figures;
}

}  // namespace bertjit
