#include "models/layers.h"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "support/error.h"

namespace bertjit {

Linear::Linear(Node node, int64_t in_features, int64_t out_features)
    : node_(std::move(node)),
      weight_(node_.parameter("weight", {out_features, in_features}, Init::kNormal)),
      bias_(node_.parameter("bias", {out_features}, Init::kZeros)) {}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  const Scope scope(node_);
  return at::linear(x, weight_, bias_);
}

LayerNorm::LayerNorm(Node node, int64_t size, double eps)
    : node_(std::move(node)),
      size_(size),
      eps_(eps),
      weight_(node_.parameter("weight", {size}, Init::kOnes)),
      bias_(node_.parameter("bias", {size}, Init::kZeros)) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  const Scope scope(node_);
  return at::layer_norm(x, {size_}, weight_, bias_, eps_);
}

Embedding::Embedding(Node node, int64_t rows, int64_t size, Init init)
    : node_(std::move(node)), weight_(node_.parameter("weight", {rows, size}, init)) {}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  const Scope scope(node_);
  return at::embedding(weight_, ids);
}

namespace {

at::Tensor gelu(const at::Tensor& x) {
  return at::gelu(x);
}

at::Tensor gelu_tanh(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

/// transformers' NewGELUActivation, operation by operation: its rounding differs from at::gelu(x, "tanh").
at::Tensor gelu_new(const at::Tensor& x) {
  const double scale = std::sqrt(2.0 / std::numbers::pi);
  const at::Tensor inner = (x + at::pow(x, 3.0) * 0.044715) * scale;
  return x * 0.5 * (at::tanh(inner) + 1.0);
}

at::Tensor relu(const at::Tensor& x) {
  return at::relu(x);
}

at::Tensor silu(const at::Tensor& x) {
  return at::silu(x);
}

at::Tensor tanh(const at::Tensor& x) {
  return at::tanh(x);
}

struct NamedActivation {
  const char* name;
  at::Tensor (*function)(const at::Tensor&);
};

constexpr std::array<NamedActivation, 7> kActivations = {{
    {"gelu", gelu},
    {"gelu_new", gelu_new},
    {"gelu_pytorch_tanh", gelu_tanh},
    {"relu", relu},
    {"silu", silu},
    {"swish", silu},
    {"tanh", tanh},
}};

}  // namespace

Activation::Activation(const std::string& name, const std::string& config_name) : function_(nullptr) {
  std::string known;
  for (const auto& activation : kActivations) {
    known += (known.empty() ? "" : ", ") + std::string(activation.name);
    if (name == activation.name) {
      function_ = activation.function;
    }
  }
  if (function_ == nullptr) {
    throw Error(ErrorKind::kUnsupported,
                config_name + ": activation '" + name + "' is not supported (supported: " + known + ")");
  }
}

at::Tensor Activation::operator()(const at::Tensor& x) const {
  return function_(x);
}

at::Tensor additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype) {
  const double lowest = dtype == at::kHalf       ? -65504.0
                        : dtype == at::kBFloat16 ? static_cast<double>(std::numeric_limits<at::BFloat16>::lowest())
                        : dtype == at::kDouble   ? std::numeric_limits<double>::lowest()
                                                 : static_cast<double>(std::numeric_limits<float>::lowest());
  const at::Tensor mask = attention_mask.unsqueeze(1).unsqueeze(2).to(dtype);
  return at::rsub(mask, 1.0) * lowest;
}

}  // namespace bertjit
