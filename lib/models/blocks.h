// The two blocks a Transformer layer is made of, described by what their parts are called.
//
// Every network of the family computes LayerNorm(x + f(x)), with f attention or two dense layers; what differs is where
// the parts stand in the tree of modules.
#pragma once

#include <memory>
#include <string>

#include <ATen/ATen.h>

#include "models/activations.h"
#include "models/attention.h"
#include "models/layers.h"

namespace bertjit {

/// Names of an attention block's parts, dotted, under the layer.
struct AttentionPlaces {
  std::string attention;  ///< what holds the projections: "attention.self"
  ProjectionNames projections;
  std::string output;  ///< dense after attention: "attention.output.dense"
  std::string norm;    ///< "attention.output.LayerNorm"
};

/// LayerNorm(x + dense(attention(x))).
class AttentionBlock {
 public:
  /// `attention_node` is the node at places.attention, where `attention` has its parameters.
  AttentionBlock(const Node& layer, const Node& attention_node, const AttentionPlaces& places,
                 std::unique_ptr<Attention> attention, int64_t hidden_size, double layer_norm_eps);

  /// hidden [batch, seq, hidden] -> the same shape in `context`. `scope` is the layer's.
  AttentionResult operator()(Scope& scope, const at::Tensor& hidden, const AttentionContext& context) const;

 private:
  Node attention_node_;
  std::unique_ptr<Attention> attention_;
  Linear output_;
  LayerNorm norm_;
};

/// Names of a feed-forward block's parts, dotted, under the layer.
struct FeedForwardPlaces {
  std::string up;    ///< "intermediate.dense"
  std::string down;  ///< "output.dense"
  std::string norm;  ///< "output.LayerNorm"
};

struct FeedForwardShape {
  int64_t hidden_size;
  int64_t intermediate_size;
  double layer_norm_eps;
};

/// LayerNorm(x + down(activation(up(x)))).
class FeedForwardBlock {
 public:
  FeedForwardBlock(const Node& layer, const FeedForwardPlaces& places, const FeedForwardShape& shape,
                   const Activation& activation);

  /// x [batch, seq, hidden] -> the same shape. `scope` is the layer's.
  at::Tensor operator()(Scope& scope, const at::Tensor& x) const;

 private:
  Linear up_;
  Activation activation_;
  Linear down_;
  LayerNorm norm_;
};

}  // namespace bertjit
