#include "report/eval_report.h"

#include <limits>
#include <sstream>

#include "container/npz.h"
#include "report/eval_files.h"
#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::TempDir;

namespace {

EvalScore score(int64_t right, double f1) {
  EvalScore made{.metrics = {{"acc", 0.25 * static_cast<double>(right)}, {"f1", f1}, {"acc_and_f1", f1 / 2}},
                 .right = right,
                 .accuracy = 0.25 * static_cast<double>(right)};
  made.classes = {{.name = "0", .labelled = 1}, {.name = "1", .labelled = 3, .precision = 0.5, .recall = 1, .f1 = f1}};
  made.confusion = {{0, 1}, {4 - right, right - 1}};
  return made;
}

/// Two models on four pairs.
EvalResult mrpc_result() {
  EvalResult result{.task = "mrpc", .split = "dev", .classes = {"0", "1"}, .positive = "1"};
  result.max_seq_length = 128;
  result.batch_size = 8;
  result.padding = "max";
  result.models = {
      {.name = "model", .kind = "eager", .dtype = "float32", .size_bytes = 438'000'000, .labels = {"0", "1"}},
      {.name = "int8.pt", .kind = "torchscript", .dtype = "int8", .size_bytes = 181'000'000}};
  EvalData data{.name = "mrpc", .path = "dev.tsv", .lines = {2, 3, 4, 5}, .labels = {0, 1, 1, 1}};
  data.baselines = {{"0", score(1, 0)}, {"1", score(3, 0.8571)}};
  data.models = {{.outputs = 2,
                  .logits = {0.5, 1, -0.25, 2, 0, 1, 1, 0},
                  .answers = {1, 1, 1, 0},
                  .timings = {{1, 160, 0}, {4, 85.04, 0}},
                  .score = score(2, 0.9019)},
                 {.outputs = 2,
                  .logits = {0.1, 1, -0.25, 2, 0, 1, 0, 1},
                  .answers = {1, 1, 1, 1},
                  .timings = {{1, 90, 0}, {4, 46, 0}},
                  .score = score(3, 0.902)}};
  data.models[1].against_first =
      EvalComparison{{{"acc", 0.25}, {"f1", 0.0001}}, 1.0, 0.3, /*changed=*/1, /*only_first=*/0, /*only_this=*/1, 1.0};
  result.data = {data};
  return result;
}

std::string text_of(const EvalResult& result) {
  std::ostringstream out;
  print_text(result, out);
  return out.str();
}

}  // namespace

TEST_CASE("eval report: the tutorial's table, with the difference it should have computed") {
  CHECK(text_of(mrpc_result()) ==
        "mrpc: dev.tsv, 4 rows (1 of class 0, 3 of class 1); at most 128 tokens, batches of 8, padding max\n"
        "\n"
        "model     weights  accuracy  precision  recall      F1    size  1 thread  4 threads  F1 diff.  changed\n"
        "model     float32    0.5000     0.5000  1.0000  0.9019  438 MB   160.0 s     85.0 s\n"
        "int8.pt   int8       0.7500     0.5000  1.0000  0.9020  181 MB    90.0 s     46.0 s   +0.0001        1\n"
        "always 0             0.2500     0.5000  1.0000  0.0000\n"
        "always 1             0.7500     0.5000  1.0000  0.8571\n"
        "\n"
        "int8.pt beside model\n"
        "  1 of 4 answers changed, 1 for the better, 0 for the worse (McNemar p 1)\n"
        "  outputs differ by up to 1, 0.3 on average\n"
        "  1.78 x the speed on 1 thread, 1.85 x on 4\n"
        "\n"
        "label \\ answer     0  1\n"
        "model           0  0  1\n"
        "                1  2  1\n"
        "int8.pt         0  0  1\n"
        "                1  1  2\n");
}

