#include "conform/conform.h"

#include "conform/free_devices.h"
#include "conform/misfits.h"
#include "infer/batch.h"
#include "module/module_testing.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::scripted;
using testing::TempDir;
using testing::write_bytes;

namespace {

/// What check `target` says of a scripted module, on four ids.
CheckResult fit(const std::string& target, const std::string& code, const std::optional<Claims>& claims = std::nullopt,
                const std::function<void(torch::jit::Module&)>& change = {}) {
  torch::jit::Module module = scripted(code);
  if (change) {
    change(module);
  }
  ModuleRunner runner({module, std::nullopt}, "m.pt");
  const BoundBatch example =
      bind_batch({"four ids", {{"input_ids", at::arange(4, at::kLong).unsqueeze(0)}}}, runner.signature());
  return check_target(load_target(target), {runner, example, claims, {}});
}

/// The rows of `findings`.
EvidenceRows findings(const CheckResult& result) {
  for (const auto& item : result.evidence) {
    if (item.key == "findings") {
      return std::get<EvidenceRows>(item.value);
    }
  }
  return {};
}

std::string text(const EvidenceFields& row, const std::string& key) {
  for (const auto& item : row) {
    if (item.key == key) {
      return std::get<std::string>(item.value);
    }
  }
  return "";
}

std::string with_line(const std::string& line) {
  return "def forward(self, input_ids):\n    x = torch.embedding(self.word_embeddings.weight, input_ids)\n    " + line +
         "\n    return x * self.scale\n";
}

const std::string kSound = with_line("x = x + x");

}  // namespace

TEST_CASE("target: a module of operators, devices and dtypes that all targets have fits each but for its shapes") {
  for (const std::string target : {"cpu", "cuda", "mobile", "neuron-inf1"}) {
    const CheckResult result = fit(target, kSound);
    INFO(target << ": " << result.summary);
    CHECK(result.id == "target");
    CHECK(result.verdict == Verdict::kPass);
    CHECK(findings(result).empty());
  }
  CHECK_THAT(fit("neuron-inf1", kSound).summary, Contains("aten::embedding runs on the host's CPU"));
  CHECK_THAT(fit("mobile", kSound).summary, Contains("the lite interpreter gives the same outputs"));
}

TEST_CASE("target: an operator that is not on a target's list is named with its line and how often it is used") {
  const CheckResult result = fit("neuron-inf1", with_line("x = torch.cumprod(torch.cumprod(x, 0), 0)"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary,
             Contains("does not fit neuron-inf1: aten::cumprod in the model is not among the operators"));
  REQUIRE(findings(result).size() == 1);
  const EvidenceFields row = findings(result)[0];
  CHECK(text(row, "rule") == "operator");
  CHECK(text(row, "what") == "aten::cumprod");
  CHECK(text(row, "module").empty());
  CHECK(std::get<int64_t>(row.back().value) == 2);
}

TEST_CASE("target: fused attention is refused for Inferentia, with the way out, and taken elsewhere") {
  const std::string code =
      with_line("y = x.unsqueeze(0)\n    x = torch.scaled_dot_product_attention(y, y, y).squeeze(0)");
  const CheckResult refused = fit("neuron-inf1", code);
  CHECK(refused.verdict == Verdict::kFail);
  CHECK_THAT(refused.summary, Contains("aten::scaled_dot_product_attention") && Contains("--attention eager"));
  for (const std::string target : {"cpu", "cuda", "mobile"}) {
    const CheckResult taken = fit(target, code);
    INFO(taken.summary);
    CHECK(taken.verdict == Verdict::kPass);
  }
}

TEST_CASE("target: a device of another kind is found, and for GPUs one that is left open") {
  const std::string on_cpu = with_line(R"(x = x + torch.ones([4], device="cpu"))");
  const CheckResult baked = fit("cuda", on_cpu);
  CHECK(baked.verdict == Verdict::kFail);
  CHECK_THAT(baked.summary, Contains("aten::ones in the model has device cpu baked in"));
  CHECK(fit("cpu", on_cpu).verdict == Verdict::kPass);

  const CheckResult open = fit("cuda", with_line("x = x + torch.ones([4])"));
  CHECK(open.verdict == Verdict::kFail);
  CHECK_THAT(open.summary, Contains("aten::ones in the model names no device, and makes its tensor on the CPU"));

  CHECK(fit("cuda", with_line("x = x + torch.ones([4], device=x.device)")).verdict == Verdict::kPass);
  CHECK(fit("cuda", with_line("x = x + torch.ones_like(x)")).verdict == Verdict::kPass);
  CHECK(fit("cuda", with_line("x = x + torch.tensor(1.5)")).verdict == Verdict::kPass);
  CHECK(fit("cuda", with_line("x = x + torch.tensor([1.5, 2., 3., 4.])")).verdict == Verdict::kFail);

  // Also in a branch that does not run.
  const CheckResult gpu = fit("cpu", with_line("if x.size(0) > 9:\n        x = x.to(\"cuda:1\")"));
  CHECK(gpu.verdict == Verdict::kFail);
  CHECK_THAT(gpu.summary, Contains("has device cuda:1 baked in"));
}

TEST_CASE("target: an operator that has no kernel for CPUs does not fit the CPU, also where it does not run") {
  const CheckResult result = fit("cpu",
                                 "def forward(self, input_ids):\n"
                                 "    x = torch.embedding(self.word_embeddings.weight, input_ids)\n"
                                 "    if x.size(0) > 9:\n"
                                 "        x = torch.cudnn_grid_sampler(x, x)\n"
                                 "    return x * self.scale\n");
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("aten::cudnn_grid_sampler in the model has no kernel for CPUs"));
}

