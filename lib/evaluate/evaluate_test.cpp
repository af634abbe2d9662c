// References: testdata/glue/reference.json, what transformers 4.57.6 reads, tokenizes and answers
// (scripts/testdata_glue.py); for the checkpoint in shared/ its expected_logits_fp32.npy and expected.json.
#include "evaluate/evaluate.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "container/npy.h"
#include "module/load.h"
#include "module/module_testing.h"
#include "support/json.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "trace/trace.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

std::string glue(const std::string& name) {
  return testdata("glue/" + name).string();
}

EvalOptions options_for(const std::string& task, const std::vector<std::string>& models) {
  EvalOptions options;
  for (const std::string& model : models) {
    options.models.push_back({.path = model});
  }
  options.task = task;
  options.data = glue("");
  options.max_seq_length = 48;
  return options;
}

/// A trace of a checkpoint of testdata/glue.
std::string traced(const std::string& model, const TempDir& folder, bool fixed_shapes = false) {
  TraceOptions options;
  options.source.path = glue(model);
  options.output = (folder / "traced.pt").string();
  options.fixed_shapes = fixed_shapes;
  if (fixed_shapes) {
    options.inputs.input = {"input_ids=ones:8x48", "attention_mask=ones:8x48", "token_type_ids=zeros:8x48"};
  }
  REQUIRE(trace(options).passed);
  return options.output;
}

/// A module around the trace, without claims; `forward` calls self.model.
std::string wrapped(const std::string& trace_path, const std::string& forward, const TempDir& folder) {
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("model", load_module(trace_path).module);
  wrapper.register_attribute("training", c10::BoolType::get(), false);
  wrapper.define(forward);
  return testing::save(wrapper, folder / "wrapped.pt");
}

double largest_difference(const std::vector<double>& left, const std::vector<double>& right) {
  REQUIRE(left.size() == right.size());
  double largest = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    REQUIRE(std::isfinite(left[i] - right[i]));
    largest = std::max(largest, std::abs(left[i] - right[i]));
  }
  return largest;
}

std::vector<double> flat(const nlohmann::json& rows) {
  std::vector<double> values;
  for (const auto& row : rows) {
    values.insert(values.end(), row.begin(), row.end());
  }
  return values;
}

void check_metrics(const EvalScore& score, const nlohmann::json& expected) {
  CHECK(score.metrics.size() == expected.size());
  for (const EvalMetric& one : score.metrics) {
    INFO(one.name);
    // A correlation of scores that lie close together makes last bits of logits 5e-6.
    CHECK(one.value == Approx(expected.at(one.name).get<double>()).epsilon(1e-9).margin(2e-5));
  }
}

/// One case of reference.json. Correct float32 implementations differ here by up to about 4e-6.
void check_case(const nlohmann::json& reference, EvalPadding padding) {
  INFO(reference.at("task") << " " << reference.at("model"));
  const std::string name = reference.at("task");
  EvalOptions options = options_for(name == "mnli-mm" ? "mnli" : name, {testdata(reference.at("model")).string()});
  options.tokenizer = testdata(reference.at("tokenizer")).string();
  options.max_seq_length = reference.at("max_seq_length");
  options.padding = padding;
  const EvalResult result = evaluate(options);
  const auto data = std::ranges::find(result.data, name, &EvalData::name);
  REQUIRE(data != result.data.end());
  const EvalAnswers& answers = data->models.at(0);
  CHECK(data->path == glue("") + reference.at("file").get<std::string>());
  CHECK(largest_difference(flat(reference.at("logits")), answers.logits) < 2e-5);
  CHECK(result.models[0].labels == reference.at("labels").get<std::vector<std::string>>());
  std::vector<std::string> words;
  for (const int64_t answer : answers.answers) {
    words.push_back(result.classes.at(static_cast<size_t>(answer)));
  }
  CHECK(words == reference.at("answers").get<std::vector<std::string>>());
  check_metrics(*answers.score, reference.at("metrics"));
}

std::string refusal(const EvalOptions& options) {
  return error_of([&] { evaluate(options); }).what();
}

}  // namespace

TEST_CASE("evaluate: texts, labels, logits and metrics of every task are transformers' own") {
  const auto cases = read_json_file(testdata("glue/reference.json"));
  REQUIRE(cases.size() == 13);
  for (const auto& one : cases) {
    check_case(one, EvalPadding::kMax);
    check_case(one, EvalPadding::kLongest);
  }
}