TEST_CASE("eval report: without labels there are no figures") {
  EvalResult result = mrpc_result();
  EvalData& data = result.data[0];
  data.has_labels = false;
  data.baselines.clear();
  for (EvalAnswers& answers : data.models) {
    answers.score.reset();
  }
  const std::string text = text_of(result);
  CHECK_THAT(text, Contains("4 rows without labels; at most"));
  CHECK_THAT(text, Contains("1 of 4 answers changed\n") && !Contains("McNemar") && !Contains("label \\ answer"));
  CHECK(to_json(result)["data"][0]["models"][0]["score"].is_null());
  CHECK(eval_results_text(result, 0).empty());
}

TEST_CASE("eval report: JSON has every figure, and NaN as a word") {
  EvalResult result = mrpc_result();
  result.data[0].models[1].against_first->max_abs_logit_difference = std::numeric_limits<double>::quiet_NaN();
  const auto json = to_json(result);
  CHECK(json["schema"] == "bertjit.eval/1");
  CHECK(json["models"][1]["size_bytes"] == 181'000'000);
  const auto& data = json["data"][0];
  CHECK(data["rows"] == 4);
  CHECK(data["baselines"][1]["answer"] == "1");
  CHECK(data["models"][0]["against_first"].is_null());
  CHECK(data["models"][0]["score"]["metrics"]["f1"] == 0.9019);
  CHECK(data["models"][1]["against_first"]["max_abs_logit_difference"] == "nan");
  CHECK(data["models"][1]["against_first"]["only_this_right"] == 1);
  CHECK(data["models"][1]["timings"][0]["seconds"] == 90);
}

TEST_CASE("eval files: eval_results.txt is sorted and its numbers are Python's") {
  // print("%s = %s" % (key, str(value))) of Python 3.11.
  EvalResult result = mrpc_result();
  result.data[0].models[0].score->metrics = {{"f1", 0.8571428571428571}, {"acc", 1}, {"acc_and_f1", 0.1 + 0.2}};
  CHECK(eval_results_text(result, 0) == "acc = 1.0\nacc_and_f1 = 0.30000000000000004\nf1 = 0.8571428571428571\n");
}

TEST_CASE("eval files: .npz has the logits of each model, the labels and the lines") {
  const TempDir folder;
  write_logits(folder / "l.npz", mrpc_result());
  const TensorFile file = read_npz(folder / "l.npz");
  REQUIRE(file.tensors.size() == 4);
  const TensorView* second = file.find("logits.1");
  REQUIRE(second != nullptr);
  CHECK(second->shape == std::vector<int64_t>{4, 2});
  CHECK(second->dtype == DType::kFloat64);  // 0.1 is no float32
  CHECK(file.find("logits.0")->dtype == DType::kFloat32);
  CHECK(file.find("labels")->dtype == DType::kInt64);
  CHECK(file.find("lines") != nullptr);
}

TEST_CASE("eval files: .json has every row, and other names are refused") {
  const TempDir folder;
  EvalResult result = mrpc_result();
  result.data[0].models[0].answers[3] = -1;
  result.data[0].models[0].logits[6] = std::numeric_limits<double>::quiet_NaN();
  write_logits(folder / "l.json", result);
  const auto json = nlohmann::json::parse(testing::read_bytes(folder / "l.json"));
  CHECK(json["schema"] == "bertjit.eval-logits/1");
  const auto& rows = json["answers"][0]["rows"];
  REQUIRE(rows.size() == 4);
  CHECK(rows[1]["line"] == 3);
  CHECK(rows[1]["logits"] == std::vector<double>{-0.25, 2});
  CHECK(rows[1]["answer"] == "1");
  CHECK(rows[0]["label"] == "0");
  CHECK(rows[3]["answer"].is_null());
  CHECK(rows[3]["logits"][0] == "nan");
  CHECK_THAT(testing::error_of([&] { write_logits("l.txt", result); }).what(), Contains("ends in .npz or .json"));
}

}  // namespace bertjit
