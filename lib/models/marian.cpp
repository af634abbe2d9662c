#include "models/marian.h"

#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/encoder.h"
#include "models/extra_outputs.h"
#include "models/masks.h"
#include "models/sizes.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kPythonModule = "transformers.models.marian.modeling_marian.";
constexpr double kLayerNormEps = 1e-5;  // torch.nn.LayerNorm's own

/// Sizes of one of the two stacks.
struct StackConfig {
  int64_t layers;
  int64_t heads;
  int64_t intermediate_size;
};

struct MarianConfig {
  int64_t vocab_size;         ///< rows of both tables of embeddings
  int64_t target_vocab_size;  ///< number of logits
  int64_t hidden_size;
  int64_t max_positions;
  StackConfig encoder;
  StackConfig decoder;
  std::string activation;
  double embedding_scale;
  bool shared_embeddings;  ///< encoder and decoder have one table
  bool tied;               ///< the decoder's table is also the logits' weight
};

StackConfig read_stack(const Config& config, const std::string& stack, int64_t hidden_size, int64_t default_heads) {
  const StackConfig sizes{config.size(stack + "_layers", 12), config.size(stack + "_attention_heads", default_heads),
                          config.size(stack + "_ffn_dim", 4096)};
  if (hidden_size % sizes.heads != 0) {
    throw Error(ErrorKind::kCorrupt, config.name() + ": d_model " + std::to_string(hidden_size) +
                                         " is not a multiple of " + stack + "_attention_heads " +
                                         std::to_string(sizes.heads));
  }
  return sizes;
}

/// Fields and defaults: MarianConfig of transformers, where hidden_size and num_attention_heads are other names of
/// d_model and encoder_attention_heads.
MarianConfig read_config(const Config& config) {
  const int64_t vocab_size = config.size("vocab_size", 58101);
  const int64_t decoder_vocab_size = config.count("decoder_vocab_size", 0);
  const int64_t hidden_size = config.size("hidden_size", config.size("d_model", 1024));
  const bool shared = config.flag("share_encoder_decoder_embeddings", true);
  const MarianConfig marian{
      .vocab_size = vocab_size,
      .target_vocab_size = shared || decoder_vocab_size == 0 ? vocab_size : decoder_vocab_size,
      .hidden_size = hidden_size,
      .max_positions = config.size("max_position_embeddings", 1024),
      .encoder = read_stack(config, "encoder", hidden_size, config.size("num_attention_heads", 16)),
      .decoder = read_stack(config, "decoder", hidden_size, 16),
      .activation = config.text("activation_function", "gelu"),
      .embedding_scale = config.flag("scale_embedding", false) ? std::sqrt(static_cast<double>(hidden_size)) : 1.0,
      .shared_embeddings = shared,
      .tied = config.flag("tie_word_embeddings", true),
  };
  if (marian.tied && marian.target_vocab_size != vocab_size) {
    throw Error(ErrorKind::kUnsupported,
                config.name() + ": decoder_vocab_size " + std::to_string(decoder_vocab_size) +
                    " with tie_word_embeddings true needs a vocab_size equal to it, which is " +
                    std::to_string(vocab_size) + ": both tables of embeddings have vocab_size rows in transformers");
  }
  if (config.flag("tie_encoder_decoder", false)) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": tie_encoder_decoder true is not supported");
  }
  return marian;
}

const EncoderPlaces kEncoderPlaces = {
    .groups = {{"self_attn", "MarianAttention"}},
    .attention = {.attention = "self_attn",
                  .projections = {"q_proj", "k_proj", "v_proj"},
                  .output = "self_attn.out_proj",
                  .norm = "self_attn_layer_norm"},
    .feed_forward = {.up = "fc1", .down = "fc2", .norm = "final_layer_norm"},
};

const AttentionPlaces kCrossAttentionPlaces = {.attention = "encoder_attn",
                                               .projections = {"q_proj", "k_proj", "v_proj"},
                                               .output = "encoder_attn.out_proj",
                                               .norm = "encoder_attn_layer_norm"};

AttentionShape attention_shape(const MarianConfig& config, const StackConfig& stack) {
  return {.hidden_size = config.hidden_size, .heads = stack.heads};
}

FeedForwardShape feed_forward_shape(const MarianConfig& config, const StackConfig& stack) {
  return {config.hidden_size, stack.intermediate_size, kLayerNormEps};
}

