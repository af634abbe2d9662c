#include "report/drawn_evidence.h"

#include <sstream>

#include "report/check_report.h"
#include "report/verify_testing.h"

namespace bertjit {
namespace {

using testing::grid_rows;
using testing::histogram_rows;
using testing::layer_rows;

TEST_CASE("read_layers: rows of the form are read in order, others are not") {
  const auto layers = read_layers({"layers", layer_rows()});
  REQUIRE(layers);
  CHECK(layers->size() == 37);
  CHECK((*layers)[1].module == "bert.encoder.layer.0.attention.self.query");
  CHECK((*layers)[1].op == "aten::linear");
  CHECK((*layers)[1].max_abs_error == 1e-7);
  CHECK((*layers)[1].sqnr_db == 128.25);
  CHECK_FALSE(read_layers({"tensors", layer_rows()}));
  CHECK_FALSE(read_layers({"layers", EvidenceRows{}}));
  CHECK_FALSE(read_layers({"layers", int64_t{12}}));
  CHECK_FALSE(read_layers({"layers", EvidenceRows{{{"module", std::string("a")}}}}));
  // A whole number is a number.
  CHECK(read_layers({"layers", EvidenceRows{{{"module", std::string("a")}, {"max_abs_error", int64_t{0}}}}}));
}

TEST_CASE("blamed_layer: the module that the check names, or one within; else where the error grows most") {
  const auto layers = *read_layers({"layers", layer_rows()});
  CHECK(layers[blamed_layer(layers, "bert.encoder.layer.3.output")].module == "bert.encoder.layer.3.output");
  CHECK(layers[blamed_layer(layers, "bert.encoder.layer.1")].module == "bert.encoder.layer.1.attention.self.query");
  // A prefix of the text is not a part of the path: layer.1 is not layer.11.
  CHECK(layers[blamed_layer(layers, "bert.encoder.layer.11")].module == "bert.encoder.layer.11.attention.self.query");
  for (const std::string where : {"", "2x33", "pooler_output"}) {
    CHECK(layers[blamed_layer(layers, where)].module == "bert.encoder.layer.7.attention.self.query");
  }
}

TEST_CASE("blamed_layer: an operator between two layers shows at the next one") {
  const std::vector<DrawnLayer> layers{{"layer.0.intermediate.dense", "aten::linear", 0, std::nullopt},
                                       {"layer.0.output.dense", "aten::linear", 6e-4, std::nullopt},
                                       {"layer.0.output", "aten::add", 6.5e-4, std::nullopt},
                                       {"layer.1.intermediate.dense", "aten::linear", 7e-4, std::nullopt},
                                       {"layer.1.output.dense", "aten::linear", 8e-4, std::nullopt}};
  CHECK(blamed_layer(layers, "layer.0.intermediate") == 1);
  CHECK(blamed_layer(layers, "layer.0") == 1);
  // What only hands on the error of others is marked itself.
  CHECK(blamed_layer(layers, "layer.1.intermediate") == 3);
}

TEST_CASE("blamed_layer: zeros, NaN and infinities have a place") {
  const auto at = [](const std::vector<double>& errors) {
    std::vector<DrawnLayer> layers;
    for (const double error : errors) {
      layers.push_back({"m", "", error, std::nullopt});
    }
    return blamed_layer(layers, "");
  };
  CHECK(at({0, 0, 0}) == 0);
  CHECK(at({0, 1e-9, 2e-9, 0.5, 0.6}) == 3);
  CHECK(at({1e-7, std::nan(""), 1e-7}) == 1);
  CHECK(at({1e-7, 1e-6, HUGE_VAL, std::nan("")}) == 2);
}

TEST_CASE("read_grid: batches and lengths are sorted, cells found, the smallest of an outcome told") {
  const auto grid = read_grid({"grid", grid_rows()});
  REQUIRE(grid);
  CHECK(grid->batches == std::vector<int64_t>{1, 2, 3});
  CHECK(grid->lengths == std::vector<int64_t>{1, 2, 3, 7, 14, 33, 64, 65});
  CHECK(grid->find(2, 33)->outcome == ShapeOutcome::kWrongNumbers);
  CHECK(grid->find(2, 34) == nullptr);
  CHECK(grid->smallest(ShapeOutcome::kFails) == std::pair<int64_t, int64_t>{3, 14});
  CHECK(grid->smallest(ShapeOutcome::kRefused) == std::pair<int64_t, int64_t>{1, 65});
  CHECK_FALSE(read_grid({"grid", EvidenceRows{}}));
  const EvidenceFields unknown = {{"batch", int64_t{1}}, {"length", int64_t{1}}, {"outcome", std::string("maybe")}};
  CHECK_FALSE(read_grid({"grid", EvidenceRows{unknown}}));
}

TEST_CASE("read_histograms: one for each output, a negative count is none") {
  const auto histograms = read_histograms({"error_histogram", histogram_rows()});
  REQUIRE(histograms);
  REQUIRE(histograms->size() == 2);
  CHECK((*histograms)[1].output == "pooler_output");
  CHECK((*histograms)[1].bins.size() == 5);
  CHECK((*histograms)[0].bins[2].count == 151296);
  const EvidenceFields negative = {{"output", std::string("x")}, {"from", 0.0}, {"to", 1.0}, {"count", int64_t{-1}}};
  CHECK_FALSE(read_histograms({"error_histogram", EvidenceRows{negative}}));
}

std::string text(const CheckResult& check) {
  std::ostringstream out;
  print_checks({check}, Color::kNo, out);
  return out.str();
}

TEST_CASE("print_checks: a grid of shapes is a small table with a legend and the smallest of each trouble") {
  CHECK(text({"shapes", Verdict::kFail, "wrong numbers", "2x33", {{"grid", grid_rows()}}, "Record sizes."}) ==
        "fail  shapes  wrong numbers\n"
        "              where: 2x33\n"
        "              to mend: Record sizes.\n"
        "              grid:\n"
        "                batch \\ length  1  2  3  7  14  33  64  65\n"
        "                             1  .  .  .  .   .   .   .   -\n"
        "                             2  .  .  .  .   .   !   .   -\n"
        "                             3  .  .  .  .   x   x   x   -\n"
        "                . works   x fails   ! wrong numbers   - refused\n"
        "                3x14 fails: The size of tensor a (14) must match\n"
        "                2x33 wrong numbers: pooler_output differs by up to 0.31\n"
        "                1x65 refused: index out of range in self\n");
}

TEST_CASE("print_checks: lengths that do not fit into a line go on below, shapes that were not tried are blank") {
  EvidenceRows rows;
  for (int64_t length = 1; length <= 40; ++length) {
    rows.push_back({{"batch", length % 2 + 1}, {"length", length * 100}, {"outcome", std::string("works")}});
  }
  std::string refusal;
  for (int i = 0; i < 30; ++i) {
    refusal += "a long refusal ";
  }
  rows.push_back(
      {{"batch", int64_t{3}}, {"length", int64_t{1}}, {"outcome", std::string("fails")}, {"detail", refusal}});
  std::istringstream lines(text({"shapes", Verdict::kWarn, "", "", {{"grid", rows}}}));
  size_t heads = 0;
  for (std::string line; std::getline(lines, line);) {
    CHECK(line.size() <= 100);
    heads += line.find("batch \\ length") != std::string::npos ? 1 : 0;
  }
  CHECK(heads == 4);
}

TEST_CASE("print_checks: of errors by layer those around the blamed one are listed") {
  const std::string printed = text(
      {"source", Verdict::kFail, "differs", "bert.encoder.layer.7.attention.self.query", {{"layers", layer_rows()}}});
  CHECK(printed ==
        "fail  source  differs\n"
        "              where: bert.encoder.layer.7.attention.self.query\n"
        "              layers:\n"
        "                … 18 before\n"
        "                   module                                     operator      max_abs_error  sqnr_db\n"
        "                   bert.encoder.layer.5.output                aten::linear          6e-07    128.2\n"
        "                   bert.encoder.layer.6.attention.self.query  aten::linear          7e-07    128.2\n"
        "                   bert.encoder.layer.6.attention.output      aten::linear          7e-07    128.2\n"
        "                   bert.encoder.layer.6.output                aten::linear          7e-07    128.2\n"
        "                >  bert.encoder.layer.7.attention.self.query  aten::linear          0.088     31.5\n"
        "                   bert.encoder.layer.7.attention.output      aten::linear          0.088     31.5\n"
        "                   bert.encoder.layer.7.output                aten::linear          0.088     31.5\n"
        "                   bert.encoder.layer.8.attention.self.query  aten::linear          0.099     31.5\n"
        "                … 11 after, in the JSON report\n");
}

}  // namespace
}  // namespace bertjit
