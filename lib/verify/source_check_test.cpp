// `source`: weights that were changed are named, as what, in files with names of their own, of others, and of none.
#include <functional>
#include <map>

#include <ATen/ATen.h>
#include <torch/csrc/jit/ir/ir.h>

#include "verify/verify_testing.h"

namespace bertjit {
namespace {

using Catch::Matchers::Contains;
using testing::evidence;
using testing::one_check;
using testing::options_for;
using testing::TempDir;

using Change = std::function<void(const torch::jit::Module&)>;

CheckResult against(const std::string& module, const std::string& source) {
  VerifyOptions options = options_for(module, "source");
  options.source.path = testing::testdata(source).string();
  return one_check(options);
}

LoadedModule load_traced(const std::string& model, const TempDir& dir) {
  return load_module(testing::traced(model, dir / "m.pt"));
}

/// A trace of testdata/`model` after `change`, as it is and, with `wrap`, as a part of another module.
CheckResult after(const std::string& model, const Change& change, bool wrap = false) {
  const TempDir dir;
  const LoadedModule loaded = load_traced(model, dir);
  const at::NoGradGuard no_grad;
  change(loaded.module);
  torch::jit::Module module = loaded.module;
  if (wrap) {
    module = torch::jit::Module("Exported");
    module.register_module("model", loaded.module);
    module.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    return self.model.forward(input_ids, attention_mask, token_type_ids)
)");
  }
  return against(testing::save(module, dir / "changed.pt", loaded.claims), model);
}

void change_parameter(const torch::jit::Module& module, const std::string& name,
                      const std::function<void(at::Tensor)>& change) {
  for (const auto& item : module.named_parameters()) {
    if (item.name == name) {
      change(item.value.detach());
      return;
    }
  }
  FAIL("no parameter " << name);
}

void swap_layers(const torch::jit::Module& module) {
  std::map<std::string, at::Tensor> weights;
  for (const auto& item : module.named_parameters()) {
    weights[item.name] = item.value.detach();
  }
  for (const auto& [name, weight] : weights) {
    const size_t at = name.find("layer.0.");
    if (at != std::string::npos) {
      const at::Tensor other = weights.at(std::string(name).replace(at, 8, "layer.1."));
      const at::Tensor kept = weight.clone();
      weight.copy_(other);
      other.copy_(kept);
    }
  }
}

TEST_CASE("source: what was done to weights is named, at the first module to blame") {
  const CheckResult noise = after("tiny-bert-seqcls", [](const torch::jit::Module& module) {
    change_parameter(module, "bert.encoder.layer.1.attention.self.query.weight",
                     [](at::Tensor w) { w.mul_(at::randn_like(w).mul_(1e-3).add_(1)); });
  });
  CHECK(noise.verdict == Verdict::kFail);
  CHECK(noise.where == "bert.encoder.layer.1.attention.self.query");
  CHECK_THAT(noise.summary, Contains("query.weight has noise of 0.00"));
  CHECK_FALSE(noise.advice.empty());
  const CheckResult swapped = after("tiny-bert-seqcls", swap_layers);
  CHECK(swapped.verdict == Verdict::kFail);
  CHECK(swapped.where == "bert.encoder.layer.0");
  CHECK_THAT(swapped.summary, Contains("exchanged"));
  const CheckResult half = after("tiny-bert-seqcls", [](const torch::jit::Module& module) {
    for (const auto& item : module.named_parameters()) {
      item.value.detach().copy_(item.value.to(at::kHalf));
    }
  });
  CHECK(half.verdict == Verdict::kFail);
  CHECK(half.where.empty());
  CHECK_THAT(half.summary, Contains("float16 and back"));
}

TEST_CASE("source: the network may be a part of another module; its weights go by the checkpoint's names") {
  const CheckResult clean = after(
      "tiny-bert-seqcls", [](const torch::jit::Module&) {}, /*wrap=*/true);
  INFO(clean.summary);
  CHECK(clean.verdict == Verdict::kPass);
  CHECK(evidence<std::vector<std::string>>(clean, "weights_not_in_the_file").empty());
  const CheckResult changed = after(
      "tiny-bert-seqcls",
      [](const torch::jit::Module& module) {
        change_parameter(module, "bert.encoder.layer.0.output.dense.weight", [](at::Tensor w) { w[3].add_(0.01); });
      },
      /*wrap=*/true);
  CHECK(changed.verdict == Verdict::kFail);
  CHECK(changed.where == "bert.encoder.layer.0.output.dense");
  CHECK_THAT(changed.summary, Contains("row 3"));
}

TEST_CASE("source: weights of a frozen file are told by where its code uses them") {
  const TempDir dir;
  TraceOptions options;
  options.source.path = testing::testdata("tiny-bert").string();
  options.output = (dir / "frozen.pt").string();
  options.freeze = true;
  REQUIRE(trace(options).passed);
  const CheckResult clean = against(options.output, "tiny-bert");
  INFO(clean.summary);
  CHECK(clean.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(clean, "weights_compared") > 30);
  LoadedModule loaded = load_module(options.output);
  const at::NoGradGuard no_grad;
  int found = 0;
  for (const auto* node : loaded.module.get_method("forward").graph()->nodes()) {
    if (node->kind() == c10::prim::Constant && node->output()->type()->isSubtypeOf(*c10::TensorType::get()) &&
        node->t(c10::attr::value).sizes() == at::IntArrayRef({64, 32}) && found++ == 1) {
      node->t(c10::attr::value).mul_(1.01);  // positions [64, 32] are the first, layer 0's intermediate the second
    }
  }
  REQUIRE(found > 1);
  const CheckResult changed = against(testing::save(loaded.module, dir / "c.pt", loaded.claims), "tiny-bert");
  CHECK(changed.verdict == Verdict::kFail);
  CHECK(changed.where == "encoder.layer.0.intermediate.dense");
  CHECK_THAT(changed.summary, Contains("times 1.01"));
}

TEST_CASE("source: a float16 file is the float32 checkpoint's if its bits are those of the cast") {
  const TempDir dir;
  TraceOptions options;
  options.source.path = testing::testdata("tiny-bert").string();
  options.source.dtype = "float16";
  options.output = (dir / "half.pt").string();
  options.check = false;
  trace(options);
  LoadedModule loaded = load_module(options.output);
  CHECK(against(options.output, "tiny-bert").verdict == Verdict::kPass);
  const at::NoGradGuard no_grad;
  // One step of float16.
  change_parameter(loaded.module, "pooler.dense.weight", [](at::Tensor w) { w[0][0].mul_(1 + 0x1p-10); });
  const CheckResult changed = against(testing::save(loaded.module, dir / "c.pt", loaded.claims), "tiny-bert");
  CHECK(changed.verdict == Verdict::kFail);
  CHECK(changed.where == "pooler.dense");
}

}  // namespace
}  // namespace bertjit