TEST_CASE("target: weights of a dtype that a target does not compute in are named, the module in front") {
  const auto halve = [](torch::jit::Module& module) {
    module.attr("word_embeddings")
        .toModule()
        .setattr("weight", module.attr("word_embeddings").toModule().attr("weight").toTensor().detach().to(at::kHalf));
  };
  const CheckResult result = fit("mobile", kSound, std::nullopt, halve);
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "word_embeddings");
  CHECK_THAT(result.summary, Contains("word_embeddings.weight in word_embeddings is float16"));
}

TEST_CASE("target: where shapes are to be fixed, claims and code that take others do not fit") {
  Claims dynamic;
  dynamic.dynamic_length = true;
  const CheckResult claimed = fit("neuron-inf1", kSound, dynamic);
  CHECK(claimed.verdict == Verdict::kFail);
  CHECK_THAT(claimed.summary, Contains("forward in the model is said to take every batch size or length"));

  const CheckResult read = fit("neuron-inf1", with_line("x = x.view(x.size(0), 4, 4)"));
  CHECK(read.verdict == Verdict::kFail);
  CHECK_THAT(read.summary, Contains("aten::size in the model asks for a size of its input"));
  CHECK(fit("mobile", with_line("x = x.view(x.size(0), 4, 4)"), dynamic).verdict == Verdict::kPass);

  const CheckResult other = fit("neuron-inf1", with_line("x = x.view(1, 3, 4)"));
  CHECK(other.verdict == Verdict::kFail);
  CHECK_THAT(other.summary, Contains("does not take the example (four ids)"));
}

TEST_CASE("target: of a module that does not take the example nothing is said of the lite interpreter") {
  CHECK_THROWS_AS(fit("mobile", with_line("x = x.view(1, 3, 4)")), RunError);
}

TEST_CASE(
    "free_devices: what was made on the CPU or moved there takes its device from a tensor, with the same numbers") {
  torch::jit::Module module = scripted(R"(
def forward(self, input_ids):
    positions = torch.arange(4, device="cpu")
    x = torch.embedding(self.word_embeddings.weight, input_ids + positions)
    return x.to("cpu") * self.scale
)");
  const at::Tensor ids = at::arange(4, at::kLong);
  const at::Tensor before = module.clone().forward({ids}).toTensor();
  free_devices(module);
  CHECK(at::equal(module.forward({ids}).toTensor(), before));
  CHECK(find_misfits(module, load_target("cuda")).misfits.empty());
}

TEST_CASE("target: an example without a length is padded to the longest, where the target asks for that") {
  Signature signature;
  signature.max_positions = 64;
  const auto padded = [&](const std::string& target, const InputOptions& options) {
    return inputs_for(load_target(target), signature, options).pad_to;
  };
  CHECK(padded("neuron-inf1", {}) == 64);
  CHECK(padded("neuron-inf1", {.text = "a"}) == 64);
  CHECK(padded("neuron-inf1", {.pad_to = 32}) == 32);
  CHECK(padded("neuron-inf1", {.inputs = "batch.npz"}) == std::nullopt);
  CHECK(padded("mobile", {}) == std::nullopt);
}

}  // namespace bertjit
