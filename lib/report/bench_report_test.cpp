#include "report/bench_report.h"

#include <sstream>

#include "report/bench_svg.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;

namespace {

BenchRow row(const std::string& model, std::vector<int64_t> shape, int threads, double median) {
  BenchRow row{.model = model, .kind = "torchscript", .inputs = "shape", .shape = std::move(shape), .threads = threads};
  row.first_s = {0.5, 0.25, 0.2};
  row.runs_s = {median, median};
  row.figures = {.mean = median, .median = median, .min = median * 0.9, .max = median * 1.2, .quartiles = median * 0.1};
  row.peak_bytes = 91'000'000;
  return row;
}

Environment environment() {
  return {"2.13.0", "EPYC", "AVX512", {"avx512_vnni"}, 2, 1, "ATen parallel backend: OpenMP\n"};
}

BenchResult two_models() {
  BenchResult result{.environment = environment(), .int8_engine = "x86"};
  result.models = {{"./bert", "eager", "float32", 438'000'000, 0.25, 1'000'000, {}},
                   {"bert_int8.pt", "torchscript", "int8", 0, 0.125, std::nullopt, {"a note"}}};
  result.rows = {row("./bert", {8, 128}, 1, 0.2), row("bert_int8.pt", {8, 128}, 1, 0.1)};
  result.rows[1].speedup = 2;
  return result;
}

std::string text_of(const BenchResult& result, BenchDetail detail = BenchDetail::kUsual) {
  std::ostringstream out;
  print_text(result, detail, out);
  return out.str();
}

}  // namespace

