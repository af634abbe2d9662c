#include "bench/bench.h"

#include <filesystem>
#include <functional>
#include <limits>
#include <set>
#include <sstream>
#include <tuple>

#include "bench/measure.h"
#include "support/error.h"
#include "support/file.h"
#include "testing/testing.h"
#include "trace/trace.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

/// testdata/tiny-bert (at most 64 tokens) and others by path.
BenchOptions options_for(const std::vector<std::string>& models, int64_t runs = 2) {
  BenchOptions options;
  for (const std::string& model : models) {
    options.models.push_back({.path = model});
  }
  options.runs = runs;
  return options;
}

std::string tiny() {
  return testing::testdata("tiny-bert").string();
}

std::string traced(const testing::TempDir& folder) {
  TraceOptions options;
  options.source.path = tiny();
  options.output = (folder / "tiny.pt").string();
  trace(options);
  return options.output;
}

std::string refusal(const BenchOptions& options) {
  try {
    bench(options);
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("nothing was refused");
  return "";
}

}  // namespace

TEST_CASE("bench: rows go threads outermost, then shapes, then models, each with its first runs and those that count") {
  const testing::TempDir folder;
  BenchOptions options = options_for({tiny(), traced(folder)});
  options.batch = {1, 2};
  options.seq = {5, 9};
  options.threads = {1, 2};
  const BenchResult result = bench(options);
  REQUIRE(result.rows.size() == 16);
  for (size_t i = 0; i < result.rows.size(); ++i) {
    const BenchRow& row = result.rows[i];
    CHECK(row.kind == (i % 2 == 0 ? "eager" : "torchscript"));
    CHECK(row.shape == std::vector<int64_t>{i % 8 < 4 ? 1 : 2, i % 4 < 2 ? 5 : 9});
    CHECK(row.threads == (i < 8 ? 1 : 2));
    CHECK(row.first_s.size() == 3);
    CHECK(row.runs_s.size() == 2);
    CHECK(row.figures.median > 0);
  }
  CHECK(result.rows[0].speedup == 1);
  const auto& [first, second] = std::tie(result.rows[0].runs_s, result.rows[1].runs_s);
  CHECK(result.rows[1].speedup == Approx((first[0] / second[0] + first[1] / second[1]) / 2));  // median of two
  CHECK(result.environment.interop_threads >= 1);
}

TEST_CASE("bench: a model is described by its weights, its file and the time it took to open") {
  const testing::TempDir folder;
  const std::string file = traced(folder);
  const BenchResult result = bench(options_for({tiny(), file}, 1));
  CHECK(result.models[0].kind == "eager");
  CHECK(result.models[0].dtype == "float32");
  CHECK(result.models[1].kind == "torchscript");
  CHECK(result.models[1].size_bytes == std::filesystem::file_size(file));
  CHECK(result.models[1].open_s > 0);
}

TEST_CASE("bench: without a length it is 128, or what the models' positions allow") {
  const BenchResult result = bench(options_for({tiny()}, 1));
  CHECK(result.rows.at(0).shape == std::vector<int64_t>{1, 64});
}

TEST_CASE("bench: runs and seconds are both lower bounds, and without either a tiny model ends") {
  BenchOptions options;
  const RunLimits usual = limits_of(options);
  CHECK(usual.least == 10);
  CHECK(usual.least_s == 1);
  CHECK(usual.most == 1000);
  options.runs = 4;
  CHECK(limits_of(options).least == 4);
  CHECK(limits_of(options).least_s == 0);
  options.duration_s = 0.5;
  CHECK(limits_of(options).least_s == 0.5);
  CHECK(limits_of(options).most == std::numeric_limits<int64_t>::max());
  options.runs.reset();
  CHECK(limits_of(options).least == 10);

  options = options_for({tiny()}, 1);
  options.seq = {5};
  options.duration_s = 0.05;
  const BenchRow row = bench(options).rows.at(0);
  CHECK(row.figures.mean * static_cast<double>(row.runs_s.size()) >= 0.05);
}

