#include "models/bert.h"

#include "models/heads.h"

namespace bertjit {

namespace {

std::unique_ptr<Body> make_bert(const BodyParts& parts) {
  const BodyConfig config = read_body_config(parts.config, {});
  return std::make_unique<EncoderBody>(parts, config, bert_places("Bert", config));
}

const Architecture kBert = {.model_type = "bert",
                            .python_module = "transformers.models.bert.modeling_bert",
                            .base_class = "BertModel",
                            .base_name = "bert",
                            .pooler = "pooler.dense",
                            .make_body = make_bert};

/// `cls` is of class `cls_class`: BertOnlyMLMHead, or BertPreTrainingHeads with the next-sentence score beside it.
LanguageHead bert_language_head(const std::string& cls_class) {
  return {.groups = {{"cls", cls_class},
                     {"cls.predictions", "BertLMPredictionHead"},
                     {"cls.predictions.transform", "BertPredictionHeadTransform"}},
          .dense = "cls.predictions.transform.dense",
          .norm = "cls.predictions.transform.LayerNorm",
          .decoder = "cls.predictions.decoder",
          .bias_owner = "cls.predictions",
          .activation = ""};
}

}  // namespace

BodyPlaces bert_places(const std::string& prefix, const BodyConfig& config) {
  return {
      .embeddings = {"embeddings", prefix + "Embeddings"},
      .projection = std::nullopt,
      .encoder = {"encoder", prefix + "Encoder"},
      .steps = numbered_places("layer", prefix + "Layer", config.layers),
      .layer = {.groups = {{"attention", prefix + "Attention"},
                           {"attention.self", prefix + "SelfAttention"},
                           {"attention.output", prefix + "SelfOutput"},
                           {"intermediate", prefix + "Intermediate"},
                           {"output", prefix + "Output"}},
                .attention = {.attention = "attention.self",
                              .projections = {},
                              .output = "attention.output.dense",
                              .norm = "attention.output.LayerNorm"},
                .feed_forward = {.up = "intermediate.dense", .down = "output.dense", .norm = "output.LayerNorm"}},
      .pooler_groups = {{"pooler", prefix + "Pooler"}},
      .pooler = "pooler.dense",
  };
}

std::vector<HeadEntry> bert_heads() {
  const LanguageHead language = bert_language_head("BertOnlyMLMHead");
  const SentenceHead classifier = {.out = "classifier"};
  const SentenceHead relation = {.out = "cls.seq_relationship"};
  const SentenceHead next_sentence = {
      .groups = {{"cls", "BertOnlyNSPHead"}}, .dense = "", .activation = "", .out = "cls.seq_relationship"};
  return {
      base_model(kBert),
      language_model(kBert, "BertForMaskedLM", language),
      language_model(kBert, "BertLMHeadModel", language),
      pretraining_model(kBert, "BertForPreTraining", bert_language_head("BertPreTrainingHeads"), relation,
                        "seq_relationship_logits"),
      sentence_classifier(kBert, "BertForNextSentencePrediction", next_sentence, 2),
      sentence_classifier(kBert, "BertForSequenceClassification", classifier),
      multiple_choice_model(kBert, "BertForMultipleChoice", classifier),
      token_classifier(kBert, "BertForTokenClassification"),
      question_answering_model(kBert, "BertForQuestionAnswering"),
  };
}

}  // namespace bertjit
