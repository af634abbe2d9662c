#include "models/bert.h"

#include <utility>

#include "models/sizes.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr const char* kModelingBert = "transformers.models.bert.modeling_bert.";
constexpr const char* kLinear = "torch.nn.modules.linear.Linear";
constexpr const char* kLayerNorm = "torch.nn.modules.normalization.LayerNorm";
constexpr const char* kEmbedding = "torch.nn.modules.sparse.Embedding";

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

}  // namespace

// Defaults are those of transformers' BertConfig.
BertConfig::BertConfig(const Config& config)
    : vocab_size(config.size("vocab_size", 30522)),
      hidden_size(config.size("hidden_size", 768)),
      layers(config.size("num_hidden_layers", 12)),
      heads(config.size("num_attention_heads", 12)),
      intermediate_size(config.size("intermediate_size", 3072)),
      max_positions(config.size("max_position_embeddings", 512)),
      type_vocab_size(config.size("type_vocab_size", 2)),
      num_labels(config.num_labels()),
      layer_norm_eps(config.number("layer_norm_eps", 1e-12)),
      pad_token_id(static_cast<int64_t>(config.number("pad_token_id", 0))),
      hidden_act(config.text("hidden_act", "gelu")),
      positions(position_kind(config)),
      tie_word_embeddings(config.flag("tie_word_embeddings", true)),
      name(config.name()) {
  if (hidden_size % heads != 0) {
    throw Error(ErrorKind::kCorrupt, name + ": hidden_size " + std::to_string(hidden_size) +
                                         " is not a multiple of num_attention_heads " + std::to_string(heads));
  }
  for (const char* field : {"is_decoder", "output_attentions"}) {
    if (config.flag(field, false)) {
      throw Error(ErrorKind::kUnsupported, name + ": " + field + " true is not supported");
    }
  }
}

BertEmbeddings::BertEmbeddings(Node node, const BertConfig& config)
    : node_(std::move(node)),
      word_embeddings_(node_.child("word_embeddings", kEmbedding), config.vocab_size, config.hidden_size,
                       config.pad_token_id == 0 ? Init::kNormalRow0Zero : Init::kNormal),
      // transformers builds the position table even where relative positions leave it unused; so do checkpoints.
      position_embeddings_(std::in_place, node_.child("position_embeddings", kEmbedding), config.max_positions,
                           config.hidden_size),
      token_type_embeddings_(node_.child("token_type_embeddings", kEmbedding), config.type_vocab_size,
                             config.hidden_size),
      layer_norm_(node_.child("LayerNorm", kLayerNorm), config.hidden_size, config.layer_norm_eps) {
  if (config.positions != PositionKind::kAbsolute) {
    position_embeddings_.reset();
  }
}

at::Tensor BertEmbeddings::operator()(const at::Tensor& input_ids, const at::Tensor& token_type_ids) const {
  const Scope scope(node_);
  at::Tensor sum = word_embeddings_(input_ids) + token_type_embeddings_(token_type_ids);
  if (position_embeddings_) {
    const Scope position_scope(position_embeddings_->node());
    sum = add_positions(sum, position_embeddings_->weight());
  }
  return layer_norm_(sum);
}

BertLayer::ResidualOutput::ResidualOutput(Node node, int64_t in_features, const BertConfig& config)
    : node_(std::move(node)),
      dense_(node_.child("dense", kLinear), in_features, config.hidden_size),
      layer_norm_(node_.child("LayerNorm", kLayerNorm), config.hidden_size, config.layer_norm_eps) {}

at::Tensor BertLayer::ResidualOutput::operator()(const at::Tensor& x, const at::Tensor& residual) const {
  const Scope scope(node_);
  return layer_norm_(dense_(x) + residual);
}

BertLayer::BertLayer(Node node, const BertConfig& config, AttentionKind attention)
    : node_(std::move(node)),
      attention_node_(node_.sibling_class("attention", "BertAttention")),
      self_(attention_node_.sibling_class(
                "self", attention == AttentionKind::kSdpa ? "BertSdpaSelfAttention" : "BertSelfAttention"),
            {config.hidden_size, config.heads, config.max_positions}, attention, config.positions),
      attention_output_(attention_node_.sibling_class("output", "BertSelfOutput"), config.hidden_size, config),
      intermediate_node_(node_.sibling_class("intermediate", "BertIntermediate")),
      intermediate_dense_(intermediate_node_.child("dense", kLinear), config.hidden_size, config.intermediate_size),
      activation_(config.hidden_act, config.name),
      output_(node_.sibling_class("output", "BertOutput"), config.intermediate_size, config) {}

at::Tensor BertLayer::operator()(const at::Tensor& hidden, const at::Tensor& mask) const {
  const Scope scope(node_);
  at::Tensor attended;
  {
    const Scope attention_scope(attention_node_);
    attended = attention_output_(self_(hidden, mask), hidden);
  }
  at::Tensor intermediate;
  {
    const Scope intermediate_scope(intermediate_node_);
    intermediate = activation_(intermediate_dense_(attended));
  }
  return output_(intermediate, attended);
}

