#include "quantize/rewrite.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

namespace jit = torch::jit;

/// A module with a weight [4, 6] and a bias, and a forward that uses them.
jit::Module layer(const std::string& forward) {
  jit::Module module("Layer");
  module.register_parameter("weight", (at::arange(24, at::kFloat).reshape({4, 6}) * 0.9).sin(), /*is_buffer=*/false);
  module.register_parameter("bias", at::linspace(-1, 1, 4), /*is_buffer=*/false);
  module.define("def forward(self, x):\n  return " + forward + "\n");
  return module;
}

at::Tensor run(const jit::Module& module, const at::Tensor& input) {
  return module.clone().forward({input}).toTensor();
}

/// Puts all layers to int8 and returns how many there were.
size_t rewrite(const jit::Module& module, const RewriteOptions& options) {
  const ModuleLayers found = find_layers(module);
  std::vector<const UsedLayer*> chosen;
  for (const auto& item : found.layers) {
    chosen.push_back(&item);
  }
  return rewrite_layers(module, chosen, options).size();
}

const at::Tensor& input() {
  static const at::Tensor tensor = (at::arange(60, at::kFloat).reshape({10, 6}) * 0.37).cos();
  return tensor;
}

constexpr const char* kSpellings[] = {"torch.linear(x, self.weight, self.bias)",
                                      "torch.addmm(self.bias, x, self.weight.t())",
                                      "torch.matmul(x, self.weight.t()) + self.bias",
                                      "torch.add(self.bias, torch.matmul(x, torch.transpose(self.weight, 0, 1)))"};

}  // namespace

TEST_CASE("quantize: every way to write a linear layer becomes the same int8 layer, and its float weight goes") {
  const RewriteOptions options{.scheme = QuantizeScheme::kPerChannel};
  const jit::Module reference = layer(kSpellings[0]);
  REQUIRE(rewrite(reference, options) == 1);
  for (const char* spelling : kSpellings) {
    INFO(spelling);
    const jit::Module module = layer(spelling);
    REQUIRE(rewrite(module, options) == 1);
    CHECK_FALSE(module.hasattr("weight"));
    CHECK_FALSE(module.hasattr("bias"));
    CHECK(at::equal(run(module, input()), run(reference, input())));
  }
}

// Each product is off by at most half a step of the weight times the activation, and the other way round: the bound
// below is the sum of these over a row.
TEST_CASE("quantize: what a layer answers stays within the steps of its weight and its activation") {
  for (const auto scheme : {QuantizeScheme::kPerTensor, QuantizeScheme::kPerChannel, QuantizeScheme::kPerToken}) {
    const jit::Module module = layer(kSpellings[0]);
    const at::Tensor expected = run(module, input());
    const at::Tensor weight = module.attr("weight").toTensor().clone();
    rewrite(module, {.scheme = scheme, .reduce_range = false});
    const at::Tensor error = (run(module, input()) - expected).abs();
    const double weight_step = weight.abs().max().item<double>() / 127.5;
    const double input_step = (input().max() - input().min()).item<double>() / 255;
    const double bound = weight_step / 2 * input().abs().sum(1).max().item<double>() +
                         input_step / 2 * weight.abs().sum(1).max().item<double>() + 6 * weight_step * input_step / 4;
    CHECK(error.max().item<double>() <= bound);
    CHECK(error.max().item<double>() > 0);
  }
}

TEST_CASE("quantize: per token, a row's answer does not depend on the rows beside it; per channel it does") {
  at::Tensor with_outlier = input().clone();
  with_outlier[9].mul_(1000);
  for (const auto scheme : {QuantizeScheme::kPerToken, QuantizeScheme::kPerChannel}) {
    const jit::Module module = layer(kSpellings[0]);
    rewrite(module, {.scheme = scheme, .reduce_range = false});
    const bool is_same = at::allclose(run(module, with_outlier).slice(0, 0, 9), run(module, input()).slice(0, 0, 9),
                                      /*rtol=*/0, /*atol=*/1e-6);
    CHECK(is_same == (scheme == QuantizeScheme::kPerToken));
  }
}

TEST_CASE("quantize: tokens of one number alone have answers") {
  const jit::Module module = layer(kSpellings[0]);
  const at::Tensor flat = at::tensor({0.0F, 2.5F}).unsqueeze(1).expand({2, 6}).contiguous();
  const at::Tensor expected = run(module, flat);
  rewrite(module, {.scheme = QuantizeScheme::kPerToken, .reduce_range = false});
  CHECK(at::allclose(run(module, flat), expected, /*rtol=*/0, /*atol=*/0.05));
}

TEST_CASE("quantize: a weight that is used elsewhere stays beside its int8 form") {
  const jit::Module module = layer("torch.linear(x, self.weight, self.bias) + self.weight.sum()");
  REQUIRE(rewrite(module, {}) == 1);
  CHECK(module.hasattr("weight"));
  CHECK_FALSE(module.hasattr("bias"));
}

TEST_CASE("quantize: a product of two activations, a bias that is computed, a float16 weight are left alone") {
  CHECK(find_layers(layer("torch.matmul(x, x.t())")).layers.empty());
  CHECK_THAT(find_layers(layer("torch.linear(x, self.weight, self.bias * 2)")).layers.at(0).obstacle,
             Contains("computed"));
  jit::Module half = layer(kSpellings[0]);
  half.to(at::kHalf);
  CHECK_THAT(find_layers(half).layers.at(0).obstacle, Contains("is Half"));
}

/// Two layers of one class, and so with one code.
jit::Module two_of_a_class() {
  const jit::Module one = layer(kSpellings[0]);
  jit::Module other(one._ivalue()->copy());
  other.setattr("weight", at::ones({4, 6}));
  jit::Module both("Both");
  both.register_module("one", one);
  both.register_module("other", other);
  both.define("def forward(self, x):\n  return self.one.forward(x) + self.other.forward(x)\n");
  return both;
}

TEST_CASE("quantize: layers that share their code are put to int8 together or not at all") {
  const jit::Module refused = two_of_a_class();
  const ModuleLayers found = find_layers(refused);
  REQUIRE(found.layers.size() == 2);
  CHECK_THAT(testing::error_of([&] { rewrite_layers(refused, {&found.layers[0]}, {}); }).what(),
             Contains("one: shares its code"));
  const jit::Module both = two_of_a_class();
  const at::Tensor expected = run(both, input());
  REQUIRE(rewrite(both, {}) == 2);
  CHECK_FALSE(both.attr("one").toModule().hasattr("weight"));
  CHECK_FALSE(both.attr("other").toModule().hasattr("weight"));
  CHECK(at::allclose(run(both, input()), expected, /*rtol=*/0, /*atol=*/0.2));
}

}  // namespace bertjit
