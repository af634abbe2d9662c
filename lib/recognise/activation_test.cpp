// Activations by what they compute. Formulas: transformers 4.57 activations.py and its releases 1 to 3.
#include "recognise/activation.h"

#include "testing/testing.h"

namespace bertjit {

namespace {

/// What is found behind a linear layer whose output goes through `expression` of x.
ActivationFound found(const std::string& expression) {
  torch::jit::Module module("Net");
  module.register_parameter("weight", at::ones({4, 4}), /*is_buffer=*/false);
  module.define("def forward(self, h):\n  x = torch.linear(h, self.weight)\n  return torch.linear(" + expression +
                ", self.weight)\n");
  const ModuleCode code(module);
  const LayerCalls calls(code);
  REQUIRE(calls.all().size() == 2);
  return find_activation(code, calls.all()[0].output);
}

}  // namespace

TEST_CASE("recognise: an activation is told however it is spelled") {
  CHECK(found("x").name == "linear");
  CHECK(found("torch.relu(x)").name == "relu");
  CHECK(found("torch.tanh(x)").name == "tanh");
  CHECK(found("torch.sigmoid(x) * x").name == "silu");
  CHECK(found("x * torch.sigmoid(1.702 * x)").name == "quick_gelu");
  CHECK(found("torch.square(torch.relu(x))").name == "relu2");
  CHECK(found("torch.gelu(x)").name == "gelu");
  CHECK(found("torch.clamp(torch.gelu(x), -10, 10)").name == "gelu_10");
  CHECK(found("torch.gelu(x, approximate='tanh')").name == "gelu_pytorch_tanh");
  CHECK(found("x * 0.5 * (1.0 + torch.erf(x / 1.4142135623730951))").name == "gelu_python");
  CHECK(found("0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * (x + 0.044715 * torch.pow(x, 3.0))))").name ==
        "gelu_new");
  CHECK(found("0.5 * x * (1 + torch.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x)))").name == "gelu_fast");
  CHECK(found("torch.dropout(torch.gelu(x), 0.1, False)").name == "gelu");
}

TEST_CASE("recognise: what is nearly an activation is none") {
  const ActivationFound wrong =
      found("0.5 * x * (1.0 + torch.tanh(0.7978845608028654 * (x + 0.04 * torch.pow(x, 3.0))))");
  CHECK(wrong.name == "");
  CHECK(wrong.operators == "mul pow mul add mul tanh add mul");
  CHECK(found("torch.sin(x)").name == "");
  CHECK(found("torch.gelu(x) * 1.01").name == "");
}

}  // namespace bertjit