TEST_CASE("bench report: the text") {
  CHECK_THAT(text_of(two_models()),
             Equals(R"(EPYC, 2 cores, AVX512 (avx512_vnni); libtorch 2.13.0, 1 inter-op thread, int8 by x86

  model         runs         weights    size  opened in  memory then
  ./bert        untraced     float32  438 MB    0.250 s      1.00 MB
  bert_int8.pt  torchscript  int8          -    0.125 s            -

Milliseconds a batch, inference mode:
  model         shape  threads  run 1  run 2  run 3  runs  median   mean    min    max  spread
  ./bert        8x128        1  500.0  250.0  200.0     2   200.0  200.0  180.0  240.0  10.0 %
  bert_int8.pt  8x128        1  500.0  250.0  200.0     2   100.0  100.0  90.00  120.0  10.0 %
  whether times were steady cannot be told from fewer than 10 runs

Throughput at the median, and memory:
  model         shape  threads  seq/s  tokens/s  peak memory   speed
  ./bert        8x128        1   40.0     5,120      91.0 MB  1.00 x
  bert_int8.pt  8x128        1   80.0    10,240      91.0 MB  2.00 x
)"));
  CHECK_THAT(text_of(two_models(), BenchDetail::kVerbose), Contains("ATen parallel backend"));
}

TEST_CASE("bench report: a percentile has a column where a row has runs enough for it") {
  BenchResult result = two_models();
  result.rows[0].figures.p90 = 0.25;
  result.rows[0].figures.settled = true;
  result.rows[1].figures.settled = false;
  result.rows[1].figures.drift = -0.125;
  const std::string text = text_of(result);
  CHECK_THAT(text, Contains("min    p90    max"));
  CHECK_THAT(text, Contains("180.0  250.0  240.0") && Contains("90.00      -  120.0"));
  CHECK_THAT(text, !Contains("p99"));
  CHECK_THAT(text, Contains("not steady: bert_int8.pt, 8x128, 1 thread") && Contains("took 12.5 % less time"));
}

TEST_CASE("bench report: inputs that are no texts have a shape, and no batch, length or throughput") {
  BenchResult result{.environment = environment(), .int8_engine = "x86"};
  result.models = {{"loop.py:fn", "eager", "", 0, 0.5, std::nullopt, {}}};
  result.rows = {row("loop.py:fn", {3, 4, 5}, 1, 0.2)};
  const auto json = to_json(result);
  CHECK(json["rows"][0]["shape"] == std::vector<int64_t>{3, 4, 5});
  CHECK(json["rows"][0]["batch"].is_null());
  CHECK(json["rows"][0]["sequences_per_s"].is_null());
  CHECK(json["models"][0]["dtype"].is_null());
  CHECK_THAT(text_of(result), Contains("3x4x5") && !Contains("speed"));
}

TEST_CASE("bench report: JSON has every run, and null for what they do not support") {
  const auto json = to_json(two_models());
  CHECK(json["schema"] == "bertjit.bench/1");
  CHECK(json["rows"][0]["runs_s"] == std::vector<double>{0.2, 0.2});
  CHECK(json["rows"][0]["median_s"] == 0.2);
  CHECK(json["rows"][0]["p99_s"].is_null());
  CHECK(json["rows"][0]["settled"].is_null());
  CHECK(json["rows"][0]["batch"] == 8);
  CHECK(json["rows"][1]["sequences_per_s"] == 80);
  CHECK(json["rows"][1]["tokens_per_s"] == 80 * 128);
  CHECK(json["rows"][1]["speedup"] == 2);
  CHECK(json["models"][1]["notes"][0] == "a note");
  CHECK(json["environment"]["cpu_features"][0] == "avx512_vnni");
}

TEST_CASE("bench report: padding is said with what it costs") {
  BenchResult result = two_models();
  BenchTexts texts{.path = "texts.txt", .tokenizer = "./bert", .max_length = 8, .cut = 1, .lengths = {2, 8, 4}};
  texts.tokens = 14;
  texts.plans = {{8, "max", false, 24, {{"./bert", 1, 0.5}}}, {8, "longest", true, 16, {{"./bert", 1, 2.5}}}};
  result.texts = {texts};
  const std::string text = text_of(result);
  CHECK_THAT(text, Contains("Padding of texts.txt: 3 texts, 14 tokens with the tokenizer of ./bert; 1 cut to 8"));
  CHECK_THAT(text, Contains("tokens 2 to 8, mean 4.7, a quarter up to 2, half to 4, three quarters to 8"));
  CHECK_THAT(text, Contains("8  max        as given          24   41.7 %  0.5000 s"));  // 10 of 24
  CHECK_THAT(text, Contains("8  longest    by length         16   12.5 %    2.50 s"));  // 2 of 16
  CHECK(to_json(result)["texts"][0]["plans"][1]["sorted"] == true);
}

TEST_CASE("bench report: the plot is one document without scripts, with a panel for each batch and threads") {
  BenchResult result = two_models();
  result.rows.push_back(row("./bert", {8, 32}, 1, 0.05));
  result.rows.push_back(row("./bert", {1, 32}, 4, 0.01));
  result.models[0].name = result.rows[0].model = "<b> & \"\x1b[1m";
  const std::string svg = bench_svg(result, "bertjit bench <b> --svg x.svg");
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(svg.ends_with("</svg>\n"));
  CHECK_THAT(svg, Contains("batch 8, 1 thread") && Contains("batch 1, 4 threads"));
  CHECK_THAT(svg, Contains("sequence length (tokens)") && Contains("milliseconds a batch"));
  CHECK_THAT(svg, Contains("prefers-color-scheme: dark") && Contains("fewer than 10 runs"));
  CHECK_THAT(svg, Contains("&lt;b&gt; &amp;") && !Contains("<b>") && !Contains("\x1b") && !Contains("<script"));
}

TEST_CASE("bench report: where there is one length the plot goes by batch, then by threads, then by shape") {
  BenchResult result = two_models();
  result.rows = {row("m", {1, 128}, 1, 0.1), row("m", {8, 128}, 1, 0.2)};
  CHECK_THAT(bench_svg(result, ""), Contains("batch size (sequences)") && Contains("length 128, 1 thread"));
  result.rows = {row("m", {8, 128}, 1, 0.1), row("m", {8, 128}, 2, 0.2)};
  CHECK_THAT(bench_svg(result, ""), Contains(">threads<") && Contains("length 128, batch 8"));
  result.rows = {row("m", {3, 4, 5}, 1, 0.1), row("m", {}, 1, 0.2)};
  CHECK_THAT(bench_svg(result, ""), Contains("shape of the first input") && Contains(">3x4x5<") && Contains(">-<"));
}

TEST_CASE("bench report: times of any size fit into the plot") {
  for (const double seconds : {1e-9, 1e-6, 9.99e-4, 1e-3, 0.5, 1.0, 1e4}) {
    for (const double factor : {1.0, 1.5, 10.0, 1e6}) {
      INFO(seconds << " and " << seconds * factor);
      BenchResult result = two_models();
      result.rows = {row("m", {1, 8}, 1, seconds), row("m", {1, 128}, 1, seconds * factor)};
      const std::string svg = bench_svg(result, "");
      CHECK_THAT(svg, !Contains("nan") && !Contains("inf"));
      CHECK(svg.size() < 20'000);
    }
  }
}

}  // namespace bertjit