/// Words and positions of one stack. Parameter `embed_positions.weight`, computed where the file has none.
class StackEmbeddings {
 public:
  /// Borrows `words`.
  StackEmbeddings(const Node& stack, const Embedding& words, const MarianConfig& config, at::ScalarType dtype)
      : words_(words),
        scale_(config.embedding_scale),
        positions_(stack.at({"embed_positions", "MarianSinusoidalPositionalEmbedding"})),
        table_(positions_.constant("weight", sinusoidal_positions(config.max_positions, config.hidden_size).to(dtype),
                                   Constant::kParameter)) {}

  /// ids [batch, seq] -> [batch, seq, hidden].
  at::Tensor operator()(const at::Tensor& ids) const {
    at::Tensor embedded = words_(ids);
    if (scale_ != 1.0) {
      embedded = embedded * scale_;
    }
    const Scope scope(positions_);
    return add_positions(embedded, table_);
  }

 private:
  const Embedding& words_;
  double scale_;
  Node positions_;
  at::Tensor table_;  ///< [positions, hidden]
};

struct DecoderOutput {
  std::vector<at::Tensor> hidden_states;     ///< each [batch, target seq, hidden]; the embeddings first
  std::vector<at::Tensor> attentions;        ///< each [batch, heads, target seq, target seq]; undefined unless eager
  std::vector<at::Tensor> cross_attentions;  ///< each [batch, heads, target seq, source seq]; undefined unless eager
};

/// Attention over the target so far, over the source, then feed-forward.
class DecoderLayer {
 public:
  DecoderLayer(const Node& node, const MarianConfig& config, const Activation& activation, AttentionKind kind)
      : node_(node),
        self_(attention(kEncoderPlaces.attention, config, kind)),
        cross_(attention(kCrossAttentionPlaces, config, kind)),
        feed_forward_(node_, kEncoderPlaces.feed_forward, feed_forward_shape(config, config.decoder), activation) {}

  /// Adds this layer's states and probabilities to `output`.
  void operator()(DecoderOutput& output, const AttentionContext& target, const AttentionContext& source) const {
    Scope scope(node_);
    const AttentionResult own = self_(scope, output.hidden_states.back(), target);
    const AttentionResult cross = cross_(scope, own.context, source);
    output.hidden_states.push_back(feed_forward_(scope, cross.context));
    output.attentions.push_back(own.probabilities);
    output.cross_attentions.push_back(cross.probabilities);
  }

 private:
  AttentionBlock attention(const AttentionPlaces& places, const MarianConfig& config, AttentionKind kind) const {
    const Node node = node_.at({places.attention, "MarianAttention"});
    return {
        node_,
        node,
        places,
        std::make_unique<MultiHeadAttention>(node, places.projections, attention_shape(config, config.decoder), kind),
        config.hidden_size,
        kLayerNormEps};
  }

  Node node_;
  AttentionBlock self_;
  AttentionBlock cross_;
  FeedForwardBlock feed_forward_;
};

/// The one table of a model whose encoder and decoder share it. Files hold it under any of the names it has in Python,
/// some under all of them.
Embedding shared_table(const Node& body, const MarianConfig& config, Weights& weights) {
  const std::string prefix = body.path().empty() ? "" : body.path() + ".";
  const Node node = body.child("shared", kEmbedding);
  std::vector<std::string> names;
  for (const char* name : {"shared.weight", "encoder.embed_tokens.weight", "decoder.embed_tokens.weight"}) {
    if (weights.has(prefix + name)) {
      names.push_back(prefix + name);
    }
  }
  if (names.empty() && config.tied && weights.has("lm_head.weight")) {
    names.push_back("lm_head.weight");
  }
  if (names.empty()) {
    return {node, config.vocab_size, config.hidden_size};
  }
  const at::Tensor table = weights.take(names.front(), {config.vocab_size, config.hidden_size}, Init::kNormal);
  for (size_t i = 1; i < names.size(); ++i) {
    const at::Tensor other = weights.take(names[i], {config.vocab_size, config.hidden_size}, Init::kNormal);
    if (!table.is_meta() && !other.is_meta() && !at::equal(table, other)) {
      throw Error(ErrorKind::kCorrupt, names[i] + " differs from " + names.front() +
                                           ", which share_encoder_decoder_embeddings says are one table");
    }
  }
  return {node, table};
}

