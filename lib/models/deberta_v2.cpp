#include "models/deberta_v2.h"

#include <algorithm>
#include <utility>

#include "models/bert.h"
#include "models/deberta_attention.h"
#include "models/heads.h"
#include "models/sizes.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kConv1d = "torch.nn.modules.conv.Conv1d";

BodyConfig read_deberta_config(const Config& config) {
  const BodyDefaults defaults{.vocab_size = 128100,
                              .hidden_size = 1536,
                              .embedding_size = config.size("hidden_size", 1536),
                              .layers = 24,
                              .heads = 24,
                              .intermediate_size = 6144,
                              .max_positions = 512,
                              .type_vocab_size = 0,
                              .layer_norm_eps = 1e-7};
  BodyConfig body = read_body_config(config, defaults);
  // The reference has positions of its own and no decoder, whatever the config says of BERT's.
  body.positions = PositionKind::kAbsolute;
  body.is_decoder = false;
  // Other sizes are fields of the reference's config, with which its matrices do not fit together.
  for (const auto& [field, expected] : {std::pair{"attention_head_size", body.hidden_size / body.heads},
                                        std::pair{"pooler_hidden_size", body.hidden_size}}) {
    if (config.size(field, expected) != expected) {
      throw Error(ErrorKind::kUnsupported,
                  config.name() + ": " + field + " " + std::to_string(config.size(field, expected)) +
                      " is not supported; hidden size and heads make it " + std::to_string(expected));
    }
  }
  return body;
}

/// Word, position and segment embeddings, projected before they are normalised; padding is zero
/// (`DebertaV2Embeddings`).
class DebertaEmbeddings {
 public:
  DebertaEmbeddings(Node node, const BodyConfig& config, bool add_positions)
      : node_(std::move(node)),
        word_embeddings_(node_.child("word_embeddings", kEmbedding), config.vocab_size, config.embedding_size,
                         config.pad_token_id == 0 ? Init::kNormalRow0Zero : Init::kNormal),
        position_embeddings_(table("position_embeddings", add_positions ? config.max_positions : 0, config)),
        token_type_embeddings_(table("token_type_embeddings", config.type_vocab_size, config)),
        layer_norm_(node_.child("LayerNorm", kLayerNorm), config.hidden_size, config.layer_norm_eps) {
    if (config.embedding_size != config.hidden_size) {
      projection_.emplace(node_.child("embed_proj", kLinear), config.embedding_size, config.hidden_size, Bias::kNo);
    }
  }

  /// inputs as Body's -> [batch, seq, hidden].
  at::Tensor operator()(const std::vector<at::Tensor>& inputs) const {
    const Scope scope(node_);
    at::Tensor sum = word_embeddings_(inputs[0]);
    if (position_embeddings_) {
      const Scope table_scope(position_embeddings_->node());
      sum = add_positions(sum, position_embeddings_->weight());
    }
    if (token_type_embeddings_) {
      sum = sum + (*token_type_embeddings_)(inputs[2]);
    }
    if (projection_) {
      sum = (*projection_)(sum);
    }
    const at::Tensor normalised = layer_norm_(sum);
    return normalised * inputs[1].unsqueeze(2).to(normalised.scalar_type());
  }

  const Embedding& word_embeddings() const {
    return word_embeddings_;
  }

 private:
  std::optional<Embedding> table(const std::string& name, int64_t rows, const BodyConfig& config) const {
    return rows == 0 ? std::nullopt
                     : std::make_optional<Embedding>(node_.child(name, kEmbedding), rows, config.embedding_size);
  }

  Node node_;
  Embedding word_embeddings_;
  std::optional<Embedding> position_embeddings_;
  std::optional<Embedding> token_type_embeddings_;
  std::optional<Linear> projection_;
  LayerNorm layer_norm_;
};

/// A convolution over the embeddings, added to what the first layer gives (`ConvLayer`).
class ConvolutionLayer {
 public:
  ConvolutionLayer(Node node, const Config& config, const BodyConfig& body, int64_t kernel_size)
      : node_(std::move(node)),
        convolution_(node_.child("conv", kConv1d)),
        kernel_size_(kernel_size),
        groups_(config.size("conv_groups", 1)),
        activation_(config.text("conv_act", "tanh"), config.name()),
        norm_(node_.child("LayerNorm", kLayerNorm), body.hidden_size, body.layer_norm_eps) {
    if (kernel_size % 2 == 0) {
      throw Error(ErrorKind::kUnsupported, config.name() + ": conv_kernel_size " + std::to_string(kernel_size) +
                                               " is not supported; only odd sizes keep a text's length");
    }
    if (body.hidden_size % groups_ != 0) {
      throw Error(ErrorKind::kCorrupt, config.name() + ": the hidden size " + std::to_string(body.hidden_size) +
                                           " is not a multiple of conv_groups " + std::to_string(groups_));
    }
    weight_ =
        convolution_.parameter("weight", {body.hidden_size, body.hidden_size / groups_, kernel_size_}, Init::kNormal);
    bias_ = convolution_.parameter("bias", {body.hidden_size}, Init::kZeros);
  }

