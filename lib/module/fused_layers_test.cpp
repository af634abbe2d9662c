#include "module/fused_layers.h"

#include <functional>

#include <ATen/ATen.h>

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;

namespace {

namespace jit = torch::jit;

const at::Tensor& weight() {
  static const at::Tensor tensor = (at::arange(24, at::kFloat).reshape({4, 6}) * 0.9).sin();
  return tensor;
}

const at::Tensor& bias() {
  static const at::Tensor tensor = at::linspace(-1, 1, 4);
  return tensor;
}

const at::Tensor& input() {
  static const at::Tensor tensor = (at::arange(60, at::kFloat).reshape({2, 5, 6}) * 0.37).cos() * 3;
  return tensor;
}

/// A module with a table and a linear layer in a module of its own, `dense`.
jit::Module module_of(const std::string& body, const at::Tensor& table = at::ones({4, 6})) {
  jit::Module dense("Dense");
  dense.register_parameter("weight", weight(), /*is_buffer=*/false);
  dense.register_parameter("bias", bias(), /*is_buffer=*/false);
  dense.define("def forward(self, x):\n  return torch.linear(x, self.weight, self.bias)\n");
  jit::Module module("Block");
  module.register_module("dense", dense);
  module.register_parameter("table", table, /*is_buffer=*/false);
  module.define("def forward(self, x):\n  " + body + "\n");
  return module;
}

std::string code_of(const jit::Module& module) {
  std::string code;
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      code += method.graph()->toString();
    }
  }
  return code;
}

at::Tensor run(const jit::Module& module, const at::Tensor& x) {
  const at::NoGradGuard no_grad;
  return module.clone().forward({x}).toTensor();
}

/// Without a recorded layer's rounding order: what fused kernels may differ by.
bool is_close(const at::Tensor& actual, const at::Tensor& expected) {
  return at::allclose(actual, expected, /*rtol=*/1.3e-6, /*atol=*/1e-6);
}

struct Case {
  std::string forward;
  std::function<at::Tensor(const at::Tensor&)> activation;
};

}  // namespace

// Expected values are aten's own functions.
TEST_CASE("module: --fuse takes an activation into the linear layer before it, with the same answers") {
  const std::vector<Case> cases = {
      {"torch.gelu(self.dense.forward(x))", [](auto& y) { return at::gelu(y); }},
      {"torch.gelu(self.dense.forward(x), approximate='tanh')", [](auto& y) { return at::gelu(y, "tanh"); }},
      {"torch.relu(self.dense.forward(x))", [](auto& y) { return at::relu(y); }},
      {"torch.silu(self.dense.forward(x))", [](auto& y) { return at::silu(y); }},
      {"torch.tanh(self.dense.forward(x))", [](auto& y) { return at::tanh(y); }},
      {"torch.gelu(torch.linear(x, self.dense.weight, None))", nullptr}};
  for (const auto& [forward, activation] : cases) {
    INFO(forward);
    const jit::Module module = module_of("return " + forward);
    const FusedLayers fused = fuse_linear_layers(module);
    CHECK(fused.activations == 1);
    for (const at::Tensor& x : {input(), input()[0], input().transpose(0, 1), input().slice(0, 0, 0)}) {
      const at::Tensor expected =
          activation ? activation(at::linear(x, weight(), bias())) : at::gelu(at::linear(x, weight()));
      CHECK(is_close(run(module, x), expected));
    }
    CHECK_THAT(code_of(module), Contains("mkldnn::_linear_pointwise"));
    CHECK_THAT(module.get_method("forward").graph()->toString(), !Contains("aten::"));
    const at::Tensor answer = run(module, input());
    unfuse_linear_layers(module);
    CHECK_THAT(code_of(module), Contains("aten::linear") && !Contains("mkldnn::"));
    CHECK(is_close(run(module, input()), answer));
  }
}

TEST_CASE("module: --fuse leaves an activation alone where its layer's output is used without it, too") {
  for (const char* body : {"y = self.dense.forward(x)\n  return torch.gelu(y) + y",
                           "return torch.gelu(self.dense.forward(x)) + self.dense.forward(x)"}) {
    INFO(body);
    const jit::Module module = module_of(body);
    const FusedLayers fused = fuse_linear_layers(module);
    CHECK(fused.linear == 1);
    CHECK(fused.activations == 0);
    const at::Tensor y = at::linear(input(), weight(), bias());
    CHECK(is_close(run(module, input()), at::gelu(y) + y));
  }
}

TEST_CASE("module: --fuse lays a weight down by columns, with its shape and numbers, in no other module") {
  const jit::Module module = module_of("return torch.gelu(self.dense.forward(x))");
  const jit::Module copy = module.clone(/*inplace=*/true);
  fuse_linear_layers(copy);
  const at::Tensor laid = copy.attr("dense").toModule().attr("weight").toTensor();
  CHECK(laid.strides() == at::IntArrayRef({1, 4}));
  CHECK(at::equal(laid, weight()));
  CHECK(module.attr("dense").toModule().attr("weight").toTensor().is_contiguous());
}

TEST_CASE("module: --fuse leaves a weight in rows whose rows are looked up") {
  // Read by name in both places, and one tensor under two names.
  const jit::Module by_name = module_of("return self.dense.forward(torch.embedding(self.dense.weight, x))");
  const jit::Module by_tensor = module_of("return self.dense.forward(torch.embedding(self.table, x))", weight());
  for (const jit::Module& module : {by_name, by_tensor}) {
    CHECK(fuse_linear_layers(module).linear == 1);
    CHECK(module.attr("dense").toModule().attr("weight").toTensor().is_contiguous());
    const at::Tensor ids = at::tensor({2, 0, 3}, at::kLong);
    CHECK(is_close(run(module, ids), at::linear(at::embedding(weight(), ids), weight(), bias())));
  }
}

TEST_CASE("module: --fuse refuses what has no linear layer, or weights that are not float32") {
  CHECK_THAT(error_of([] {
               jit::Module module("Plain");
               module.define("def forward(self, x):\n  return x + 1\n");
               fuse_linear_layers(module);
             }).what(),
             Contains("no linear layer"));
  jit::Module half = module_of("return self.dense.forward(x)");
  half.to(at::kBFloat16);
  CHECK_THAT(error_of([&] { fuse_linear_layers(half); }).what(), Contains("dense.weight is BFloat16"));
}

}  // namespace bertjit