BertEncoder::BertEncoder(Node node, const BertConfig& config, AttentionKind attention) : node_(std::move(node)) {
  const Node list = node_.child("layer", "torch.nn.modules.container.ModuleList");
  layers_.reserve(static_cast<size_t>(config.layers));
  for (int64_t i = 0; i < config.layers; ++i) {
    layers_.emplace_back(list.child(std::to_string(i), std::string(kModelingBert) + "BertLayer"), config, attention);
  }
}

std::vector<at::Tensor> BertEncoder::operator()(const at::Tensor& hidden, const at::Tensor& mask) const {
  const Scope scope(node_);
  std::vector<at::Tensor> states{hidden};
  for (const auto& layer : layers_) {
    states.push_back(layer(states.back(), mask));
  }
  return states;
}

BertPooler::BertPooler(Node node, int64_t hidden_size)
    : node_(std::move(node)), dense_(node_.child("dense", kLinear), hidden_size, hidden_size) {}

at::Tensor BertPooler::operator()(const at::Tensor& hidden) const {
  const Scope scope(node_);
  return at::tanh(dense_(hidden.select(1, 0)));
}

BertPredictions::BertPredictions(Node node, const BertConfig& config, const Embedding& word_embeddings, Tie tie)
    : node_(std::move(node)),
      transform_node_(node_.sibling_class("transform", "BertPredictionHeadTransform")),
      transform_dense_(transform_node_.child("dense", kLinear), config.hidden_size, config.hidden_size),
      activation_(config.hidden_act, config.name),
      transform_layer_norm_(transform_node_.child("LayerNorm", kLayerNorm), config.hidden_size, config.layer_norm_eps),
      bias_(node_.parameter("bias", {config.vocab_size}, Init::kZeros)),
      decoder_node_(node_.child("decoder", kLinear)) {
  if (config.tie_word_embeddings) {
    // A tensor object of its own even when it shares memory: the tracer knows parameters by their object.
    const at::Tensor& table = word_embeddings.weight();
    decoder_weight_ = tie == Tie::kShare ? table.detach() : table.detach().clone();
    decoder_node_.adopt("weight", decoder_weight_);
  } else {
    decoder_weight_ = decoder_node_.parameter("weight", {config.vocab_size, config.hidden_size}, Init::kNormal);
  }
}

at::Tensor BertPredictions::operator()(const at::Tensor& hidden) const {
  const Scope scope(node_);
  at::Tensor transformed;
  {
    const Scope transform_scope(transform_node_);
    transformed = transform_layer_norm_(activation_(transform_dense_(hidden)));
  }
  const Scope decoder_scope(decoder_node_);
  return at::linear(transformed, decoder_weight_, bias_);
}

BertBody::BertBody(Node node, const BertConfig& config, AttentionKind attention, bool with_pooler)
    : node_(std::move(node)),
      embeddings_(node_.sibling_class("embeddings", "BertEmbeddings"), config),
      encoder_(node_.sibling_class("encoder", "BertEncoder"), config, attention) {
  if (with_pooler) {
    pooler_.emplace(node_.sibling_class("pooler", "BertPooler"), config.hidden_size);
  }
}

BertBody::Output BertBody::operator()(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                                      const at::Tensor& token_type_ids) const {
  const Scope scope(node_);
  const at::Tensor embedded = embeddings_(input_ids, token_type_ids);
  Output output;
  output.hidden_states = encoder_(embedded, additive_mask(attention_mask, embedded.scalar_type()));
  if (pooler_) {
    output.pooled = (*pooler_)(output.hidden_states.back());
  }
  return output;
}

namespace {

/// What all heads share: config, the tuple of outputs with the hidden states at its end, inputs.
class BertModelBase : public Model {
 protected:
  BertModelBase(const ModelParts& parts, Node root)
      : Model(parts, root.module()),
        config_(parts.config),
        with_hidden_states_(parts.config.flag("output_hidden_states", false)),
        root_(std::move(root)) {
    description_.inputs = {{"input_ids", InputDefault::kRequired, config_.vocab_size},
                           {"attention_mask", InputDefault::kOnes, 0},
                           {"token_type_ids", InputDefault::kZeros, config_.type_vocab_size}};
    description_.max_positions = config_.max_positions;
  }

  /// Names the head's own outputs; hidden states follow where the config asks for them.
  void set_outputs(std::vector<std::string> names) {
    description_.outputs = std::move(names);
    for (int64_t i = 0; with_hidden_states_ && i <= config_.layers; ++i) {
      description_.outputs.push_back("hidden_states." + std::to_string(i));
    }
  }

  c10::IValue finish(std::vector<c10::IValue> outputs, const std::vector<at::Tensor>& hidden_states) const {
    if (with_hidden_states_) {
      std::vector<c10::IValue> states(hidden_states.begin(), hidden_states.end());
      outputs.emplace_back(c10::ivalue::Tuple::create(std::move(states)));
    }
    return c10::ivalue::Tuple::create(std::move(outputs));
  }

