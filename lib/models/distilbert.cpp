#include "models/distilbert.h"

#include <memory>
#include <string>

#include "models/heads.h"

namespace bertjit {

namespace {

/// A size that has a name of DistilBERT's own; transformers reads BERT's name too, which wins where both are there.
int64_t aliased_size(const Config& config, const std::string& own, const std::string& of_bert, int64_t default_value) {
  return config.size(of_bert, config.size(own, default_value));
}

BodyConfig read_distilbert_config(const Config& config) {
  const int64_t dim = aliased_size(config, "dim", "hidden_size", 768);
  BodyConfig body{
      .vocab_size = config.size("vocab_size", 30522),
      .hidden_size = dim,
      .embedding_size = dim,
      .layers = aliased_size(config, "n_layers", "num_hidden_layers", 6),
      .heads = aliased_size(config, "n_heads", "num_attention_heads", 12),
      .intermediate_size = config.size("hidden_dim", 3072),
      .max_positions = config.size("max_position_embeddings", 512),
      .type_vocab_size = 0,
      .layer_norm_eps = 1e-12,  // the config has no field for it
      .pad_token_id = config.token_id("pad_token_id", 0),
      .activation = config.text("activation", "gelu"),
      .positions = PositionKind::kAbsolute,
      .is_decoder = false,
  };
  body.check(config);
  return body;
}

BodyPlaces distilbert_places(const BodyConfig& config) {
  return {
      .embeddings = {"embeddings", "Embeddings"},
      .projection = std::nullopt,
      .encoder = {"transformer", "Transformer"},
      .steps = numbered_places("layer", "TransformerBlock", config.layers),
      .layer = {.groups = {{"attention", "MultiHeadSelfAttention"}, {"ffn", "FFN"}},
                .attention = {.attention = "attention",
                              .projections = {.query = "q_lin", .key = "k_lin", .value = "v_lin"},
                              .output = "attention.out_lin",
                              .norm = "sa_layer_norm"},
                .feed_forward = {.up = "ffn.lin1", .down = "ffn.lin2", .norm = "output_layer_norm"}},
      .pooler_groups = {},
      .pooler = "",
  };
}

std::unique_ptr<Body> make_distilbert(const BodyParts& parts) {
  const BodyConfig config = read_distilbert_config(parts.config);
  BodyRules rules;
  if (parts.config.flag("sinusoidal_pos_embds", false)) {
    rules.position_init = Init::kSinusoids;  // in a checkpoint the table stands like any other
  }
  return std::make_unique<EncoderBody>(parts, config, distilbert_places(config), rules);
}

const Architecture kDistilBert = {.model_type = "distilbert",
                                  .python_module = "transformers.models.distilbert.modeling_distilbert",
                                  .base_class = "DistilBertModel",
                                  .base_name = "distilbert",
                                  .pooler = "",
                                  .make_body = make_distilbert};

}  // namespace

std::vector<HeadEntry> distilbert_heads() {
  const LanguageHead language = {.groups = {},
                                 .dense = "vocab_transform",
                                 .norm = "vocab_layer_norm",
                                 .decoder = "vocab_projector",
                                 .bias_owner = "vocab_projector",
                                 .activation = ""};
  const SentenceHead classifier = {.groups = {}, .dense = "pre_classifier", .activation = "relu", .out = "classifier"};
  return {
      base_model(kDistilBert),
      language_model(kDistilBert, "DistilBertForMaskedLM", language),
      sentence_classifier(kDistilBert, "DistilBertForSequenceClassification", classifier),
      multiple_choice_model(kDistilBert, "DistilBertForMultipleChoice", classifier),
      token_classifier(kDistilBert, "DistilBertForTokenClassification"),
      question_answering_model(kDistilBert, "DistilBertForQuestionAnswering"),
  };
}

}  // namespace bertjit
