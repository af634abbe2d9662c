#include "bench/statistics.h"

#include <algorithm>

#include "testing/testing.h"

namespace bertjit {

TEST_CASE("bench: quantiles are numpy's, interpolated between neighbours") {
  // numpy.quantile([4, 1, 3, 2], q) for q = 0, 0.5, 0.9, 1
  const std::vector<double> values{4, 1, 3, 2};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 0.5) == 2.5);
  CHECK(quantile(values, 0.9) == Approx(3.7));
  CHECK(quantile(values, 1) == 4);
  CHECK(quantile({}, 0.5) == 0);
}

TEST_CASE("bench: a percentile is claimed only where a run lies beyond it") {
  CHECK(supports_quantile(10, 0.9));
  CHECK_FALSE(supports_quantile(9, 0.9));
  CHECK(supports_quantile(10, 0.1));
  CHECK_FALSE(supports_quantile(9, 0.1));
  CHECK(supports_quantile(20, 0.95));
  CHECK_FALSE(supports_quantile(19, 0.95));
  CHECK(supports_quantile(100, 0.99));
  CHECK_FALSE(supports_quantile(99, 0.99));
  const RunFigures ten = summarize_runs(std::vector<double>(10, 0.5));
  CHECK(ten.p90 == 0.5);
  CHECK_FALSE(ten.p95.has_value());
  CHECK_FALSE(ten.p99.has_value());
}

TEST_CASE("bench: runs in few numbers") {
  // python: statistics.mean, median, stdev, and numpy.quantile 0.75 - 0.25, of [5, 1, 2, 4]
  const RunFigures figures = summarize_runs(std::vector<double>{5, 1, 2, 4});
  CHECK(figures.mean == 3);
  CHECK(figures.median == 3);
  CHECK(figures.min == 1);
  CHECK(figures.max == 5);
  CHECK(figures.stddev == Approx(1.8257418583505538));
  CHECK(figures.quartiles == 2.5);
  CHECK_FALSE(figures.settled.has_value());
  const RunFigures one = summarize_runs(std::vector<double>{2});
  CHECK(one.median == 2);
  CHECK(one.stddev == 0);
  CHECK(summarize_runs({}).median == 0);
}

TEST_CASE("bench: times that go on falling or rising are not steady, slow spells and noise are") {
  std::vector<double> falling;
  std::vector<double> noisy;
  for (int i = 0; i < 20; ++i) {
    falling.push_back(2.0 - 0.05 * i);
    noisy.push_back(i % 3 == 0 ? 1.3 : 1.0 + 0.01 * (i % 7));
  }
  const RunFigures figures = summarize_runs(falling);
  CHECK(figures.settled == false);
  CHECK(figures.drift == Approx(1.275 / 1.775 - 1));  // medians of the ten first and the ten last
  std::ranges::reverse(falling);
  CHECK(summarize_runs(falling).settled == false);
  CHECK(summarize_runs(noisy).settled == true);
  std::vector<double> one_spell(20, 1.0);
  std::fill_n(one_spell.begin(), 4, 3.0);
  CHECK(summarize_runs(one_spell).settled == true);
  // 3 % apart: a change, but too small a one to speak of.
  std::vector<double> slight(20, 1.0);
  std::fill_n(slight.begin(), 10, 1.03);
  CHECK(summarize_runs(slight).settled == true);
}

}  // namespace bertjit
