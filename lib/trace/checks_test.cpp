// Each check of `trace`, passing on a sound network and failing on one that a trace cannot hold.
#include "trace/checks.h"

#include "infer/batch.h"
#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

/// What is wrong with a network, from the point of view of a trace.
enum class Flaw {
  kNone,
  kBakesSize,    ///< a size is taken as a number: the trace repeats the example's
  kBakesBranch,  ///< another computation for long inputs
  kCounts,       ///< what it computes depends on how often it was called
  kRandom,       ///< draws random numbers
  kFailsLater,   ///< a shape is taken as a number: the trace fails at other lengths
};

int g_calls = 0;

/// A word table and a function of it, with a flaw.
template <Flaw kFlaw>
class FlawedModel : public Model {
 public:
  explicit FlawedModel(const ModelParts& parts) : FlawedModel(parts, Node(parts.tree, "tests.FlawedModel")) {}

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const override {
    at::Tensor x = at::embedding(table_, inputs[0]);
    const int64_t length = inputs[0].size(1);
    switch (kFlaw) {
      case Flaw::kBakesSize:
        x = x + static_cast<double>(length);
        break;
      case Flaw::kBakesBranch:
        x = length > 5 ? x.relu() : x.sin();
        break;
      case Flaw::kCounts:
        x = x * static_cast<double>(++g_calls);
        break;
      case Flaw::kRandom:
        x = x + at::rand({8});
        break;
      case Flaw::kFailsLater:
        x = x + at::ones({length, 1});
        break;
      case Flaw::kNone:
        break;
    }
    return c10::ivalue::Tuple::create({x.cos()});
  }

 private:
  FlawedModel(const ModelParts& parts, Node root) : Model(parts, root) {
    table_ =
        root.child("word_embeddings", "torch.nn.modules.sparse.Embedding").parameter("weight", {10, 8}, Init::kNormal);
    description_.inputs = {{"input_ids", InputDefault::kRequired, 10}};
    description_.outputs = {"output"};
    description_.max_positions = 64;
  }

  at::Tensor table_;
};

/// A model with the flaw, its trace at [1, 4], and the three checks on them.
template <Flaw kFlaw>
struct Traced {
  std::unique_ptr<Model> model = build_model(
      {"", Config(nlohmann::json::object(), "config.json"), std::nullopt}, random_options(),
      {"tests", "FlawedModel", "",
       [](const ModelParts& parts) -> std::unique_ptr<Model> { return std::make_unique<FlawedModel<kFlaw>>(parts); }});
  RecordableModel program{*model, "the model"};
  BoundBatch example = batch(4);
  RandomState before;
  Recording recording = record_model(*model, example.tensors(), {GradMode::kOn, Shapes::kDynamic});
  ModuleRunner runner{{recording.module, std::nullopt}, "the trace", &model->description()};

  static ModelOptions random_options() {
    ModelOptions options;
    options.random_seed = 1;
    return options;
  }
  BoundBatch batch(int64_t length) const {
    const Signature signature = model_signature(model->description(), "the model");
    Batch made = shape_batch({1, length}, signature, 1);
    made.origin = "shape 1x" + std::to_string(length);
    return bind_batch(made, signature);
  }
  CheckResult example_check() {
    return check_example(runner, example, recording.outputs, before);
  }
  CheckResult retrace_check() {
    return check_retrace(program, runner, example, {GradMode::kOn, Shapes::kDynamic}, before);
  }
  CheckResult inputs_check(const std::vector<int64_t>& lengths) {
    std::vector<BoundBatch> batches;
    for (const int64_t length : lengths) {
      batches.push_back(batch(length));
    }
    return check_inputs(program, runner, batches, {.record = {GradMode::kOn, Shapes::kDynamic}});
  }
};

int64_t number(const CheckResult& result, const std::string& key) {
  for (const auto& item : result.evidence) {
    if (item.key == key) {
      return std::get<int64_t>(item.value);
    }
  }
  FAIL("no evidence " << key);
  return 0;
}

}  // namespace

TEST_CASE("trace checks: a sound network passes all three") {
  Traced<Flaw::kNone> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  const CheckResult retrace = traced.retrace_check();
  CHECK(retrace.verdict == Verdict::kPass);
  CHECK(number(retrace, "graph_lines") > 3);
  const CheckResult inputs = traced.inputs_check({1, 4, 9});
  CHECK(inputs.verdict == Verdict::kPass);
  CHECK(number(inputs, "inputs") == 3);
  CHECK(number(inputs, "failed") == 0);
}

TEST_CASE("trace checks: without further inputs check-inputs is skipped, not passed") {
  Traced<Flaw::kNone> traced;
  const CheckResult result = traced.inputs_check({});
  CHECK(result.verdict == Verdict::kSkip);
  CHECK_THAT(result.summary, Contains("--check-inputs"));
}

TEST_CASE("trace checks: a weight changed after recording fails example and names the output") {
  Traced<Flaw::kNone> traced;
  {
    const at::NoGradGuard no_grad;
    (*traced.recording.module.parameters().begin()).add_(1e-3);
  }
  const CheckResult result = traced.example_check();
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "output");
  CHECK_THAT(result.summary, Contains("18 of 32 elements"));
}

TEST_CASE("trace checks: a network that draws random numbers passes with the same ones, fails with others, and warns") {
  Traced<Flaw::kRandom> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  CHECK(traced.inputs_check({4, 7}).verdict == Verdict::kPass);
  CHECK(check_example(traced.runner, traced.example, traced.recording.outputs, RandomState::seeded(99)).verdict ==
        Verdict::kFail);
  const auto random = check_nondeterminism(traced.program, traced.runner, traced.example, {}, GradMode::kOn);
  REQUIRE(random);
  CHECK(random->verdict == Verdict::kWarn);
  CHECK_THAT(random->summary, Contains("aten::rand"));
}

TEST_CASE("trace checks: a network that counts its calls fails retrace, and the constant's line is named") {
  Traced<Flaw::kCounts> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  const CheckResult result = traced.retrace_check();
  CHECK(result.verdict == Verdict::kFail);
  CHECK(number(result, "different_lines") >= 1);
  CHECK(result.where == "graph line " + std::to_string(number(result, "first_line")));
}

TEST_CASE("trace checks: a baked size passes on the example and fails check-inputs at another length") {
  Traced<Flaw::kBakesSize> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  CHECK(traced.retrace_check().verdict == Verdict::kPass);
  const CheckResult result = traced.inputs_check({4, 7, 2, 4});
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "shape 1x7");
  CHECK(number(result, "inputs") == 4);
  CHECK(number(result, "failed") == 2);  // the first that fails does not stop the others
  CHECK_THAT(result.summary, Contains("2 of 4 further inputs differ"));
}

TEST_CASE("trace checks: a branch taken by the example fails check-inputs where the other one is") {
  Traced<Flaw::kBakesBranch> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  CHECK(traced.inputs_check({3, 5}).verdict == Verdict::kPass);
  const CheckResult result = traced.inputs_check({3, 6});
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "shape 1x6");
}

TEST_CASE("trace checks: an input on which the trace fails is a failed check with libtorch's words") {
  Traced<Flaw::kFailsLater> traced;
  CHECK(traced.example_check().verdict == Verdict::kPass);
  const CheckResult result = traced.inputs_check({6, 4});
  CHECK(result.verdict == Verdict::kFail);
  CHECK(number(result, "failed") == 1);
  CHECK_THAT(result.summary, Contains("The size of tensor a (6) must match the size of tensor b (4)"));
}

}  // namespace bertjit
