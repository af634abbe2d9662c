// The checks that run a module alone, without a reference: grad-mode, roundtrip, repeat, train-mode.
#include <algorithm>

#include <torch/csrc/jit/frontend/resolver.h>
#include <torch/csrc/jit/frontend/sugared_value.h>

#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::check_scripted;
using testing::embedding_forward;
using testing::evidence;
using testing::field;
using testing::kSoundForward;
using testing::one_check;
using testing::options_for;
using testing::save;
using testing::scripted;
using testing::TempDir;
using testing::testdata;
using testing::traced;

namespace {

const EvidenceRows& rows(const CheckResult& result, const std::string& key) {
  static EvidenceRows found;
  found = evidence<EvidenceRows>(result, key);
  return found;
}

/// Knows `dropped(x, train)` besides what TorchScript does: a function that is called, as torch.nn.functional.dropout
/// is.
struct DropoutResolver : torch::jit::Resolver {
  DropoutResolver() : unit(std::make_shared<torch::jit::CompilationUnit>()) {
    unit->define(c10::QualifiedName("__torch__"),
                 "def dropped(x, train: bool):\n    return torch.dropout(x, 0.2, train)\n",
                 torch::jit::nativeResolver(), nullptr);
  }
  std::shared_ptr<torch::jit::SugaredValue> resolveValue(const std::string& name, torch::jit::GraphFunction& function,
                                                         const torch::jit::SourceRange& where) override {
    return name == "dropped" ? std::make_shared<torch::jit::FunctionValue>(
                                   &unit->get_function(c10::QualifiedName("__torch__.dropped")))
                             : torch::jit::nativeResolver()->resolveValue(name, function, where);
  }

  std::shared_ptr<torch::jit::CompilationUnit> unit;
};

}  // namespace

TEST_CASE("grad-mode: the experiment of the first seed: same bits, the same saved bytes, and the names of grad_fn") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(traced("tiny-bert", dir / "m.pt"), "grad-mode"));
  CHECK(result.verdict == Verdict::kPass);
  const auto& modes = rows(result, "modes");
  REQUIRE(modes.size() == 3);
  using Names = std::vector<std::string>;
  CHECK(field<Names>(modes[0], "grad_fn") == Names{"NativeLayerNormBackward0", "TanhBackward0"});
  CHECK(field<Names>(modes[1], "grad_fn") == Names{"", ""});
  CHECK(field<Names>(modes[2], "grad_fn") == Names{"", ""});
  for (const auto& mode : modes) {
    CHECK(field<bool>(mode, "same_values"));
    CHECK(field<bool>(mode, "same_save"));
  }
}

TEST_CASE("grad-mode: a module that asks for the mode and answers otherwise fails, and the output is named") {
  Claims claims;
  claims.outputs = {"embedded"};
  const CheckResult result = check_scripted(
      "grad-mode", embedding_forward("    if torch.is_grad_enabled():\n        x = x + 1e-3\n    return x\n"), claims);
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "embedded");
  CHECK_THAT(result.summary, Contains("grad off"));
}

TEST_CASE("grad-mode: outputs that lost their grad_fn fail; integers and frozen parameters need none") {
  CHECK(check_scripted("grad-mode", embedding_forward("    return x.detach()\n")).verdict == Verdict::kFail);
  CHECK(check_scripted("grad-mode", embedding_forward("    return (x, torch.argmax(x, -1))\n")).verdict ==
        Verdict::kPass);
  const TempDir dir;
  auto module = scripted(kSoundForward);
  for (const at::Tensor& parameter : module.parameters()) {
    parameter.set_requires_grad(false);
  }
  const CheckResult frozen = one_check(options_for(save(module, dir / "m.pt"), "grad-mode"));
  CHECK(frozen.verdict == Verdict::kPass);
  CHECK_FALSE(evidence<bool>(frozen, "parameters_require_grad"));
}

