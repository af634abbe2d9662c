// The stack of layers, described by sizes and by what its parts are called.
//
// Reference: transformers 4.57 `BertEncoder` and `BertLayer` (modeling_bert.py), of which the other encoders of the
// family are variants with other names.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "models/blocks.h"

namespace bertjit {

/// Sizes and rules, from config.json.
struct EncoderShape {
  FeedForwardShape feed_forward;
  Activation activation;
};

/// Names of the parts, the same for every checkpoint of an architecture.
struct EncoderPlaces {
  std::vector<Place> groups;  ///< submodules of a layer that only hold others, with their classes, outermost first
  AttentionPlaces attention;
  FeedForwardPlaces feed_forward;
};

/// Makes the attention of a layer at the node that holds its projections.
using MakeAttention = std::function<std::unique_ptr<Attention>(const Node& node)>;

/// Attention, then feed-forward.
class EncoderLayer {
 public:
  EncoderLayer(Node node, const EncoderPlaces& places, const EncoderShape& shape, const MakeAttention& make_attention);
  /// hidden [batch, seq, hidden] -> the same shape in `context`.
  AttentionResult operator()(const at::Tensor& hidden, const AttentionContext& context) const;

 private:
  Node node_;
  AttentionBlock attention_;
  FeedForwardBlock feed_forward_;
};

/// What an encoder gives.
struct EncoderOutput {
  std::vector<at::Tensor> hidden_states;  ///< each [batch, seq, hidden]; the input first, the last is the result
  std::vector<at::Tensor> attentions;     ///< each [batch, heads, seq, seq]; undefined where the fused operator ran
};

/// Layers one after another; the same one may come several times.
class Encoder {
 public:
  /// `steps` are the layers' places under `node`, in the order in which they run.
  Encoder(Node node, const std::vector<Place>& steps, const EncoderPlaces& places, const EncoderShape& shape,
          const MakeAttention& make_attention);

  /// hidden [batch, seq, hidden]. To be called under this encoder's scope.
  EncoderOutput operator()(const at::Tensor& hidden, const AttentionContext& context) const;

  const Node& node() const {
    return node_;
  }

 private:
  Node node_;
  std::vector<EncoderLayer> layers_;
  std::vector<size_t> order_;  ///< index into layers_, one a step
};

/// {"layer.0", class}, {"layer.1", class} …
std::vector<Place> numbered_places(const std::string& list, const std::string& class_name, int64_t count);

}  // namespace bertjit