  /// embedded, hidden [batch, seq, hidden] and mask [batch, seq] -> the shape of `hidden`.
  at::Tensor operator()(const at::Tensor& embedded, const at::Tensor& hidden, const at::Tensor& mask) const {
    Scope scope(node_);
    scope.enter(convolution_);
    const at::Tensor convolved =
        at::conv1d(embedded.transpose(1, 2), weight_, bias_, 1, (kernel_size_ - 1) / 2, 1, groups_).transpose(1, 2);
    scope.enter(node_);
    // What is neither 0 nor 1 in a mask counts as padding here, as in the reference.
    const at::Tensor activated = activation_(convolved.masked_fill(mask.ne(1).unsqueeze(-1), 0));
    const at::Tensor normalised = norm_(hidden + activated);
    return normalised * mask.unsqueeze(2).to(normalised.scalar_type());
  }

 private:
  Node node_;
  Node convolution_;
  int64_t kernel_size_;
  int64_t groups_;
  at::Tensor weight_;
  at::Tensor bias_;
  Activation activation_;
  LayerNorm norm_;
};

/// `DebertaV2Model`.
class DebertaBody : public Body {
 public:
  explicit DebertaBody(const BodyParts& parts)
      : Body(read_deberta_config(parts.config)),
        node_(parts.node),
        adds_positions_(parts.config.flag("position_biased_input", true)),
        positions_(read_relative_positions(parts.config, config().max_positions)),
        embeddings_(node_.at({"embeddings", "DebertaV2Embeddings"}), config(), adds_positions_),
        encoder_(node_.at({"encoder", "DebertaV2Encoder"})) {
    make_layers(parts.config);
    if (positions_.enabled) {
      table_.emplace(encoder_.child("rel_embeddings", kEmbedding), 2 * positions_.span(), config().hidden_size);
    }
    const auto norms = parts.config.words("norm_rel_ebd");
    if (std::find(norms.begin(), norms.end(), "layer_norm") != norms.end()) {
      // Without relative attention it is there, in checkpoints too, and unused.
      table_norm_.emplace(encoder_.child("LayerNorm", kLayerNorm), config().hidden_size, config().layer_norm_eps);
    }
    const int64_t kernel_size = parts.config.signed_count("conv_kernel_size", 0);
    if (kernel_size > 0) {
      convolution_.emplace(encoder_.at({"conv", "ConvLayer"}), parts.config, config(), kernel_size);
    }
  }

  BodyOutput operator()(const std::vector<at::Tensor>& inputs) const override {
    Scope scope(node_);
    BodyOutput output{{embeddings_(inputs)}, {}, {}};
    scope.enter(encoder_);
    const AttentionContext context = make_context(output.hidden_states[0], inputs[1]);
    for (const auto& layer : layers_) {
      AttentionResult result = layer(output.hidden_states.back(), context);
      if (convolution_ && output.attentions.empty()) {
        result.context = (*convolution_)(output.hidden_states[0], result.context, inputs[1]);
      }
      output.hidden_states.push_back(result.context);
      output.attentions.push_back(result.probabilities);
    }
    return output;
  }

  const Embedding& word_embeddings() const override {
    return embeddings_.word_embeddings();
  }
  bool takes_token_type_ids() const override {
    return config().type_vocab_size > 0;
  }
  int64_t longest_input() const override {
    return adds_positions_ ? config().max_positions : 0;
  }
  bool is_always_eager() const override {
    return true;
  }

 private:
  void make_layers(const Config& fields) {
    BodyPlaces places = bert_places("DebertaV2", config());
    places.layer.groups[1].class_name = "DisentangledSelfAttention";
    const EncoderShape shape{{config().hidden_size, config().intermediate_size, config().layer_norm_eps},
                             Activation(config().activation, fields.name())};
    for (const auto& step : places.steps) {
      layers_.emplace_back(encoder_.at(step), places.layer, shape, [&](const Node& node) {
        return std::make_unique<DisentangledAttention>(node, config().hidden_size, config().heads, positions_);
      });
    }
  }

