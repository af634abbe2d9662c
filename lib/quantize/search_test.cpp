// Models here are made so that it is known which layer loses the answers, and why.
#include "quantize/search.h"

#include <algorithm>

#include "module/module_testing.h"
#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::TempDir;
using testing::testdata;

namespace {

namespace jit = torch::jit;

constexpr int64_t kWidth = 8;

jit::Module linear(const at::Tensor& weight) {
  jit::Module layer("Linear");
  layer.register_parameter("weight", weight, /*is_buffer=*/false);
  layer.define("def forward(self, x):\n  return torch.linear(x, self.weight)\n");
  return layer;
}

/// +1, -1, +1, ...
at::Tensor signs(int64_t count) {
  return 1 - 2 * at::remainder(at::arange(count, at::kFloat), 2);
}

/// Answers by the mean of its words' numbers, which go through `dense` and `classifier`; of what `dense` gives the
/// classifier sees all from `first` on.
std::string save_model(const TempDir& folder, const at::Tensor& dense, const at::Tensor& classifier, int64_t first) {
  jit::Module words("Words");
  words.register_parameter("weight", (at::arange(61 * kWidth, at::kFloat) * 1.7).sin().reshape({61, kWidth}), false);
  jit::Module model("Model");
  model.register_module("words", words);
  model.register_module("dense", linear(dense));
  model.register_module("classifier", linear(classifier));
  model.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    mask = torch.unsqueeze(attention_mask, -1).float()
    numbers = torch.embedding(self.words.weight, input_ids) * mask
    hidden = self.dense.forward(torch.sum(numbers, [1]) / torch.sum(mask, [1]))
    return self.classifier.forward(torch.slice(hidden, 1, )" +
               std::to_string(first) + ", " + std::to_string(kWidth) + "))\n");
  return testing::save(model, folder / "model.pt");
}

/// The two classes are a thousandth apart, which no step of 1 / 127 shows: as int8 the classifier answers nothing.
std::string with_fine_classifier(const TempDir& folder) {
  const at::Tensor classifier = at::stack({at::ones(kWidth), 1 + 0.001 * signs(kWidth)});
  return save_model(folder, at::eye(kWidth), classifier, 0);
}

/// One row of `dense`, which nothing uses, is a thousand times the others: with one scale for all they become 0.
std::string with_great_row(const TempDir& folder) {
  at::Tensor dense = at::eye(kWidth);
  dense[0].mul_(1000);
  const at::Tensor classifier = signs(kWidth - 1);
  return save_model(folder, dense, at::stack({classifier, -classifier}), 1);
}

QuantizeOptions options_for(const std::string& model, const TempDir& folder) {
  QuantizeOptions options;
  options.source.path = model;
  options.output = (folder / "int8.pt").string();
  options.inputs.tokenizer = testdata("glue/two").string();
  options.task.data = testdata("glue").string();
  options.task.max_seq_length = 48;
  options.threads = 1;
  return options;
}

const QuantizedLayer& layer(const QuantizeResult& result, const std::string& name) {
  return *std::ranges::find(result.layers, name, &QuantizedLayer::name);
}

bool exists(const std::string& path) {
  return std::filesystem::exists(path);
}

}  // namespace

TEST_CASE("quantize: with rows and no limit the answers that changed are counted, and every layer is int8") {
  const TempDir folder;
  const QuantizeOptions options = options_for(with_fine_classifier(folder), folder);
  const QuantizeResult result = quantize(options);
  REQUIRE(result.task);
  CHECK(result.passed);
  CHECK(exists(options.output));
  CHECK(result.task->setting.rows == 21);
  CHECK(result.task->setting.metric == "f1");
  CHECK(result.task->trials.size() == 1);
  // Both logits are the same number, so the first class is every answer: what was the second has changed.
  const int64_t second = result.task->expected.classes[1].answered;
  CHECK(second > 3);
  CHECK(second < 21);
  CHECK(result.task->comparison.changed == second);
  CHECK(result.task->actual.classes[1].answered == 0);
  CHECK(layer(result, "classifier").quantized);
}

TEST_CASE("quantize: the layer that loses the answers stays float32, and only that one") {
  const TempDir folder;
  QuantizeOptions options = options_for(with_fine_classifier(folder), folder);
  for (const bool by_metric : {false, true}) {
    options.limits = {};
    if (by_metric) {
      options.limits.max_metric_drop = 0.05;
    } else {
      options.limits.max_flips = 1;
    }
    const QuantizeResult result = quantize(options);
    REQUIRE(result.task);
    CHECK(result.passed);
    CHECK(layer(result, "dense").quantized);
    CHECK_FALSE(layer(result, "classifier").quantized);
    CHECK(layer(result, "classifier").kept == (by_metric ? "--max-f1-drop" : "--max-flips"));
    REQUIRE(result.task->trials.size() == 2);
    CHECK_FALSE(result.task->trials[0].holds);
    CHECK(result.task->trials[1].holds);
    CHECK(result.task->trials[1].kept == std::vector<std::string>{"classifier"});
    CHECK(result.task->comparison.changed <= 1);
    // Records of the archive are aligned to 64 bytes.
    CHECK(static_cast<double>(result.task->trials[1].size_bytes) ==
          Approx(static_cast<double>(result.size_bytes)).margin(512));
    CHECK(result.task->ranked_layers == 2);
  }
}

