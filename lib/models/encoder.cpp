#include "models/encoder.h"

#include <map>
#include <utility>

namespace bertjit {

namespace {

AttentionBlock attention_block(const Node& layer, const EncoderPlaces& places, const EncoderShape& shape,
                               const MakeAttention& make_attention) {
  for (const auto& group : places.groups) {
    layer.at(group);  // made first, so that it has a class of its own
  }
  const Node node = layer.at({places.attention.attention, ""});
  return {layer,
          node,
          places.attention,
          make_attention(node),
          shape.feed_forward.hidden_size,
          shape.feed_forward.layer_norm_eps};
}

}  // namespace

EncoderLayer::EncoderLayer(Node node, const EncoderPlaces& places, const EncoderShape& shape,
                           const MakeAttention& make_attention)
    : node_(std::move(node)),
      attention_(attention_block(node_, places, shape, make_attention)),
      feed_forward_(node_, places.feed_forward, shape.feed_forward, shape.activation) {}

AttentionResult EncoderLayer::operator()(const at::Tensor& hidden, const AttentionContext& context) const {
  Scope scope(node_);
  AttentionResult result = attention_(scope, hidden, context);
  result.context = feed_forward_(scope, result.context);
  return result;
}

Encoder::Encoder(Node node, const std::vector<Place>& steps, const EncoderPlaces& places, const EncoderShape& shape,
                 const MakeAttention& make_attention)
    : node_(std::move(node)) {
  std::map<std::string, size_t> built;
  for (const auto& step : steps) {
    const auto [it, is_new] = built.emplace(step.path, layers_.size());
    if (is_new) {
      layers_.emplace_back(node_.at(step), places, shape, make_attention);
    }
    order_.push_back(it->second);
  }
}

EncoderOutput Encoder::operator()(const at::Tensor& hidden, const AttentionContext& context) const {
  EncoderOutput output;
  output.hidden_states.push_back(hidden);
  for (const size_t index : order_) {
    AttentionResult result = layers_[index](output.hidden_states.back(), context);
    output.hidden_states.push_back(result.context);
    output.attentions.push_back(result.probabilities);
  }
  return output;
}

std::vector<Place> numbered_places(const std::string& list, const std::string& class_name, int64_t count) {
  std::vector<Place> places;
  for (int64_t i = 0; i < count; ++i) {
    places.push_back({list + "." + std::to_string(i), class_name});
  }
  return places;
}

}  // namespace bertjit