TEST_CASE("evaluate: padding to the longest takes fewer positions and gives the same answers in the file's order") {
  EvalOptions options = options_for("mrpc", {glue("two")});
  options.max_seq_length = 60;
  const EvalAnswers full = evaluate(options).data[0].models[0];
  options.padding = EvalPadding::kLongest;
  const EvalAnswers sorted = evaluate(options).data[0].models[0];
  CHECK(largest_difference(full.logits, sorted.logits) < 1e-5);
  CHECK(full.answers == sorted.answers);
  CHECK(full.positions == 21 * 60);
  CHECK(full.tokens == sorted.tokens);
  CHECK(sorted.tokens <= sorted.positions);
  CHECK(sorted.positions < full.positions);
}

TEST_CASE("evaluate: a trace beside its checkpoint takes its tokenizer and changes no answer") {
  const TempDir folder;
  EvalOptions options = options_for("mrpc", {glue("two"), traced("two", folder)});
  options.threads = {1, 2};
  const EvalResult result = evaluate(options);
  REQUIRE(result.models.size() == 2);
  CHECK(result.models[0].kind == "eager");
  CHECK(result.models[1].kind == "torchscript");
  CHECK(result.models[1].dtype == "float32");
  CHECK(result.models[1].tokenizer == glue("two"));
  CHECK(result.models[1].tokenize_seconds == 0);
  REQUIRE(result.models[1].notes.size() == 1);
  CHECK_THAT(result.models[1].notes[0], Contains("with the tokenizer of " + glue("two")));
  const EvalAnswers& answers = result.data[0].models[1];
  REQUIRE(answers.against_first);
  CHECK(answers.against_first->changed == 0);
  CHECK(answers.against_first->mcnemar_p == 1);
  CHECK(answers.against_first->max_abs_logit_difference < 1e-5);
  REQUIRE(answers.timings.size() == 2);
  CHECK(answers.timings[1].threads == 2);
  CHECK(answers.timings[1].seconds > 0);
  CHECK(answers.timings[1].max_abs_difference < 1e-5);
}

TEST_CASE("evaluate: given labels say which output is which: exchanged, every answer is the other one") {
  const EvalResult plain = evaluate(options_for("mrpc", {glue("two")}));
  EvalOptions options = options_for("mrpc", {glue("two")});
  options.labels = {"1", "0"};
  const EvalResult turned = evaluate(options);
  CHECK(turned.models[0].labels_from == "--labels");
  const EvalAnswers& straight = plain.data[0].models[0];
  const EvalAnswers& reversed = turned.data[0].models[0];
  CHECK(straight.logits == reversed.logits);
  CHECK(straight.score->right + reversed.score->right == 21);
}

TEST_CASE("evaluate: a module alone needs --tokenizer, and one made with another tokenizer says so") {
  const TempDir folder;
  const std::string module = traced("two", folder);
  CHECK_THAT(
      refusal(options_for("mrpc", {module})),
      Contains("traced.pt: has no tokenizer of its own, and no checkpoint that has one is among the models; name "
               "the folder of its tokenizer with --tokenizer DIR"));
  CHECK_THAT(refusal(options_for("mrpc", {testdata("tiny-bert-seqcls").string(), module})),
             Contains("was made with another tokenizer than that of"));
  EvalOptions named = options_for("mrpc", {module});
  named.tokenizer = glue("two");
  CHECK(evaluate(named).models[0].notes.empty());
  CHECK_THAT(refusal(options_for("mrpc", {testdata("family/bert-regression").string()})),
             Contains("bert-regression: has no tokenizer; name"));
}

TEST_CASE("evaluate: a module of one shape runs, its last batch filled up") {
  const TempDir folder;
  EvalOptions options = options_for("mrpc", {glue("two"), traced("two", folder, /*fixed_shapes=*/true)});
  const EvalResult result = evaluate(options);  // 21 rows: 8, 8 and 5
  CHECK(result.data[0].models[1].against_first->max_abs_logit_difference < 1e-5);
  REQUIRE(result.models[1].notes.size() == 2);
  CHECK_THAT(result.models[1].notes[1], Contains("takes batches of 8 only; the last one was filled up"));
  options.task = "sst-2";  // single texts, which are not all cut to 48 tokens
  options.padding = EvalPadding::kLongest;
  CHECK_THAT(refusal(options), Contains("traced.pt: does not run on") && Contains("--padding max"));
}

TEST_CASE("evaluate: arguments with names and an order of their own are told by what the code does with them") {
  const TempDir folder;
  const std::string module = wrapped(traced("two", folder), R"(
def forward(self, m, x, s):
    return {"other": m, "logits": self.model.forward(x, m, s)[0]}
)",
                                     folder);
  const EvalResult result = evaluate(options_for("mrpc", {glue("two"), module}));
  CHECK(result.data[0].models[1].against_first->max_abs_logit_difference < 1e-5);
  const std::vector<std::string>& notes = result.models[1].notes;
  CHECK(std::ranges::any_of(notes, [](const std::string& note) {
    return note.find("takes m as attention_mask, x as input_ids, s as token_type_ids") != std::string::npos;
  }));
}

