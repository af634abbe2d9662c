// The layers every network of the family is made of.
//
// Each is called like a function on tensors of any floating dtype and does its work under its own scope of a trace.
#pragma once

#include <string>

#include <ATen/ATen.h>

#include "models/model_options.h"
#include "models/node.h"

namespace bertjit {

/// Their classes in PyTorch.
inline constexpr const char* kLinear = "torch.nn.modules.linear.Linear";
inline constexpr const char* kLayerNorm = "torch.nn.modules.normalization.LayerNorm";
inline constexpr const char* kEmbedding = "torch.nn.modules.sparse.Embedding";

enum class Bias { kYes, kNo };

/// y = x Wᵀ + b (torch.nn.Linear). Parameters `weight` [out, in] and, unless left out, `bias` [out].
class Linear {
 public:
  Linear(Node node, int64_t in_features, int64_t out_features, Bias bias = Bias::kYes);
  /// x [..., in] -> [..., out].
  at::Tensor operator()(const at::Tensor& x) const;
  const Node& node() const {
    return node_;
  }

 private:
  Node node_;
  at::Tensor weight_;
  at::Tensor bias_;  ///< undefined if left out
};

/// torch.nn.LayerNorm over the last dimension. Parameters `weight` [size] and `bias` [size].
class LayerNorm {
 public:
  LayerNorm(Node node, int64_t size, double eps);
  /// x [..., size] -> [..., size].
  at::Tensor operator()(const at::Tensor& x) const;
  const Node& node() const {
    return node_;
  }

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
  /// With a table that was taken already, [rows, size].
  Embedding(Node node, const at::Tensor& table);
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

/// The weight of a decoder that is tied to `words`, registered as `decoder`'s: a copy, or the same memory.
///
/// A tensor object of its own even when it shares memory: the tracer knows parameters by their object.
at::Tensor tied_weight(const Node& decoder, const Embedding& words, Tie tie);

}  // namespace bertjit