TEST_CASE("bench: memory of a model is its own, whatever else is open") {
  const std::string model = tiny();
  BenchOptions options = options_for({model, model, model}, 1);
  options.seq = {64};
  const BenchResult result = bench(options);
  if (!result.rows[2].peak_bytes) {
    SUCCEED("skipped: this system does not say how large the resident set was");
    return;
  }
  // 60 kB of weights: of the hundreds of MB of the process nothing counts. The first model pays for what libtorch sets
  // up once.
  CHECK(*result.rows[2].peak_bytes < (16u << 20));
}

TEST_CASE("bench: progress is of the runs that were expected") {
  BenchOptions options = options_for({tiny()}, 4);
  options.warmup = 2;
  std::ostringstream err;
  Progress progress(err, {.shown = false, .unit = "runs"});
  options.progress = &progress;
  CHECK(bench(options).warmup == 2);
}

TEST_CASE("bench: what cannot be measured is refused before anything runs") {
  BenchOptions options = options_for({tiny()});
  options.seq = {8, 65};
  CHECK_THAT(refusal(options), Contains("1, 65") && Contains("max_position_embeddings 64"));
  CHECK_THAT(refusal(options_for({})), Contains("no model"));
  CHECK_THAT(refusal(options_for({tiny()}, 0)), Contains("at least one run"));
  options = options_for({tiny()});
  options.duration_s = std::numeric_limits<double>::quiet_NaN();
  CHECK_THAT(refusal(options), Contains("at least one run"));
  options = options_for({tiny()});
  options.inputs.text = "who was jim";
  options.seq = {8};
  CHECK_THAT(refusal(options), Contains("--batch, --seq, --texts and --data make inputs up"));
}

TEST_CASE("bench: more threads than cores are measured, with a note") {
  BenchOptions options = options_for({tiny()}, 1);
  options.threads = {1, 64};
  const BenchResult result = bench(options);
  if (result.environment.cores < 64) {
    REQUIRE(result.notes.size() == 1);
    CHECK_THAT(result.notes[0], Contains("--threads 64") && Contains("may use"));
  }
  options.threads = {0};
  const BenchResult all = bench(options);
  CHECK(all.rows[0].threads >= 1);
  CHECK(all.notes.empty());
}

TEST_CASE("bench: texts are counted by the first tokenizer among the models, and their padding is costed") {
  const testing::TempDir folder;
  write_file_atomically(folder / "texts.txt", "who was jim\nwho was jim\twho was\n\n");
  BenchOptions options = options_for({traced(folder), tiny()}, 1);
  options.texts.file = (folder / "texts.txt").string();
  options.batch = {1, 2};
  options.seq = {8, 4};
  const BenchResult result = bench(options);
  REQUIRE(result.texts.size() == 1);
  const BenchTexts& texts = result.texts[0];
  CHECK(texts.lengths == std::vector<int64_t>{5, 8, 2});
  CHECK(texts.max_length == 8);
  CHECK(texts.tokenizer == tiny());
  REQUIRE(texts.plans.size() == 6);
  CHECK(texts.plans[0].positions == 24);
  CHECK(texts.plans[1].positions == 15);
  CHECK(texts.plans[4].positions == 2 * 8 + 2);
  CHECK(texts.plans[0].costs.size() == 2);
  CHECK(texts.plans[0].costs[1].seconds == Approx(3 * result.rows[1].figures.median));  // rows[1]: tiny, 1x8

  options.models = {{.path = (folder / "tiny.pt").string()}};
  CHECK_THAT(refusal(options), Contains("need a tokenizer"));
  options.inputs.tokenizer = tiny();
  CHECK(bench(options).texts[0].tokens == 15);
}

TEST_CASE("bench: without lengths texts are measured at powers of two up to the greatest") {
  BenchOptions options = options_for({tiny()}, 1);
  options.texts.data = testing::testdata("glue").string();
  std::set<int64_t> lengths;
  for (const BenchRow& row : bench(options).rows) {
    lengths.insert(row.shape[1]);
  }
  CHECK(lengths == std::set<int64_t>{16, 32, 64});
}

}  // namespace bertjit