  BertConfig config_;
  bool with_hidden_states_;
  Node root_;
};

Node bert_root(const ModelParts& parts, const std::string& class_name) {
  return Node(parts.tree, kModelingBert + class_name);
}

/// BertModel. The pooler is left out where the checkpoint has none (add_pooling_layer=False).
class BertModel : public BertModelBase {
 public:
  explicit BertModel(const ModelParts& parts)
      : BertModelBase(parts, bert_root(parts, "BertModel")),
        with_pooler_(parts.options.random_seed.has_value() || has_pooler()),
        body_(root_, config_, parts.options.attention, with_pooler_) {
    set_outputs(with_pooler_ ? std::vector<std::string>{"last_hidden_state", "pooler_output"}
                             : std::vector<std::string>{"last_hidden_state"});
  }

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const override {
    const auto output = body_(inputs[0], inputs[1], inputs[2]);
    std::vector<c10::IValue> items{output.hidden_states.back()};
    if (with_pooler_) {
      items.emplace_back(output.pooled);
    }
    return finish(std::move(items), output.hidden_states);
  }

 private:
  /// One of the two is enough: a file with only half of a pooler is missing the other half.
  bool has_pooler() const {
    return root_.has_parameter("pooler.dense.weight") || root_.has_parameter("pooler.dense.bias");
  }

  bool with_pooler_;
  BertBody body_;
};

/// BertForMaskedLM.
class BertForMaskedLM : public BertModelBase {
 public:
  explicit BertForMaskedLM(const ModelParts& parts)
      : BertModelBase(parts, bert_root(parts, "BertForMaskedLM")),
        body_(root_.sibling_class("bert", "BertModel"), config_, parts.options.attention, false),
        cls_node_(root_.sibling_class("cls", "BertOnlyMLMHead")),
        predictions_(cls_node_.sibling_class("predictions", "BertLMPredictionHead"), config_, body_.word_embeddings(),
                     parts.options.tie) {
    set_outputs({"logits"});
    if (config_.tie_word_embeddings) {
      description_.tie = parts.options.tie;
    }
  }

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const override {
    const Scope scope(root_);
    const auto output = body_(inputs[0], inputs[1], inputs[2]);
    const Scope cls_scope(cls_node_);
    return finish({predictions_(output.hidden_states.back())}, output.hidden_states);
  }

 private:
  BertBody body_;
  Node cls_node_;
  BertPredictions predictions_;
};

/// BertForPreTraining: the vocabulary's scores and the next-sentence score (BertPreTrainingHeads).
class BertForPreTraining : public BertModelBase {
 public:
  explicit BertForPreTraining(const ModelParts& parts)
      : BertModelBase(parts, bert_root(parts, "BertForPreTraining")),
        body_(root_.sibling_class("bert", "BertModel"), config_, parts.options.attention, true),
        cls_node_(root_.sibling_class("cls", "BertPreTrainingHeads")),
        predictions_(cls_node_.sibling_class("predictions", "BertLMPredictionHead"), config_, body_.word_embeddings(),
                     parts.options.tie),
        seq_relationship_(cls_node_.child("seq_relationship", kLinear), config_.hidden_size, 2) {
    set_outputs({"prediction_logits", "seq_relationship_logits"});
    if (config_.tie_word_embeddings) {
      description_.tie = parts.options.tie;
    }
  }

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const override {
    const Scope scope(root_);
    const auto output = body_(inputs[0], inputs[1], inputs[2]);
    const Scope cls_scope(cls_node_);
    return finish({predictions_(output.hidden_states.back()), seq_relationship_(output.pooled)}, output.hidden_states);
  }

 private:
  BertBody body_;
  Node cls_node_;
  BertPredictions predictions_;
  Linear seq_relationship_;
};

/// BertForSequenceClassification: one score a label.
class BertForSequenceClassification : public BertModelBase {
 public:
  explicit BertForSequenceClassification(const ModelParts& parts)
      : BertModelBase(parts, bert_root(parts, "BertForSequenceClassification")),
        body_(root_.sibling_class("bert", "BertModel"), config_, parts.options.attention, true),
        classifier_(root_.child("classifier", kLinear), config_.hidden_size, config_.num_labels) {
    set_outputs({"logits"});
  }

  c10::IValue forward(const std::vector<at::Tensor>& inputs) const override {
    const Scope scope(root_);
    const auto output = body_(inputs[0], inputs[1], inputs[2]);
    return finish({classifier_(output.pooled)}, output.hidden_states);
  }

 private:
  BertBody body_;
  Linear classifier_;
};

template <typename Head>
std::unique_ptr<Model> make(const ModelParts& parts) {
  return std::make_unique<Head>(parts);
}

}  // namespace

std::vector<HeadEntry> bert_heads() {
  return {
      {"bert", "BertModel", "bert.", make<BertModel>},
      {"bert", "BertForMaskedLM", "bert.", make<BertForMaskedLM>},
      {"bert", "BertForPreTraining", "bert.", make<BertForPreTraining>},
      {"bert", "BertForSequenceClassification", "bert.", make<BertForSequenceClassification>},
  };
}

}  // namespace bertjit
