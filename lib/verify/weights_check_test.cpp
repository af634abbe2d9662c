// `weights`, and what it reads of one tensor. Files are traces of testdata/ with one thing done to their weights.
#include <cmath>
#include <functional>
#include <limits>

#include <ATen/ATen.h>
#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "recognise/recognise_testing.h"
#include "verify/verify_testing.h"
#include "verify/weight_scan.h"

namespace bertjit {
namespace {

using Catch::Matchers::Contains;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::TempDir;
using testing::traced;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kInf = std::numeric_limits<float>::infinity();

at::Tensor parameter(const torch::jit::Module& module, const std::string& name) {
  for (const auto& item : module.named_parameters()) {
    if (item.name == name) {
      return item.value.detach();
    }
  }
  FAIL("no parameter " << name);
  return {};
}

/// The check's answer on a trace of testdata/`model` after `change`.
CheckResult check_changed(const std::string& model, const std::function<void(torch::jit::Module&)>& change) {
  const TempDir dir;
  LoadedModule loaded = load_module(traced(model, dir / "m.pt"));
  const at::NoGradGuard no_grad;
  change(loaded.module);
  return one_check(options_for(testing::save(loaded.module, dir / "changed.pt", loaded.claims), "weights"));
}

std::vector<std::string> finding_ids(const CheckResult& result) {
  std::vector<std::string> ids;
  for (const auto& row : evidence<EvidenceRows>(result, "findings")) {
    ids.push_back(std::get<std::string>(row[0].value));
  }
  return ids;
}

TEST_CASE("scan_weight: counts what is no number, denormal or zero, in every dtype") {
  for (const at::ScalarType dtype : {at::kFloat, at::kDouble, at::kHalf, at::kBFloat16}) {
    INFO(dtype);
    at::Tensor weight = at::arange(1, 25, at::kFloat).reshape({6, 4}).to(dtype);
    WeightScan scan = scan_weight(weight);
    CHECK(scan.elements == 24);
    CHECK(scan.is_finite());
    CHECK(scan.varies);
    CHECK_FALSE(scan.is_zero);
    CHECK(scan.zero_rows.empty());
    CHECK(scan.zero_columns == 0);
    CHECK(scan.denormals == 0);
    weight[2].zero_();
    weight.select(1, 3).zero_();
    weight[4][1] = kNan;
    weight[4][2] = -kInf;
    scan = scan_weight(weight);
    CHECK(scan.nans == 1);
    CHECK(scan.infinities == 1);
    CHECK(scan.first_non_finite == 4);
    CHECK(scan.zero_rows == std::vector<int64_t>{2});
    CHECK(scan.zero_columns == 1);
  }
  // The least denormals of IEEE 754: 2^-149 in binary32, 2^-24 in binary16.
  CHECK(scan_weight(at::full({3}, 0x1p-149)).denormals == 3);
  CHECK(scan_weight(at::full({3}, 0x1p-126)).denormals == 0);
  CHECK(scan_weight(at::full({3}, 0x1p-24, at::kHalf)).denormals == 3);
  CHECK(scan_weight(at::zeros({3, 2})).is_zero);
  CHECK(scan_weight(at::full({3, 2}, -0.f)).is_zero);
  CHECK_FALSE(scan_weight(at::ones({3, 2})).varies);
  CHECK(scan_weight(at::empty({0})).elements == 0);
}

TEST_CASE("scan_weight: tells float32 numbers that a 16-bit format holds") {
  const at::Tensor weight = at::linspace(-1, 1, 64).sin();
  CHECK_FALSE(scan_weight(weight).fits_float16);
  CHECK_FALSE(scan_weight(weight).fits_bfloat16);
  CHECK(scan_weight(weight.to(at::kHalf).to(at::kFloat)).fits_float16);
  CHECK_FALSE(scan_weight(weight.to(at::kHalf).to(at::kFloat)).fits_bfloat16);
  CHECK(scan_weight(weight.to(at::kBFloat16).to(at::kFloat)).fits_bfloat16);
  // 131072 is a bfloat16 and no float16.
  CHECK_FALSE(scan_weight(at::full({4}, 131072.f)).fits_float16);
}

TEST_CASE("weights: a trace is sound, and says so") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(traced("tiny-bert", dir / "m.pt"), "weights"));
  INFO(result.summary);
  CHECK(result.verdict == Verdict::kPass);
  CHECK(result.where.empty());
  CHECK(result.advice.empty());
  CHECK(evidence<int64_t>(result, "tensors") == 39);
  CHECK(evidence<EvidenceRows>(result, "findings").empty());
}

