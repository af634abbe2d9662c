#include "report/bench_report.h"

#include <sstream>

#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

BenchResult two_rows() {
  return {"AVX2",
          {{"./bert", "eager", 8, 128, 1, {0.5, 0.25, 0.2}, {0.2, 0.1, 0.4}},
           {"a_longer_name.pt", "torchscript", 1, 7, 4, {0.003}, {0.002}}}};
}

}  // namespace

TEST_CASE("bench report: quantiles are numpy's, interpolated between neighbours") {
  // numpy.quantile([4, 1, 3, 2], q) for q = 0, 0.5, 0.9, 1
  const std::vector<double> values{4, 1, 3, 2};
  CHECK(quantile(values, 0) == 1);
  CHECK(quantile(values, 0.5) == 2.5);
  CHECK(quantile(values, 0.9) == Approx(3.7));
  CHECK(quantile(values, 1) == 4);
  CHECK(quantile({}, 0.5) == 0);
}

TEST_CASE("bench report: the text has a line a row, medians in milliseconds") {
  std::ostringstream out;
  print_text(two_rows(), out);
  CHECK_THAT(out.str(), Contains("eager") && Contains("8x128") && Contains("200.0") && Contains("500.0 250.0 200.0"));
  CHECK_THAT(out.str(), Contains("a_longer_name.pt  torchscript") && Contains("2.000"));
  CHECK_THAT(out.str(), Contains("40.0"));  // 8 sequences in 0.2 s
}

TEST_CASE("bench report: JSON has every run") {
  const auto json = to_json(two_rows());
  CHECK(json["schema"] == "bertjit.bench/1");
  CHECK(json["rows"][0]["runs_s"] == std::vector<double>{0.2, 0.1, 0.4});
  CHECK(json["rows"][0]["median_s"] == 0.2);
  CHECK(json["rows"][1]["sequences_per_s"] == 500);
}

}  // namespace bertjit
