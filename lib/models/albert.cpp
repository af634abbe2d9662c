#include "models/albert.h"

#include <memory>
#include <string>
#include <utility>

#include "models/heads.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// The groups of layers, by the config's names.
struct Groups {
  int64_t num_hidden_groups;
  int64_t inner_group_num;
};

Groups read_groups(const Config& config, int64_t layers) {
  const Groups groups{config.size("num_hidden_groups", 1), config.size("inner_group_num", 1)};
  if (groups.num_hidden_groups > layers) {
    throw Error(ErrorKind::kUnsupported, config.name() + ": num_hidden_groups " +
                                             std::to_string(groups.num_hidden_groups) +
                                             " is more than num_hidden_layers " + std::to_string(layers));
  }
  return groups;
}

/// The places of all layers in the order in which they run: each group as often as layers fall to it.
std::vector<Place> layer_places(const Groups& groups, int64_t layers) {
  std::vector<Place> places;
  const double layers_per_group = static_cast<double>(layers) / static_cast<double>(groups.num_hidden_groups);
  for (int64_t i = 0; i < layers; ++i) {
    // Rounded as the reference rounds it: 3 layers in 2 groups are 2 of the first and 1 of the second.
    const auto group = static_cast<int64_t>(static_cast<double>(i) / layers_per_group);
    const std::string list = "albert_layer_groups." + std::to_string(group) + ".albert_layers";
    for (auto& place : numbered_places(list, "AlbertLayer", groups.inner_group_num)) {
      places.push_back(std::move(place));
    }
  }
  return places;
}

BodyPlaces albert_places(const Groups& groups, int64_t layers) {
  return {
      .embeddings = {"embeddings", "AlbertEmbeddings"},
      .projection = "encoder.embedding_hidden_mapping_in",
      .encoder = {"encoder", "AlbertTransformer"},
      .steps = layer_places(groups, layers),
      .layer = {.groups = {{"attention", "AlbertAttention"}},
                .attention = {.attention = "attention",
                              .projections = {},
                              .output = "attention.dense",
                              .norm = "attention.LayerNorm"},
                .feed_forward = {.up = "ffn", .down = "ffn_output", .norm = "full_layer_layer_norm"}},
      .pooler_groups = {},
      .pooler = "pooler",
  };
}

BodyConfig read_albert_config(const Config& config) {
  BodyConfig body = read_body_config(config, {.vocab_size = 30000,
                                              .hidden_size = 4096,
                                              .embedding_size = 128,
                                              .layers = 12,
                                              .heads = 64,
                                              .intermediate_size = 16384,
                                              .max_positions = 512,
                                              .type_vocab_size = 2,
                                              .layer_norm_eps = 1e-12,
                                              .pad_token_id = 0,
                                              .activation = "gelu_new"});
  body.is_decoder = false;  // a field that the reference does not read
  return body;
}

/// Gives the groups, which only hold their layers, the reference's class.
const BodyParts& with_groups(const BodyParts& parts, const Groups& groups) {
  const Node encoder = parts.node.at({"encoder", "AlbertTransformer"});
  for (const auto& place : numbered_places("albert_layer_groups", "AlbertLayerGroup", groups.num_hidden_groups)) {
    encoder.at(place);
  }
  return parts;
}

class AlbertBody : public EncoderBody {
 public:
  AlbertBody(const BodyParts& parts, const BodyConfig& config, const Groups& groups)
      : EncoderBody(with_groups(parts, groups), config, albert_places(groups, config.layers),
                    {.scale_relative_scores = false}),
        inner_group_num_(groups.inner_group_num) {}

  BodyOutput operator()(const std::vector<at::Tensor>& inputs) const override {
    BodyOutput output = EncoderBody::operator()(inputs);
    // The reference keeps the state after each group, but the attentions of each layer in it.
    std::vector<at::Tensor> kept;
    for (size_t i = 0; i < output.hidden_states.size(); i += static_cast<size_t>(inner_group_num_)) {
      kept.push_back(output.hidden_states[i]);
    }
    output.hidden_states = std::move(kept);
    return output;
  }
  int64_t attention_count() const override {
    return config().layers * inner_group_num_;
  }

 private:
  int64_t inner_group_num_;
};

std::unique_ptr<Body> make_albert(const BodyParts& parts) {
  const BodyConfig config = read_albert_config(parts.config);
  return std::make_unique<AlbertBody>(parts, config, read_groups(parts.config, config.layers));
}

const Architecture kAlbert = {.model_type = "albert",
                              .python_module = "transformers.models.albert.modeling_albert",
                              .base_class = "AlbertModel",
                              .base_name = "albert",
                              .pooler = "pooler",
                              .make_body = make_albert};

}  // namespace

std::vector<HeadEntry> albert_heads() {
  const LanguageHead language = {.groups = {{"predictions", "AlbertMLMHead"}},
                                 .dense = "predictions.dense",
                                 .norm = "predictions.LayerNorm",
                                 .decoder = "predictions.decoder",
                                 .bias_owner = "predictions",
                                 .activation = ""};
  const SentenceHead classifier = {.out = "classifier"};
  const SentenceHead sentence_order = {.groups = {{"sop_classifier", "AlbertSOPHead"}},
                                       .dense = "",
                                       .activation = "",
                                       .out = "sop_classifier.classifier"};
  return {
      base_model(kAlbert),
      language_model(kAlbert, "AlbertForMaskedLM", language),
      pretraining_model(kAlbert, "AlbertForPreTraining", language, sentence_order, "sop_logits", std::nullopt),
      sentence_classifier(kAlbert, "AlbertForSequenceClassification", classifier),
      multiple_choice_model(kAlbert, "AlbertForMultipleChoice", classifier),
      token_classifier(kAlbert, "AlbertForTokenClassification"),
      question_answering_model(kAlbert, "AlbertForQuestionAnswering"),
  };
}

}  // namespace bertjit
