// Activation functions by the names that config.json uses.
#pragma once

#include <string>

#include <ATen/ATen.h>

namespace bertjit {

/// One of transformers' ACT2FN (transformers.activations), with its rounding: "gelu_new" and "gelu_pytorch_tanh" are
/// one formula in two orders of operations. All but the ones with parameters of their own (prelu, xielu).
class Activation {
 public:
  /// Throws Error(kUnsupported) naming `name`, where it stands (`config_name`) and the known ones.
  Activation(const std::string& name, const std::string& config_name);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor (*function_)(const at::Tensor&);
};

}  // namespace bertjit
