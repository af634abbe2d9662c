#include "models/blocks.h"

#include <utility>

namespace bertjit {

AttentionBlock::AttentionBlock(const Node& layer, const Node& attention_node, const AttentionPlaces& places,
                               std::unique_ptr<Attention> attention, int64_t hidden_size, double layer_norm_eps)
    : attention_node_(attention_node),
      attention_(std::move(attention)),
      output_(layer.at(places.output, kLinear), hidden_size, hidden_size),
      norm_(layer.at(places.norm, kLayerNorm), hidden_size, layer_norm_eps) {}

AttentionResult AttentionBlock::operator()(Scope& scope, const at::Tensor& hidden,
                                           const AttentionContext& context) const {
  scope.enter(attention_node_);
  AttentionResult result = (*attention_)(hidden, context);
  scope.enter_parent(output_.node());
  const at::Tensor projected = output_(result.context);
  scope.enter_parent(norm_.node());
  result.context = norm_(projected + hidden);
  return result;
}

FeedForwardBlock::FeedForwardBlock(const Node& layer, const FeedForwardPlaces& places, const FeedForwardShape& shape,
                                   const Activation& activation)
    : up_(layer.at(places.up, kLinear), shape.hidden_size, shape.intermediate_size),
      activation_(activation),
      down_(layer.at(places.down, kLinear), shape.intermediate_size, shape.hidden_size),
      norm_(layer.at(places.norm, kLayerNorm), shape.hidden_size, shape.layer_norm_eps) {}

at::Tensor FeedForwardBlock::operator()(Scope& scope, const at::Tensor& x) const {
  scope.enter_parent(up_.node());
  const at::Tensor wide = activation_(up_(x));
  scope.enter_parent(down_.node());
  const at::Tensor narrow = down_(wide);
  scope.enter_parent(norm_.node());
  return norm_(narrow + x);
}

}  // namespace bertjit
