#include "bench/padding.h"

#include "testing/testing.h"

namespace bertjit {

namespace {

BenchRow row(const std::string& model, int64_t batch, int64_t length, int threads, double median) {
  BenchRow row{.model = model, .shape = {batch, length}, .threads = threads};
  row.figures.median = median;
  return row;
}

}  // namespace

TEST_CASE("bench: texts fill batches in order, the last one with what is left") {
  const auto batches = pad_to_longest(std::vector<int64_t>{3, 9, 4, 1, 0}, 2);
  REQUIRE(batches.size() == 3);
  CHECK(batches[0].rows == 2);
  CHECK(batches[0].length == 9);
  CHECK(batches[1].length == 4);
  CHECK(batches[2].rows == 1);
  CHECK(batches[2].length == 1);  // a batch needs a token
  CHECK(pad_to_longest({}, 8).empty());
}

TEST_CASE("bench: time is estimated between measured lengths, and by rows for a batch that is not full") {
  const std::vector<MeasuredLength> measured = {{16, 1.0}, {32, 3.0}};
  const auto seconds = [&](int64_t rows, int64_t length) {
    return estimate_seconds(std::vector<PaddedBatch>{{rows, length}}, 4, measured);
  };
  CHECK(seconds(4, 16) == 1.0);
  CHECK(seconds(4, 24) == 2.0);
  CHECK(seconds(4, 32) == 3.0);
  CHECK(seconds(4, 5) == 1.0);   // below the shortest: as long as that
  CHECK(seconds(4, 99) == 3.0);  // beyond the longest
  CHECK(seconds(1, 32) == 0.75);
  CHECK(estimate_seconds(std::vector<PaddedBatch>{{4, 16}, {2, 32}}, 4, measured) == 2.5);
}

TEST_CASE("bench: three ways to pad, with their positions and what they cost each model") {
  BenchTexts texts{.max_length = 8, .lengths = {2, 8, 2, 7}};
  const std::vector<BenchRow> rows = {row("a", 2, 8, 1, 0.8), row("b", 2, 8, 1, 0.4), row("a", 2, 4, 1, 0.2),
                                      row("b", 2, 4, 1, 0.1), row("a", 2, 8, 4, 0.3), row("a", 2, 4, 4, 0.1),
                                      row("a", 1, 8, 1, 9.0)};
  const std::vector<PaddingPlan> plans = plan_padding(texts, std::vector<int64_t>{2}, rows);
  REQUIRE(plans.size() == 3);
  CHECK(plans[0].padding == "max");
  CHECK(plans[0].positions == 32);
  CHECK(plans[1].padding == "longest");
  CHECK_FALSE(plans[1].sorted);
  CHECK(plans[1].positions == 2 * 8 + 2 * 7);
  CHECK(plans[2].sorted);
  CHECK(plans[2].positions == 2 * 8 + 2 * 2);
  REQUIRE(plans[2].costs.size() == 3);
  CHECK(plans[2].costs[0].model == "a");
  CHECK(plans[2].costs[0].threads == 1);
  CHECK(plans[2].costs[0].seconds == Approx(0.8 + 0.2));
  CHECK(plans[2].costs[1].model == "b");
  CHECK(plans[2].costs[1].seconds == Approx(0.4 + 0.1));
  CHECK(plans[2].costs[2].threads == 4);
  CHECK(plans[1].costs[0].seconds == Approx(0.8 + 0.65));  // 7 lies three quarters of the way from 4 to 8
}

}  // namespace bertjit