  /// What all layers share, computed once.
  AttentionContext make_context(const at::Tensor& hidden, const at::Tensor& mask) const {
    AttentionContext context;
    const at::Tensor attended = mask.ne(0);
    // A token that is padding attends to nothing either.
    context.mask = attended.unsqueeze(1).logical_and(attended.unsqueeze(2)).logical_not().unsqueeze(1);
    if (positions_.enabled) {
      const RelativeRows rows = relative_rows(relative_distances(hidden, positions_), positions_.span());
      context.relative = rows.index;
      context.relative_table = at::index(table_->weight(), {rows.used});
      if (table_norm_) {
        context.relative_table = (*table_norm_)(context.relative_table);
      }
    }
    return context;
  }

  Node node_;
  bool adds_positions_;
  RelativePositions positions_;
  DebertaEmbeddings embeddings_;
  Node encoder_;
  std::vector<EncoderLayer> layers_;
  std::optional<Embedding> table_;
  std::optional<LayerNorm> table_norm_;
  std::optional<ConvolutionLayer> convolution_;
};

const Architecture kDebertaV2 = {
    .model_type = "deberta-v2",
    .python_module = "transformers.models.deberta_v2.modeling_deberta_v2",
    .base_class = "DebertaV2Model",
    .base_name = "deberta",
    .pooler = "",
    .make_body = [](const BodyParts& parts) -> std::unique_ptr<Body> { return std::make_unique<DebertaBody>(parts); }};

/// `DebertaV2OnlyMLMHead`, by "legacy": false: scores by the word embeddings themselves, with no decoder of its own.
class NewLanguageModel : public HeadModel {
 public:
  NewLanguageModel(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : HeadModel(parts, architecture, head, WithPooler::kNo),
        node_(root().at({"lm_predictions", "DebertaV2OnlyMLMHead"}).at({"lm_head", "DebertaV2LMPredictionHead"})),
        dense_(node_.child("dense", kLinear), body().config().hidden_size, body().config().hidden_size),
        activation_(body().config().activation, parts.config.name()),
        norm_(node_.child("LayerNorm", kLayerNorm), body().config().hidden_size, body().config().layer_norm_eps),
        bias_(node_.parameter("bias", {body().config().vocab_size}, Init::kZeros)) {
    // The reference ties `dense`, of another shape and use, to the word embeddings, and then fails to run.
    if (parts.config.flag("tie_word_embeddings", true)) {
      throw Error(ErrorKind::kUnsupported,
                  parts.config.name() + ": legacy false is supported only with tie_word_embeddings false");
    }
    if (body().config().embedding_size != body().config().hidden_size) {
      throw Error(ErrorKind::kUnsupported, parts.config.name() +
                                               ": legacy false is not supported with embedding_size " +
                                               std::to_string(body().config().embedding_size) + " and hidden_size " +
                                               std::to_string(body().config().hidden_size));
    }
    set_outputs({"logits"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    const Scope scope(node_);
    const at::Tensor normalised = norm_(activation_(dense_(output.last_hidden_state())));
    return {at::matmul(normalised, body().word_embeddings().weight().t()) + bias_};
  }

 private:
  Node node_;
  Linear dense_;
  Activation activation_;
  LayerNorm norm_;
  at::Tensor bias_;
};

HeadEntry masked_language_model() {
  const std::string head = "DebertaV2ForMaskedLM";
  const LanguageHead places = {.groups = {{"cls", "LegacyDebertaV2OnlyMLMHead"},
                                          {"cls.predictions", "LegacyDebertaV2LMPredictionHead"},
                                          {"cls.predictions.transform", "LegacyDebertaV2PredictionHeadTransform"}},
                               .dense = "cls.predictions.transform.dense",
                               .norm = "cls.predictions.transform.LayerNorm",
                               .decoder = "cls.predictions.decoder",
                               .bias_owner = "cls.predictions",
                               .activation = ""};
  HeadEntry entry = language_model(kDebertaV2, head, places);
  const auto make_legacy = entry.make;
  const auto make_new = head_entry<NewLanguageModel>(kDebertaV2, head).make;
  entry.make = [=](const ModelParts& parts) {
    return parts.config.flag("legacy", true) ? make_legacy(parts) : make_new(parts);
  };
  return entry;
}

}  // namespace

std::vector<HeadEntry> deberta_v2_heads() {
  const SentenceHead classifier = {.groups = {{"pooler", "ContextPooler"}},
                                   .dense = "pooler.dense",
                                   .activation = "gelu",
                                   .out = "classifier",
                                   .activation_field = "pooler_hidden_act"};
  return {
      base_model(kDebertaV2),
      masked_language_model(),
      sentence_classifier(kDebertaV2, "DebertaV2ForSequenceClassification", classifier),
      multiple_choice_model(kDebertaV2, "DebertaV2ForMultipleChoice", classifier),
      token_classifier(kDebertaV2, "DebertaV2ForTokenClassification"),
      question_answering_model(kDebertaV2, "DebertaV2ForQuestionAnswering"),
  };
}

}  // namespace bertjit
