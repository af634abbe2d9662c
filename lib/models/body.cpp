#include "models/body.h"

#include <utility>

#include "models/masks.h"
#include "support/error.h"

namespace bertjit {

namespace {

PositionKind position_kind(const Config& config) {
  const std::string type = config.text("position_embedding_type", "absolute");
  if (type == "absolute") {
    return PositionKind::kAbsolute;
  }
  if (type == "relative_key") {
    return PositionKind::kRelativeKey;
  }
  if (type == "relative_key_query") {
    return PositionKind::kRelativeKeyQuery;
  }
  throw Error(ErrorKind::kUnsupported,
              config.name() + ": position_embedding_type '" + type +
                  "' is not supported (supported: absolute, relative_key, relative_key_query)");
}

EmbeddingsShape embeddings_shape(const BodyConfig& config, const BodyRules& rules) {
  return {config.vocab_size,     config.embedding_size,
          config.max_positions,  config.type_vocab_size,
          config.pad_token_id,   config.positions == PositionKind::kAbsolute ? rules.position_ids : PositionIds::kNone,
          config.layer_norm_eps, rules.position_init};
}

EncoderShape encoder_shape(const BodyConfig& config, const std::string& config_name) {
  return {{config.hidden_size, config.intermediate_size, config.layer_norm_eps},
          Activation(config.activation, config_name)};
}

MakeAttention multi_head_attention(const BodyParts& parts, const BodyConfig& config, const BodyPlaces& places,
                                   const BodyRules& rules) {
  return [&parts, &config, &places, &rules](const Node& node) {
    const AttentionShape shape{config.hidden_size, config.heads, config.positions, config.max_positions,
                               rules.scale_relative_scores};
    return std::make_unique<MultiHeadAttention>(node, places.layer.attention.projections, shape, parts.attention);
  };
}

int64_t count_positions(const BodyConfig& config, PositionIds positions) {
  // Positions that skip padding begin after it.
  const bool skips_padding = positions == PositionIds::kAfterPadding && config.positions == PositionKind::kAbsolute;
  return config.max_positions - (skips_padding ? config.pad_token_id.value_or(0) + 1 : 0);
}

}  // namespace

BodyConfig read_body_config(const Config& config, const BodyDefaults& defaults) {
  const int64_t hidden_size = config.size("hidden_size", defaults.hidden_size);
  BodyConfig body{
      .vocab_size = config.size("vocab_size", defaults.vocab_size),
      .hidden_size = hidden_size,
      .embedding_size = defaults.embedding_size ? config.size("embedding_size", *defaults.embedding_size) : hidden_size,
      .layers = config.size("num_hidden_layers", defaults.layers),
      .heads = config.size("num_attention_heads", defaults.heads),
      .intermediate_size = config.size("intermediate_size", defaults.intermediate_size),
      .max_positions = config.size("max_position_embeddings", defaults.max_positions),
      .type_vocab_size = config.count("type_vocab_size", defaults.type_vocab_size),
      .layer_norm_eps = config.number("layer_norm_eps", defaults.layer_norm_eps),
      .pad_token_id = config.token_id("pad_token_id", defaults.pad_token_id),
      .activation = config.text("hidden_act", defaults.activation),
      .positions = position_kind(config),
      .is_decoder = config.flag("is_decoder", false),
  };
  body.check(config);
  return body;
}

void BodyConfig::check(const Config& config) const {
  if (hidden_size % heads != 0) {
    throw Error(ErrorKind::kCorrupt, config.name() + ": the hidden size " + std::to_string(hidden_size) +
                                         " is not a multiple of the number of attention heads " +
                                         std::to_string(heads));
  }
  if (pad_token_id && *pad_token_id >= vocab_size) {
    throw Error(ErrorKind::kCorrupt, config.name() + ": pad_token_id is " + std::to_string(*pad_token_id) +
                                         ", expected one below vocab_size " + std::to_string(vocab_size));
  }
  if (config.flag("add_cross_attention", false)) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": add_cross_attention true is not supported");
  }
  if (config.has_entries("pruned_heads")) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": pruned_heads is not supported (layers with fewer heads)");
  }
}

EncoderBody::EncoderBody(const BodyParts& parts, const BodyConfig& config, const BodyPlaces& places,
                         const BodyRules& rules)
    : Body(config),
      node_(parts.node),
      takes_token_type_ids_(config.type_vocab_size >= rules.token_types_for_input),
      longest_input_(count_positions(config, rules.position_ids)),
      embeddings_(node_.at(places.embeddings), embeddings_shape(config, rules)),
      projection_(places.projection ? std::make_optional<Linear>(node_.at(*places.projection, kLinear),
                                                                 config.embedding_size, config.hidden_size)
                                    : std::nullopt),
      encoder_(node_.at(places.encoder), places.steps, places.layer, encoder_shape(config, parts.config.name()),
               multi_head_attention(parts, config, places, rules)) {
  if (rules.score_bias) {
    score_bias_ = rules.score_bias(encoder_.node());
  }
  if (parts.pooler == WithPooler::kYes) {
    for (const auto& group : places.pooler_groups) {
      node_.at(group);
    }
    pooler_.emplace(node_.at(places.pooler, kLinear), config.hidden_size, config.hidden_size);
  }
}

BodyOutput EncoderBody::operator()(const std::vector<at::Tensor>& inputs) const {
  Scope scope(node_);
  const at::Tensor embedded = embeddings_(inputs[0], takes_token_type_ids_ ? inputs[2] : at::Tensor());
  const at::ScalarType dtype = embedded.scalar_type();
  AttentionContext context;
  context.mask = config().is_decoder ? causal_additive_mask(inputs[1], dtype) : additive_mask(inputs[1], dtype);

  at::Tensor hidden = embedded;
  if (projection_) {
    scope.enter_parent(projection_->node());
    hidden = (*projection_)(embedded);
  }
  scope.enter(encoder_.node());
  if (score_bias_) {
    context.mask = score_bias_(hidden) + context.mask;
  }
  EncoderOutput encoded = encoder_(hidden, context);

  BodyOutput output{std::move(encoded.hidden_states), std::move(encoded.attentions), {}};
  if (pooler_) {
    scope.enter_parent(pooler_->node());
    output.pooled = at::tanh((*pooler_)(output.last_hidden_state().select(1, 0)));
  }
  return output;
}

}  // namespace bertjit
