#include "report/bench_report.h"

#include <sstream>

#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

BenchResult two_rows() {
  return {"AVX2",
          {{"./bert", "eager", "shape 8x128", {8, 128}, 1, {0.5, 0.25, 0.2}, {0.2, 0.1, 0.4}},
           {"a_longer_name.pt", "torchscript", "shape 1x7", {1, 7}, 4, {0.003}, {0.002}}}};
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
  CHECK(json["rows"][0]["inputs"] == "shape 8x128");
  CHECK(json["rows"][0]["batch"] == 8);
}

TEST_CASE("bench report: inputs that are no texts have a shape, and no batch, length or sequences a second") {
  const BenchResult result{"AVX2", {{"loop.py:fn", "eager", "--input", {3, 4, 5}, 1, {0.5}, {0.2}}}};
  const auto json = to_json(result);
  CHECK(json["rows"][0]["shape"] == std::vector<int64_t>{3, 4, 5});
  CHECK(json["rows"][0]["batch"].is_null());
  CHECK(json["rows"][0]["sequences_per_s"].is_null());
  std::ostringstream out;
  print_text(result, out);
  CHECK_THAT(out.str(), Contains("3x4x5"));
}

}  // namespace bertjit