TEST_CASE("weights: NaN and infinity fail, even in a row that no token of the example uses") {
  const CheckResult nan = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "embeddings.word_embeddings.weight")[160].fill_(kNan);
  });
  CHECK(nan.verdict == Verdict::kFail);
  CHECK(nan.where == "embeddings.word_embeddings");
  CHECK_THAT(nan.summary, Contains("32 NaN") && Contains("row 160"));
  CHECK_FALSE(nan.advice.empty());
  const CheckResult infinite = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "encoder.layer.1.output.dense.bias")[3] = kInf;
  });
  CHECK(infinite.verdict == Verdict::kFail);
  CHECK(infinite.where == "encoder.layer.1.output.dense");
  CHECK_THAT(infinite.summary, Contains("1 infinite"));
}

TEST_CASE("weights: NaN is found in a frozen file, under the checkpoint's name") {
  const TempDir dir;
  TraceOptions options;
  options.source.path = testing::testdata("tiny-bert").string();
  options.output = (dir / "frozen.pt").string();
  options.freeze = true;
  REQUIRE(trace(options).passed);
  LoadedModule loaded = load_module(options.output);
  // Without names nothing says how many words there are.
  const auto check = [](const std::string& path) {
    VerifyOptions asked = options_for(path, "weights");
    asked.inputs.input = {"input_ids=randint(0,163):1x9", "attention_mask=ones:1x9:int64",
                          "token_type_ids=zeros:1x9:int64"};
    return one_check(asked);
  };
  CHECK(check(options.output).verdict == Verdict::kPass);
  const at::NoGradGuard no_grad;
  for (const auto* node : loaded.module.get_method("forward").graph()->nodes()) {
    if (node->kind() == c10::prim::Constant && node->output()->type()->isSubtypeOf(*c10::TensorType::get()) &&
        node->t(c10::attr::value).sizes() == at::IntArrayRef({163, 32})) {
      node->t(c10::attr::value)[5].fill_(kNan);
    }
  }
  const CheckResult result = check(testing::save(loaded.module, dir / "n.pt", loaded.claims));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "embeddings.word_embeddings");
}

TEST_CASE("weights: a matrix of zeros fails; zero biases, the row of padding and an unused segment table do not") {
  const CheckResult matrix = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "encoder.layer.0.attention.self.key.weight").zero_();
  });
  CHECK(matrix.verdict == Verdict::kFail);
  CHECK(matrix.where == "encoder.layer.0.attention.self.key");
  const CheckResult norm = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "encoder.layer.0.output.LayerNorm.weight").zero_();
  });
  CHECK(norm.verdict == Verdict::kFail);
  CHECK(norm.where == "encoder.layer.0.output.LayerNorm");
  const CheckResult honest = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "encoder.layer.0.output.dense.bias").zero_();
    parameter(module, "embeddings.word_embeddings.weight")[0].zero_();
    parameter(module, "embeddings.token_type_embeddings.weight").zero_();
  });
  CHECK(honest.verdict == Verdict::kPass);
}

