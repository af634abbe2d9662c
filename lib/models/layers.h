// The layers every network of the family is made of.
//
// Each is called like a function on tensors of any floating dtype and does its work under its own scope of a trace.
#pragma once

#include <string>

#include <ATen/ATen.h>

#include "models/node.h"

namespace bertjit {

/// y = x Wᵀ + b (torch.nn.Linear). Parameters `weight` [out, in] and `bias` [out].
class Linear {
 public:
  Linear(Node node, int64_t in_features, int64_t out_features);
  /// x [..., in] -> [..., out].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Node node_;
  at::Tensor weight_;
  at::Tensor bias_;
};

/// torch.nn.LayerNorm over the last dimension. Parameters `weight` [size] and `bias` [size].
class LayerNorm {
 public:
  LayerNorm(Node node, int64_t size, double eps);
  /// x [..., size] -> [..., size].
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  Node node_;
  int64_t size_;
  double eps_;
  at::Tensor weight_;
  at::Tensor bias_;
};

/// torch.nn.Embedding. Parameter `weight` [rows, size].
class Embedding {
 public:
  Embedding(Node node, int64_t rows, int64_t size, Init init = Init::kNormal);
  /// ids [...] int64 or int32 in [0, rows) -> [..., size].
  at::Tensor operator()(const at::Tensor& ids) const;
  /// The whole table, for parts that index it by position.
  const at::Tensor& weight() const {
    return weight_;
  }
  const Node& node() const {
    return node_;
  }

 private:
  Node node_;
  at::Tensor weight_;
};

/// Activation functions by the names of `hidden_act` (transformers.activations.ACT2FN).
class Activation {
 public:
  /// Throws Error(kUnsupported) naming `name`, where it stands (`config_name`) and the known ones.
  Activation(const std::string& name, const std::string& config_name);
  at::Tensor operator()(const at::Tensor& x) const;

 private:
  at::Tensor (*function_)(const at::Tensor&);
};

/// Turns a mask [batch, seq] of ones and zeros into what is added to attention scores: 0 where attended, the lowest
/// finite number of `dtype` where not. [batch, 1, 1, seq] of `dtype`.
///
/// Reference: transformers 4.57 `ModuleUtilsMixin.get_extended_attention_mask`.
at::Tensor additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype);

}  // namespace bertjit
