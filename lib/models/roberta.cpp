#include "models/roberta.h"

#include "models/bert.h"
#include "support/error.h"

namespace bertjit {

namespace {

/// What the three call their classes, and the one default in which their configurations differ.
struct Variant {
  const char* model_type;
  const char* python_module;
  const char* prefix;
  int64_t vocab_size;
};

constexpr Variant kRoberta{"roberta", "transformers.models.roberta.modeling_roberta", "Roberta", 50265};
constexpr Variant kXlmRoberta{"xlm-roberta", "transformers.models.xlm_roberta.modeling_xlm_roberta", "XLMRoberta",
                              30522};
constexpr Variant kCamembert{"camembert", "transformers.models.camembert.modeling_camembert", "Camembert", 30522};

template <const Variant& variant>
std::unique_ptr<Body> make_body(const BodyParts& parts) {
  const BodyConfig config = read_body_config(parts.config, {.vocab_size = variant.vocab_size, .pad_token_id = 1});
  if (!config.pad_token_id) {
    throw Error(ErrorKind::kCorrupt,
                parts.config.name() + ": pad_token_id is null; " + variant.model_type + " counts positions from it");
  }
  const BodyRules rules{.position_ids = PositionIds::kAfterPadding, .token_types_for_input = 2, .score_bias = {}};
  return std::make_unique<EncoderBody>(parts, config, bert_places(variant.prefix, config), rules);
}

template <const Variant& variant>
void add_heads(std::vector<HeadEntry>& heads) {
  const std::string prefix = variant.prefix;
  const Architecture architecture{.model_type = variant.model_type,
                                  .python_module = variant.python_module,
                                  .base_class = prefix + "Model",
                                  .base_name = "roberta",
                                  .pooler = "pooler.dense",
                                  .make_body = make_body<variant>};
  const LanguageHead language = roberta_language_head(prefix);
  const SentenceHead choice{.out = "classifier"};
  heads.push_back(base_model(architecture));
  heads.push_back(language_model(architecture, prefix + "ForMaskedLM", language));
  heads.push_back(language_model(architecture, prefix + "ForCausalLM", language));
  heads.push_back(
      sentence_classifier(architecture, prefix + "ForSequenceClassification", roberta_sentence_head(prefix)));
  heads.push_back(multiple_choice_model(architecture, prefix + "ForMultipleChoice", choice));
  heads.push_back(token_classifier(architecture, prefix + "ForTokenClassification"));
  heads.push_back(question_answering_model(architecture, prefix + "ForQuestionAnswering"));
}

}  // namespace

LanguageHead roberta_language_head(const std::string& prefix) {
  return {.groups = {{"lm_head", prefix + "LMHead"}},
          .dense = "lm_head.dense",
          .norm = "lm_head.layer_norm",
          .decoder = "lm_head.decoder",
          .bias_owner = "lm_head",
          .activation = "gelu"};
}

SentenceHead roberta_sentence_head(const std::string& prefix) {
  return {.groups = {{"classifier", prefix + "ClassificationHead"}},
          .dense = "classifier.dense",
          .activation = "tanh",
          .out = "classifier.out_proj"};
}

std::vector<HeadEntry> roberta_heads() {
  std::vector<HeadEntry> heads;
  add_heads<kRoberta>(heads);
  add_heads<kXlmRoberta>(heads);
  add_heads<kCamembert>(heads);
  return heads;
}

}  // namespace bertjit