TEST_CASE("weights: zero rows of a linear layer, many denormals and a copied layer are warnings") {
  const CheckResult rows = check_changed("tiny-bert", [](torch::jit::Module& module) {
    parameter(module, "encoder.layer.0.intermediate.dense.weight")[7].zero_();
  });
  CHECK(rows.verdict == Verdict::kWarn);
  CHECK(rows.where == "encoder.layer.0.intermediate.dense");
  CHECK_THAT(rows.summary, Contains("1 zero row") && Contains("is 7"));
  const CheckResult denormals = check_changed(
      "tiny-bert", [](torch::jit::Module& module) { parameter(module, "pooler.dense.weight").mul_(1e-40); });
  CHECK(denormals.verdict == Verdict::kWarn);
  CHECK(denormals.where == "pooler.dense");
  const CheckResult copied = check_changed("tiny-bert", [](torch::jit::Module& module) {
    for (const auto& item : module.named_parameters()) {
      const size_t at = item.name.find("layer.1.");
      if (at != std::string::npos) {
        item.value.detach().copy_(parameter(module, std::string(item.name).replace(at, 8, "layer.0.")));
      }
    }
  });
  CHECK(copied.verdict == Verdict::kWarn);
  CHECK(copied.where == "encoder.layer.1");
  CHECK_THAT(copied.summary, Contains("encoder.layer.1 holds the weights of encoder.layer.0"));
}

TEST_CASE("weights: tied weights stored twice are waste, shared they are not, and drifted they fail") {
  const TempDir dir;
  TraceOptions options;
  options.source.path = testing::testdata("tiny-bert-mlm").string();
  options.output = (dir / "shared.pt").string();
  options.source.model.tie = Tie::kShare;
  REQUIRE(trace(options).passed);
  const CheckResult shared = one_check(options_for(options.output, "weights"));
  INFO(shared.summary);
  CHECK(shared.verdict == Verdict::kPass);
  const CheckResult twice = check_changed("tiny-bert-mlm", [](torch::jit::Module&) {});
  CHECK(twice.verdict == Verdict::kWarn);
  CHECK(twice.where == "cls.predictions.decoder");
  // 163 tokens x 32 x 4 bytes.
  CHECK_THAT(twice.summary, Contains("20864 bytes"));
  const CheckResult drifted = check_changed("tiny-bert-mlm", [](torch::jit::Module& module) {
    parameter(module, "cls.predictions.decoder.weight").mul_(1.001).add_(1e-4);
  });
  CHECK(drifted.verdict == Verdict::kFail);
  CHECK(drifted.where == "cls.predictions.decoder");
  const CheckResult one_row = check_changed("tiny-bert-mlm", [](torch::jit::Module& module) {
    parameter(module, "cls.predictions.decoder.weight")[50].add_(0.1);
  });
  CHECK(one_row.verdict == Verdict::kFail);
  CHECK_THAT(one_row.summary, Contains("row 50"));
  // Trained apart from the beginning.
  const CheckResult untied = check_changed("tiny-bert-mlm", [](torch::jit::Module& module) {
    at::Tensor weight = parameter(module, "cls.predictions.decoder.weight");
    weight.copy_(weight.flip(1));
  });
  CHECK(untied.verdict == Verdict::kPass);
}

TEST_CASE("weights: parameters and buffers that no code reads are waste, but for ids that networks make anew") {
  const TempDir dir;
  const std::string code = testing::kSoundForward;
  torch::jit::Module module = testing::scripted(code);
  torch::jit::Module head("Head");
  head.register_parameter("weight", at::ones({4, 4}).tril(), /*is_buffer=*/false);
  module.register_module("unused_head", head);
  module.register_buffer("position_ids", at::arange(16));
  const CheckResult result = one_check(options_for(testing::save(module, dir / "m.pt"), "weights"));
  CHECK(result.verdict == Verdict::kWarn);
  CHECK(result.where == "unused_head");
  CHECK_THAT(result.summary, Contains("64 bytes"));
  CHECK(evidence<std::vector<std::string>>(result, "unused_parameters") ==
        std::vector<std::string>{"unused_head.weight"});
  CHECK(testing::check_scripted("weights", code).verdict == Verdict::kPass);
  torch::jit::Module with_cache = testing::scripted(code);
  with_cache.register_buffer("cache", at::ones({4, 4}).tril());
  const CheckResult cache = one_check(options_for(testing::save(with_cache, dir / "c.pt"), "weights"));
  CHECK(cache.verdict == Verdict::kWarn);
  CHECK(evidence<std::vector<std::string>>(cache, "unused_buffers") == std::vector<std::string>{"cache"});
}