Embedding own_table(const Node& body, const std::string& stack, const MarianConfig& config) {
  return {body.at(stack + ".embed_tokens", kEmbedding), config.vocab_size, config.hidden_size};
}

struct MarianOutput {
  EncoderOutput encoder;
  DecoderOutput decoder;
};

/// MarianModel.
class MarianBody {
 public:
  MarianBody(const Node& node, const MarianConfig& config, const ModelParts& parts, AttentionKind kind)
      : node_(node),
        encoder_node_(node_.at({"encoder", "MarianEncoder"})),
        decoder_node_(node_.at({"decoder", "MarianDecoder"})),
        encoder_words_(config.shared_embeddings ? shared_table(node_, config, *parts.tree.weights)
                                                : own_table(node_, "encoder", config)),
        decoder_words_(config.shared_embeddings ? encoder_words_ : own_table(node_, "decoder", config)),
        encoder_embeddings_(encoder_node_, encoder_words_, config, scalar_type(parts.options.dtype)),
        decoder_embeddings_(decoder_node_, decoder_words_, config, scalar_type(parts.options.dtype)),
        encoder_(encoder_node_, numbered_places("layers", "MarianEncoderLayer", config.encoder.layers), kEncoderPlaces,
                 encoder_shape(config, parts.config), [&](const Node& attention) {
                   return std::make_unique<MultiHeadAttention>(attention, kEncoderPlaces.attention.projections,
                                                               attention_shape(config, config.encoder), kind);
                 }) {
    const Activation activation(config.activation, parts.config.name());
    for (const auto& place : numbered_places("layers", "MarianDecoderLayer", config.decoder.layers)) {
      decoder_layers_.emplace_back(decoder_node_.at(place), config, activation, kind);
    }
  }
  // Its parts borrow the tables.
  MarianBody(const MarianBody&) = delete;
  MarianBody& operator=(const MarianBody&) = delete;

  MarianOutput operator()(const at::Tensor& ids, const at::Tensor& mask, const at::Tensor& decoder_ids) const {
    Scope scope(node_);
    scope.enter(encoder_node_);
    const at::Tensor embedded = encoder_embeddings_(ids);
    AttentionContext source{.mask = additive_mask(mask, embedded.scalar_type())};
    EncoderOutput encoded = encoder_(embedded, source);

    scope.enter(decoder_node_);
    DecoderOutput decoded{{decoder_embeddings_(decoder_ids)}, {}, {}};
    source.memory = encoded.hidden_states.back();
    const AttentionContext target{.mask =
                                      causal_additive_mask(at::ones_like(decoder_ids), source.memory.scalar_type())};
    for (const auto& layer : decoder_layers_) {
      layer(decoded, target, source);
    }
    return {std::move(encoded), std::move(decoded)};
  }

  const Embedding& decoder_words() const {
    return decoder_words_;
  }

 private:
  static EncoderShape encoder_shape(const MarianConfig& config, const Config& file) {
    return {feed_forward_shape(config, config.encoder), Activation(config.activation, file.name())};
  }

  Node node_;
  Node encoder_node_;
  Node decoder_node_;
  Embedding encoder_words_;
  Embedding decoder_words_;
  StackEmbeddings encoder_embeddings_;
  StackEmbeddings decoder_embeddings_;
  Encoder encoder_;
  std::vector<DecoderLayer> decoder_layers_;
};

/// Scores over the target's vocabulary: MarianMTModel's lm_head, and its buffer final_logits_bias.
class TargetScores {
 public:
  TargetScores(const Node& root, const MarianConfig& config, const ModelParts& parts, const Embedding& words)
      : root_(root), lm_head_(root.child("lm_head", kLinear)) {
    if (config.tied) {
      weight_ = tied_weight(lm_head_, words, parts.options.tie);
    } else {
      weight_ = lm_head_.parameter("weight", {config.target_vocab_size, config.hidden_size}, Init::kNormal);
    }
    bias_ =
        root_.constant("final_logits_bias", at::zeros({1, config.target_vocab_size}, scalar_type(parts.options.dtype)),
                       Constant::kBuffer);
  }