TEST_CASE("quantize: a limit that only float32 would hold is answered no, and the file stays as it was") {
  const TempDir folder;
  QuantizeOptions options = options_for(with_fine_classifier(folder), folder);
  options.keep_fp32 = {"dense"};
  options.limits.max_flips = 1;
  testing::write_bytes(options.output, "as it was");
  const QuantizeResult result = quantize(options);
  CHECK_FALSE(result.passed);
  CHECK(result.output.empty());
  CHECK(testing::read_bytes(options.output) == "as it was");
  const auto check = std::ranges::find(result.checks, "task", &CheckResult::id);
  REQUIRE(check != result.checks.end());
  CHECK(check->verdict == Verdict::kFail);
  CHECK_THAT(check->summary, Contains("answers changed, at most 1 may") && Contains("0 of 1 layers in float32"));
}

TEST_CASE("quantize: auto takes the first scheme that holds the limit as it is") {
  const TempDir folder;
  QuantizeOptions options = options_for(with_great_row(folder), folder);
  options.scheme = QuantizeScheme::kAuto;
  options.limits.max_flips = 1;
  const QuantizeResult result = quantize(options);
  REQUIRE(result.task);
  CHECK(result.passed);
  CHECK(result.scheme == QuantizeScheme::kPerChannel);
  REQUIRE(result.task->trials.size() == 2);
  CHECK(result.task->trials[0].scheme == QuantizeScheme::kPerTensor);
  CHECK(result.task->trials[0].changed > 1);
  CHECK(layer(result, "dense").quantized);
  CHECK(layer(result, "classifier").quantized);
}

TEST_CASE("quantize: with rows, --sensitivity ranks the layers on them") {
  const TempDir folder;
  QuantizeOptions options = options_for(with_fine_classifier(folder), folder);
  options.sensitivity = true;
  const QuantizeResult result = quantize(options);
  REQUIRE(result.sensitivity.size() == 2);
  CHECK(result.task->ranked_rows == 21);  // fewer than four batches of eight
  CHECK(result.sensitivity[0].quantized);
}

TEST_CASE("quantize: limits that could not be held to are refused") {
  const TempDir folder;
  const std::string model = with_fine_classifier(folder);
  const auto complaint = [&](auto change) {
    QuantizeOptions options = options_for(model, folder);
    options.limits.max_flips = 1;
    change(options);
    const Error error = testing::error_of([&] { quantize(options); });
    CHECK(error.kind() == ErrorKind::kInvalidArgument);
    CHECK_FALSE(exists(options.output));
    return std::string(error.what());
  };
  CHECK_THAT(complaint([](auto& options) { options.task.data.clear(); }), Contains("--max-flips: needs --data"));
  CHECK_THAT(complaint([](auto& options) {
               options.scheme = QuantizeScheme::kAuto;
               options.limits = {};
             }),
             Contains("--scheme auto: needs --data, and"));
  CHECK_THAT(complaint([](auto& options) { options.task.task = "sts-b"; }), Contains("which do not flip"));
  CHECK_THAT(complaint([](auto& options) { options.task.task = "mnli"; }), Contains("mnli has 3 labels"));
  CHECK_THAT(complaint([](auto& options) { options.inputs.tokenizer.clear(); }), Contains("--data needs a tokenizer"));
}

TEST_CASE("quantize: a file without a linear layer is refused, and named") {
  const TempDir folder;
  QuantizeOptions options;
  options.source.path = testing::save(testing::scripted(testing::kSoundForward), folder / "tables.pt");
  options.output = (folder / "int8.pt").string();
  const Error error = testing::error_of([&] { quantize(options); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(error.what(), Contains("tables.pt: has no linear layer to quantize"));
  CHECK_FALSE(exists(options.output));
}

TEST_CASE("quantize: every engine that is known either runs or is refused with the names of those that are there") {
  const TempDir folder;
  QuantizeOptions options;
  options.source.path = testdata("tiny-bert-seqcls").string();
  options.output = (folder / "int8.pt").string();
  size_t ran = 0;
  for (const std::string engine : {"x86", "fbgemm", "onednn", "qnnpack"}) {
    options.engine = engine;
    try {
      CHECK(quantize(options).engine == engine);
      ++ran;
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kUnsupported);
      CHECK_THAT(error.what(), Contains("--engine " + engine) && Contains(" alone"));
    }
  }
  CHECK(ran > 0);
}

TEST_CASE("quantize: MNLI's two files are one set of rows") {
  const TempDir folder;
  QuantizeOptions options = options_for(testdata("glue/three").string(), folder);
  options.inputs.tokenizer.clear();
  options.task.task = "mnli";
  const QuantizeResult result = quantize(options);
  CHECK(result.task->setting.rows == 42);
  CHECK(result.task->setting.files.size() == 2);
  CHECK(result.task->setting.metric == "acc");
}

}  // namespace bertjit
