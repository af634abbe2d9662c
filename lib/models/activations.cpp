#include "models/activations.h"

#include <array>
#include <cmath>
#include <numbers>

#include "support/error.h"

namespace bertjit {

namespace {

at::Tensor gelu(const at::Tensor& x) {
  return at::gelu(x);
}

at::Tensor gelu_tanh(const at::Tensor& x) {
  return at::gelu(x, "tanh");
}

at::Tensor gelu_new(const at::Tensor& x) {
  const double scale = std::sqrt(2.0 / std::numbers::pi);
  const at::Tensor inner = (x + at::pow(x, 3.0) * 0.044715) * scale;
  return x * 0.5 * (at::tanh(inner) + 1.0);
}

at::Tensor gelu_fast(const at::Tensor& x) {
  return x * 0.5 * (at::tanh(x * 0.7978845608 * (x * 0.044715 * x + 1.0)) + 1.0);
}

at::Tensor gelu_accurate(const at::Tensor& x) {
  const double scale = std::sqrt(2.0 / std::numbers::pi);
  return x * 0.5 * (at::tanh((x + at::pow(x, 3) * 0.044715) * scale) + 1);
}

at::Tensor gelu_python(const at::Tensor& x) {
  return x * 0.5 * (at::erf(x / std::sqrt(2.0)) + 1.0);
}

at::Tensor gelu_10(const at::Tensor& x) {
  return at::clamp(at::gelu(x), -10, 10);
}

at::Tensor quick_gelu(const at::Tensor& x) {
  return x * at::sigmoid(x * 1.702);
}

at::Tensor laplace(const at::Tensor& x) {
  return at::mul(at::erf((x - 0.707107) / (0.282095 * std::sqrt(2.0))) + 1.0, 0.5);
}

at::Tensor leaky_relu(const at::Tensor& x) {
  return at::leaky_relu(x);
}

at::Tensor linear(const at::Tensor& x) {
  return x;
}

at::Tensor mish(const at::Tensor& x) {
  return at::mish(x);
}

at::Tensor relu(const at::Tensor& x) {
  return at::relu(x);
}

at::Tensor relu_squared(const at::Tensor& x) {
  return at::square(at::relu(x));
}

at::Tensor relu6(const at::Tensor& x) {
  return at::hardtanh(x, 0, 6);
}

at::Tensor sigmoid(const at::Tensor& x) {
  return at::sigmoid(x);
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

constexpr std::array<NamedActivation, 20> kActivations = {{
    {"gelu", gelu},
    {"gelu_10", gelu_10},
    {"gelu_accurate", gelu_accurate},
    {"gelu_fast", gelu_fast},
    {"gelu_new", gelu_new},
    {"gelu_python", gelu_python},
    {"gelu_python_tanh", gelu_accurate},
    {"gelu_pytorch_tanh", gelu_tanh},
    {"laplace", laplace},
    {"leaky_relu", leaky_relu},
    {"linear", linear},
    {"mish", mish},
    {"quick_gelu", quick_gelu},
    {"relu", relu},
    {"relu2", relu_squared},
    {"relu6", relu6},
    {"sigmoid", sigmoid},
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

}  // namespace bertjit