  /// hidden [batch, seq, hidden] -> [batch, seq, target vocab].
  at::Tensor operator()(const at::Tensor& hidden) const {
    at::Tensor scores;
    {
      const Scope scope(lm_head_);
      scores = at::linear(hidden, weight_);
    }
    return scores + bias_;
  }

 private:
  Node root_;
  Node lm_head_;
  at::Tensor weight_;  ///< [target vocab, hidden]
  at::Tensor bias_;    ///< [1, target vocab]
};

enum class WithScores { kYes, kNo };

class MarianHead : public Model {
 public:
  MarianHead(const ModelParts& parts, const std::string& head, WithScores with_scores)
      : Model(parts, {parts.tree, kPythonModule + head}), extra_(parts) {
    const MarianConfig config = read_config(parts.config);
    description_.attention = extra_.attention;
    const bool at_root = with_scores == WithScores::kNo;
    body_ = std::make_unique<MarianBody>(at_root ? root() : root().at({"model", "MarianModel"}), config, parts,
                                         description_.attention);
    if (!at_root) {
      scores_.emplace(root(), config, parts, body_->decoder_words());
      if (config.tied) {
        description_.tie = parts.options.tie;
      }
    }
    describe(config, parts.config);
  }

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const final {
    const MarianOutput output = (*body_)(inputs[0], inputs[1], inputs[2]);
    const at::Tensor& decoded = output.decoder.hidden_states.back();
    std::vector<c10::IValue> items{scores_ ? (*scores_)(decoded) : decoded};
    append_tuple(extra_.hidden_states, output.decoder.hidden_states, items);
    append_tuple(extra_.attentions, output.decoder.attentions, items);
    append_tuple(extra_.attentions, output.decoder.cross_attentions, items);
    items.emplace_back(output.encoder.hidden_states.back());
    append_tuple(extra_.hidden_states, output.encoder.hidden_states, items);
    append_tuple(extra_.attentions, output.encoder.attentions, items);
    return c10::ivalue::Tuple::create(std::move(items));
  }

 private:
  void describe(const MarianConfig& config, const Config& file) {
    description_.inputs = {
        {"input_ids", InputDefault::kRequired, config.vocab_size},
        {"attention_mask", InputDefault::kOnes, 0},
        {"decoder_input_ids", InputDefault::kRequired, config.vocab_size, 2, InputSequence::kDecoder}};
    description_.max_positions = config.max_positions;
    description_.decoder_start_token_id = file.token_id("decoder_start_token_id", 58100);
    description_.outputs = {scores_ ? "logits" : "last_hidden_state"};
    append_names(extra_.hidden_states, "decoder_hidden_states", config.decoder.layers + 1, description_.outputs);
    append_names(extra_.attentions, "decoder_attentions", config.decoder.layers, description_.outputs);
    append_names(extra_.attentions, "cross_attentions", config.decoder.layers, description_.outputs);
    description_.outputs.emplace_back("encoder_last_hidden_state");
    append_names(extra_.hidden_states, "encoder_hidden_states", config.encoder.layers + 1, description_.outputs);
    append_names(extra_.attentions, "encoder_attentions", config.encoder.layers, description_.outputs);
  }

  ExtraOutputs extra_;
  std::unique_ptr<MarianBody> body_;
  std::optional<TargetScores> scores_;
};

HeadEntry entry(const std::string& head, WithScores with_scores) {
  return {"marian", head, "model.", [=](const ModelParts& parts) {
            return std::unique_ptr<Model>(std::make_unique<MarianHead>(parts, head, with_scores));
          }};
}

}  // namespace

at::Tensor sinusoidal_positions(int64_t rows, int64_t size) {
  at::Tensor table = at::empty({rows, size}, at::kFloat);
  float* values = table.mutable_data_ptr<float>();
  const int64_t sines = size - size / 2;
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t column = 0; column < size; ++column) {
      const int64_t frequency = column < sines ? column : column - sines;
      const double angle = static_cast<double>(row) /
                           std::pow(10000.0, 2.0 * static_cast<double>(frequency) / static_cast<double>(size));
      values[row * size + column] = static_cast<float>(column < sines ? std::sin(angle) : std::cos(angle));
    }
  }
  return table;
}

std::vector<HeadEntry> marian_heads() {
  return {entry("MarianModel", WithScores::kNo), entry("MarianMTModel", WithScores::kYes)};
}

}  // namespace bertjit