TEST_CASE("weights: a mask of -inf in a buffer is honest, NaN in one is not") {
  const TempDir dir;
  const std::string code = R"(
def forward(self, input_ids):
    return torch.embedding(self.word_embeddings.weight, input_ids) * self.scale + self.mask
)";
  for (const float value : {-kInf, kNan}) {
    torch::jit::Module module = testing::scripted("");
    module.register_buffer("mask", at::tensor({0.f, 0.f, 0.f, value}));
    module.define(code);
    const CheckResult result = one_check(options_for(testing::save(module, dir / "m.pt"), "weights"));
    CHECK(result.verdict == (std::isnan(value) ? Verdict::kFail : Verdict::kPass));
    CHECK(result.where == (std::isnan(value) ? "mask" : ""));
  }
}

TEST_CASE("weights: numbers that went through float16 or int8 are told, and are no fault without a source") {
  const CheckResult half = check_changed("tiny-bert", [](torch::jit::Module& module) {
    for (const auto& item : module.named_parameters()) {
      item.value.detach().copy_(item.value.to(at::kHalf));
    }
  });
  CHECK(half.verdict == Verdict::kPass);
  CHECK_THAT(half.summary, Contains("float16"));
  CHECK(evidence<std::string>(half, "exact_in") == "float16");
  const CheckResult grid = check_changed("tiny-bert", [](torch::jit::Module& module) {
    const at::Tensor weight = parameter(module, "encoder.layer.0.attention.self.key.weight");
    weight.copy_(at::fake_quantize_per_tensor_affine(weight, 0.01, 0, -128, 127));
  });
  CHECK(grid.verdict == Verdict::kPass);
  CHECK_THAT(grid.summary, Contains("grid of int8"));
  CHECK(finding_ids(grid).empty());
}

/// Puts int8 in place of one linear layer, as torch.ao.quantization.quantize_dynamic does.
void pack(const torch::jit::Module& root, const std::string& path) {
  for (const auto& item : root.named_modules()) {
    if (item.name != path) {
      continue;
    }
    torch::jit::Module module = item.value;
    const at::Tensor weight = module.attr("weight").toTensor().detach();
    const double scale = weight.abs().max().item<double>() / 127;
    const c10::IValue packed = testing::packed_int8(at::quantize_per_tensor(weight, scale, 0, at::kQInt8),
                                                    module.attr("bias").toTensor().detach());
    module.register_attribute("_packed_params", packed.type(), packed);
    const auto graph = module.get_method("forward").graph();
    for (torch::jit::Node* node : graph->nodes()) {
      if (node->kind() == c10::aten::linear) {
        const torch::jit::WithInsertPoint guard(node);
        torch::jit::Value* attribute = graph->insertGetAttr(graph->inputs()[0], "_packed_params");
        attribute->setType(packed.type());
        node->output()->replaceAllUsesWith(graph->insert(c10::Symbol::fromQualString("quantized::linear_dynamic"),
                                                         {node->input(0), attribute, false}));
      }
    }
    torch::jit::EliminateDeadCode(graph);
  }
}

TEST_CASE("weights: int8 fails where float32 is claimed, and not where int8 is") {
  const TempDir dir;
  LoadedModule loaded = load_module(traced("tiny-bert", dir / "m.pt"));
  pack(loaded.module, "encoder.layer.0.output.dense");
  const CheckResult silent =
      one_check(options_for(testing::save(loaded.module, dir / "s.pt", loaded.claims), "weights"));
  CHECK(silent.verdict == Verdict::kFail);
  CHECK(silent.where == "encoder.layer.0.output.dense");
  CHECK_THAT(silent.summary, Contains("1 layer of int8 where float32 is claimed"));
  loaded.claims->dtype = "int8";
  const CheckResult honest =
      one_check(options_for(testing::save(loaded.module, dir / "h.pt", loaded.claims), "weights"));
  // What was packed is left behind, and nobody reads it.
  CHECK(honest.verdict == Verdict::kWarn);
  CHECK(finding_ids(honest) == std::vector<std::string>{"unused"});
  CHECK(evidence<std::vector<std::string>>(honest, "unused_parameters") ==
        std::vector<std::string>{"encoder.layer.0.output.dense.weight", "encoder.layer.0.output.dense.bias"});
}

}  // namespace
}  // namespace bertjit