TEST_CASE("grad-mode: what is rounded otherwise without gradients passes, and by how much is said") {
  const CheckResult result = check_scripted(
      "grad-mode", embedding_forward("    if torch.is_grad_enabled():\n        x = x + 1e-6\n    return x\n"));
  CHECK(result.verdict == Verdict::kPass);
  CHECK_THAT(result.summary, Contains("give the same values (1 output, rounded otherwise by up to "));
  const auto& modes = rows(result, "modes");
  CHECK(field<bool>(modes[1], "same_values"));
  CHECK(field<double>(modes[1], "max_abs_error") == Approx(1e-6).epsilon(0.2));
  // With a mask that requires grad, scaled_dot_product_attention takes its fused kernel without gradients only.
  const TempDir dir;
  CHECK(one_check(options_for(traced("family/mpnet-seqcls", dir / "m.pt"), "grad-mode")).verdict == Verdict::kPass);
}

TEST_CASE("grad-mode: a module that runs under grad only fails") {
  const CheckResult result = check_scripted(
      "grad-mode", embedding_forward("    if not torch.is_grad_enabled():\n        x = x.view([5])\n    return x\n"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("does not run with grad off"));
}

TEST_CASE("roundtrip: a traced model comes back with outputs, tensors, code and second save the same") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(traced("tiny-bert-mlm", dir / "m.pt"), "roundtrip"));
  CHECK(result.verdict == Verdict::kPass);
  CHECK(evidence<bool>(result, "same_outputs"));
  CHECK(evidence<int64_t>(result, "different_graph_lines") == 0);
  CHECK(evidence<int64_t>(result, "graph_lines") > 50);
}

TEST_CASE("roundtrip: outputs that change from load to load fail") {
  const CheckResult result = check_scripted("roundtrip", embedding_forward("    return x + torch.rand_like(x)\n"));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_FALSE(evidence<bool>(result, "same_outputs"));
}

TEST_CASE("roundtrip: a module that returns no tensor does not pass") {
  CHECK(check_scripted("roundtrip", embedding_forward("    return 1\n")).verdict == Verdict::kFail);
}

TEST_CASE("repeat: a traced model answers with the same bits each time") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(traced("tiny-bert", dir / "m.pt"), "repeat"));
  CHECK(result.verdict == Verdict::kPass);
  const auto& runs = rows(result, "runs");
  CHECK(runs.size() == 7);
  for (size_t i = 0; i < 4; ++i) {
    CHECK(field<bool>(runs[i], "same_bits"));
  }
}

TEST_CASE("repeat: an answer that depends on chance or on the number of runs fails and says which run") {
  const CheckResult random = check_scripted("repeat", embedding_forward("    return x + torch.rand_like(x)\n"));
  CHECK(random.verdict == Verdict::kFail);
  CHECK_THAT(random.summary, Contains("run 2"));
  const CheckResult counter =
      check_scripted("repeat", embedding_forward("    self.scale.detach().add_(1e-7)\n    return x * self.scale\n"));
  CHECK(counter.verdict == Verdict::kFail);
  CHECK_THAT(counter.summary, Contains("run "));
}

TEST_CASE("repeat: a module that stops working after its first runs fails; one that returns NaN never passes") {
  const CheckResult stops = check_scripted("repeat", embedding_forward("    self.scale.detach().add_(1)\n"
                                                                       "    if float(self.scale[0]) > 2.5:\n"
                                                                       "        x = x.view([5])\n"
                                                                       "    return x\n"));
  CHECK(stops.verdict == Verdict::kFail);
  CHECK_THAT(stops.summary, Contains("run 2 fails where run 1 worked"));
  CHECK(check_scripted("repeat", embedding_forward("    return x / 0 - x / 0\n")).verdict == Verdict::kFail);
}

TEST_CASE("train-mode: a traced model holds nothing of training") {
  const TempDir dir;
  const CheckResult result = one_check(options_for(traced("tiny-bert", dir / "m.pt"), "train-mode"));
  CHECK(result.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(result, "modules") > 30);
  CHECK(evidence<int64_t>(result, "operators") > 50);
}

