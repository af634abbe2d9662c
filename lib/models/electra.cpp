#include "models/electra.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "models/bert.h"
#include "models/heads.h"
#include "support/error.h"

namespace bertjit {

namespace {

std::unique_ptr<Body> make_electra(const BodyParts& parts) {
  BodyDefaults defaults;
  defaults.hidden_size = 256;
  defaults.embedding_size = 128;
  defaults.heads = 4;
  defaults.intermediate_size = 1024;
  const BodyConfig config = read_body_config(parts.config, defaults);
  BodyPlaces places = bert_places("Electra", config);
  if (config.embedding_size != config.hidden_size) {
    places.projection = "embeddings_project";
  }
  places.pooler_groups = {};
  places.pooler = "";
  return std::make_unique<EncoderBody>(parts, config, places);
}

const Architecture kElectra = {.model_type = "electra",
                               .python_module = "transformers.models.electra.modeling_electra",
                               .base_class = "ElectraModel",
                               .base_name = "electra",
                               .pooler = "",
                               .make_body = make_electra};

/// Was each token replaced? logits [batch, seq]: ElectraDiscriminatorPredictions.
class Discriminator : public HeadModel {
 public:
  Discriminator(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : HeadModel(parts, architecture, head, WithPooler::kNo),
        node_(root().at({"discriminator_predictions", "ElectraDiscriminatorPredictions"})),
        dense_(node_.child("dense", kLinear), body().config().hidden_size, body().config().hidden_size),
        activation_(body().config().activation, parts.config.name()),
        out_(node_.child("dense_prediction", kLinear), body().config().hidden_size, 1) {
    set_outputs({"logits"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    const Scope scope(node_);
    return {out_(activation_(dense_(output.last_hidden_state()))).squeeze(-1)};
  }

 private:
  Node node_;
  Linear dense_;
  Activation activation_;
  Linear out_;
};

// --- what stands for a text: first token, last token, or the mean of all, padding included ---

using Summarise = at::Tensor (*)(const at::Tensor& hidden);

at::Tensor first_token(const at::Tensor& hidden) {
  return hidden.select(1, 0);
}

at::Tensor last_token(const at::Tensor& hidden) {
  return hidden.select(1, -1);
}

at::Tensor mean_token(const at::Tensor& hidden) {
  return hidden.mean(1);
}

struct SummaryType {
  const char* name;
  Summarise summarise;
};

constexpr std::array<SummaryType, 4> kSummaryTypes = {{
    {"cls_index", last_token},  // without an index to go by, which no head of ELECTRA gives
    {"first", first_token},
    {"last", last_token},
    {"mean", mean_token},
}};

Summarise summary_of(const Config& config) {
  const std::string wanted = config.text("summary_type", "first");
  std::string known;
  for (const auto& type : kSummaryTypes) {
    if (wanted == type.name) {
      return type.summarise;
    }
    known += (known.empty() ? "" : ", ") + std::string(type.name);
  }
  throw Error(ErrorKind::kUnsupported,
              config.name() + ": summary_type '" + wanted + "' is not supported (supported: " + known + ")");
}

/// activation(dense(summary of the tokens)): ElectraSequenceSummary, whose parts are all up to the config.
class SequenceSummary {
 public:
  SequenceSummary(Node node, const Config& config, int64_t hidden_size)
      : node_(std::move(node)), summarise_(summary_of(config)), activation_(activation_name(config), config.name()) {
    const bool projects = !config.is_null("summary_use_proj") && config.flag("summary_use_proj", true);
    if (projects && config.flag("summary_proj_to_labels", false) && config.num_labels() != hidden_size) {
      throw Error(ErrorKind::kUnsupported,
                  config.name() + ": summary_proj_to_labels true is not supported: the classifier after it takes " +
                      std::to_string(hidden_size) + " numbers, not one for each of " +
                      std::to_string(config.num_labels()) + " labels");
    }
    if (projects) {
      dense_.emplace(node_.child("summary", kLinear), hidden_size, hidden_size);
    }
  }

  /// hidden [batch, seq, hidden] -> [batch, hidden].
  at::Tensor operator()(const at::Tensor& hidden) const {
    const Scope scope(node_);
    const at::Tensor summary = summarise_(hidden);
    return activation_(dense_ ? (*dense_)(summary) : summary);
  }

 private:
  static std::string activation_name(const Config& config) {
    const std::string name = config.is_null("summary_activation") ? "" : config.text("summary_activation", "gelu");
    return name.empty() ? "linear" : name;
  }

  Node node_;
  Summarise summarise_;
  Activation activation_;
  std::optional<Linear> dense_;
};

class ElectraMultipleChoice : public ChoiceModel {
 public:
  ElectraMultipleChoice(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : ChoiceModel(parts, architecture, head, WithPooler::kNo),
        summary_(root().at({"sequence_summary", "ElectraSequenceSummary"}), parts.config, body().config().hidden_size),
        out_(root().child("classifier", kLinear), body().config().hidden_size, 1) {}

 protected:
  at::Tensor score(const BodyOutput& output) const override {
    return out_(summary_(output.last_hidden_state()));
  }

 private:
  SequenceSummary summary_;
  Linear out_;
};

}  // namespace

std::vector<HeadEntry> electra_heads() {
  const LanguageHead generator = {.groups = {{"generator_predictions", "ElectraGeneratorPredictions"}},
                                  .dense = "generator_predictions.dense",
                                  .norm = "generator_predictions.LayerNorm",
                                  .decoder = "generator_lm_head",
                                  .bias_owner = "generator_lm_head",
                                  .activation = "gelu"};
  const SentenceHead classifier = {.groups = {{"classifier", "ElectraClassificationHead"}},
                                   .dense = "classifier.dense",
                                   .activation = "gelu",
                                   .out = "classifier.out_proj"};
  return {
      base_model(kElectra),
      head_entry<Discriminator>(kElectra, "ElectraForPreTraining"),
      language_model(kElectra, "ElectraForMaskedLM", generator),
      language_model(kElectra, "ElectraForCausalLM", generator),
      sentence_classifier(kElectra, "ElectraForSequenceClassification", classifier),
      head_entry<ElectraMultipleChoice>(kElectra, "ElectraForMultipleChoice"),
      token_classifier(kElectra, "ElectraForTokenClassification"),
      question_answering_model(kElectra, "ElectraForQuestionAnswering"),
  };
}

}  // namespace bertjit