TEST_CASE("evaluate: a module without a mask is remarked on") {
  const TempDir folder;
  const std::string module = wrapped(traced("two", folder), R"(
def forward(self, input_ids):
    return self.model.forward(input_ids, torch.ones_like(input_ids), torch.zeros_like(input_ids))[0]
)",
                                     folder);
  const EvalResult result = evaluate(options_for("mrpc", {glue("two"), module}));
  CHECK_THAT(result.models[1].notes.back(), Contains("takes no attention_mask, so padding is text to it"));
  CHECK(result.data[0].models[1].against_first->max_abs_logit_difference > 1e-3);
}

TEST_CASE("evaluate: a model with another number of labels, or none, is refused before the work") {
  const std::string three = refusal(options_for("mrpc", {glue("two"), glue("three")}));
  CHECK_THAT(three,
             Contains("three: returns logits [8, 3] for 8 rows, and mrpc has 2 labels (0, 1), so logits [8, 2]"));
  CHECK_THAT(refusal(options_for("mnli", {glue("two")})), Contains("mnli has 3 labels"));
  CHECK_THAT(refusal(options_for("sts-b", {glue("two")})), Contains("sts-b has one score"));
  EvalOptions headless = options_for("mrpc", {testdata("tiny-bert").string()});
  CHECK_THAT(refusal(headless), Contains("returns last_hidden_state [8, 48, 32], pooler_output [8, 32]"));
}

TEST_CASE("evaluate: a length beyond the positions, and a tokenizer with more ids, are named") {
  EvalOptions options = options_for("mrpc", {glue("two")});
  options.max_seq_length = 65;
  CHECK_THAT(refusal(options), Contains("max_position_embeddings 64"));
  options.max_seq_length = 48;
  options.tokenizer = testdata("tiny-bert").string();
  CHECK_THAT(refusal(options), Contains("takes 0 to 60"));
}

TEST_CASE("evaluate: the test split gives answers and no figures") {
  EvalOptions options = options_for("mrpc", {glue("two"), glue("two")});
  options.split = "test";
  const EvalResult result = evaluate(options);
  const EvalData& data = result.data[0];
  CHECK_FALSE(data.has_labels);
  CHECK(data.baselines.empty());
  CHECK(data.models[0].answers.size() == 21);
  CHECK_FALSE(data.models[0].score);
  CHECK(data.models[1].against_first->changed == 0);
}

TEST_CASE("evaluate: half precision, random weights, limits and large batches are taken") {
  EvalOptions options = options_for("mrpc", {glue("two")});
  options.models[0].dtype = "bfloat16";
  options.limit = 5;
  options.batch_size = 100;
  const EvalResult result = evaluate(options);
  CHECK(result.models[0].dtype == "bfloat16");
  CHECK(result.data[0].models[0].answers.size() == 5);
  EvalOptions random = options_for("mrpc", {glue("two")});
  random.models[0].init = "random";
  CHECK(evaluate(random).data[0].models[0].answers.size() == 21);
}

TEST_CASE("evaluate: the fine-tuned checkpoint in shared/ answers MRPC as recorded") {
  SKIP_WITHOUT_SHARED("models/minilm-mrpc/expected_logits_fp32.npy");
  EvalOptions options = options_for("mrpc", {testing::shared("models/minilm-mrpc").string()});
  options.data = testing::shared("data/mrpc").string();
  options.max_seq_length = 128;
  options.threads = {0};
  const EvalResult result = evaluate(options);
  const EvalData& data = result.data[0];
  const TensorFile recorded = read_npy(testing::shared("models/minilm-mrpc/expected_logits_fp32.npy"));
  const auto bytes = recorded.tensors.at(0).bytes;
  std::vector<float> floats(bytes.size() / sizeof(float));
  std::memcpy(floats.data(), bytes.data(), bytes.size());
  const EvalScore& score = *data.models[0].score;
  CHECK(largest_difference({floats.begin(), floats.end()}, data.models[0].logits) < 2e-5);
  CHECK(score.right == 325);
  CHECK(score.accuracy == Approx(0.7965686274509803));
  CHECK(score.classes[1].f1 == Approx(0.8571428571428571));
  CHECK(score.classes[1].answered == 302);
  CHECK(data.baselines.at(1).score.accuracy == Approx(0.6838235294117647));
  CHECK(data.baselines.at(1).score.classes[1].f1 == Approx(0.8122270742358079));
  // Sorted by length, on the first rows.
  options.padding = EvalPadding::kLongest;
  options.limit = 64;
  const EvalAnswers sorted = evaluate(options).data[0].models[0];
  CHECK(largest_difference({floats.begin(), floats.begin() + 128}, sorted.logits) < 2e-5);
}

}  // namespace bertjit