TEST_CASE("train-mode: active dropout, batch statistics and random operators fail, with the operator named") {
  for (const auto& [lines, words] : std::vector<std::pair<std::string, std::string>>{
           {"    return torch.dropout(x, 0.1, True)\n", "aten::dropout with train=True, p=0.1"},
           {"    return torch.dropout(x, 0.1, bool(x.sum() > 0))\n", "aten::dropout with train=True"},
           {"    return x.normal_(0., 1.)\n", "aten::normal_ is random"},
           {"    return torch.rrelu(x, 0.1, 0.3, True)\n", "aten::rrelu with training=True"},
           {"    return torch.scaled_dot_product_attention(x, x, x, None, 0.1)\n",
            "aten::scaled_dot_product_attention with dropout_p=0.1"},
           {"    return torch.batch_norm(x.transpose(1, 2), None, None, None, None, True, 0.1, 1e-5, False)\n",
            "aten::batch_norm with training=True"},
           {"    return x + torch.rand_like(x)\n", "aten::rand_like is random"},
           {"    if bool(x.sum() > 0):\n        x = torch.bernoulli(x)\n    return x\n",
            "aten::bernoulli is random"}}) {
    INFO(lines);
    const CheckResult result = check_scripted("train-mode", embedding_forward(lines));
    CHECK(result.verdict == Verdict::kFail);
    CHECK_THAT(result.summary, Contains(words));
  }
}

TEST_CASE("train-mode: dropout that does nothing passes") {
  CHECK(check_scripted("train-mode", embedding_forward("    return torch.dropout(x, 0.1, False)\n")).verdict ==
        Verdict::kPass);
  CHECK(check_scripted("train-mode", embedding_forward("    return torch.dropout(x, 0.0, True)\n")).verdict ==
        Verdict::kPass);
  CHECK(check_scripted("train-mode", embedding_forward("    return torch.scaled_dot_product_attention(x, x, x)\n"))
            .verdict == Verdict::kPass);
}

TEST_CASE("train-mode: a flag that is an attribute is what the file holds, also where a function is called with it") {
  for (const bool training : {false, true}) {
    const TempDir dir;
    torch::jit::Module module = scripted(kSoundForward);
    module.setattr("training", training);
    torch::jit::Module wrapper("Wrapper");
    wrapper.register_module("inner", module);
    wrapper.register_attribute("training", c10::BoolType::get(), training);
    // Its unit owns the function until the file is written.
    const auto resolver = std::make_shared<DropoutResolver>();
    wrapper.define(R"(
def forward(self, input_ids):
    return torch.dropout(dropped(self.inner.forward(input_ids), self.training), 0.1, self.training)
)",
                   resolver);
    VerifyOptions options = options_for(save(wrapper, dir / "w.pt"), "train-mode");
    options.inputs.input = {"input_ids=randint(0,16):1x5"};
    const CheckResult result = one_check(options);
    INFO(result.summary);
    CHECK(result.verdict == (training ? Verdict::kFail : Verdict::kPass));
    CHECK((result.summary.find("aten::dropout with train=True, p=0.2") != std::string::npos) == training);
  }
}

TEST_CASE("train-mode: a norm of each row that keeps no statistics passes") {
  CHECK(check_scripted("train-mode",
                       embedding_forward("    return torch.instance_norm(x, None, None, None, None, True, 0.1, "
                                         "1e-5, False)\n"))
            .verdict == Verdict::kPass);
}

TEST_CASE("train-mode: a training flag alone is a warning that names the module, and fails with --werror") {
  const TempDir dir;
  LoadedModule loaded = load_module(traced("tiny-bert", dir / "m.pt"));
  loaded.module.attr("encoder").toModule().setattr("training", true);
  VerifyOptions options = options_for(save(loaded.module, dir / "t.pt"), "train-mode");
  options.source.path = testdata("tiny-bert").string();
  const CheckResult result = one_check(options);
  CHECK(result.verdict == Verdict::kWarn);
  CHECK(result.where == "encoder");
  CHECK(verify(options).passed);
  options.werror = true;
  CHECK_FALSE(verify(options).passed);
}

}  // namespace bertjit
