// What stands on top of a body: the heads of transformers, each described by what its parts are called.
//
// Reference: the classes of transformers 4.57 whose names the entries carry, e.g. `BertForSequenceClassification`
// (modeling_bert.py), `RobertaForSequenceClassification` (modeling_roberta.py).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/body.h"
#include "models/extra_outputs.h"
#include "models/model.h"

namespace bertjit {

/// An architecture, as its heads see it.
struct Architecture {
  std::string model_type;     ///< of config.json: "bert"
  std::string python_module;  ///< "transformers.models.bert.modeling_bert"
  std::string base_class;     ///< "BertModel"
  std::string base_name;      ///< what heads call the body: "bert"
  /// Dense of the pooler in the body ("pooler.dense"); empty: there is none.
  std::string pooler;
  std::unique_ptr<Body> (*make_body)(const BodyParts& parts);
};

/// Scores over the vocabulary: decoder(LayerNorm(activation(dense(x)))).
struct LanguageHead {
  std::vector<Place> groups;  ///< submodules that only hold others, with their classes, outermost first
  std::string dense;          ///< "cls.predictions.transform.dense"
  std::string norm;           ///< "cls.predictions.transform.LayerNorm"
  std::string decoder;        ///< "cls.predictions.decoder"; its weight is the word embeddings where they are tied
  std::string bias_owner;     ///< what holds the decoder's `bias`: "cls.predictions"
  std::string activation;     ///< empty: hidden_act
};

/// Scores for a text: out(activation(dense(first token))), or out(pooled).
struct SentenceHead {
  std::vector<Place> groups;
  std::string dense;       ///< empty: the body's pooler
  std::string activation;  ///< after dense
  std::string out;         ///< "classifier"
  /// The field of config.json that names the activation, of which `activation` is the default; empty: it is fixed.
  std::string activation_field = {};
};

/// The architecture without a head: last_hidden_state and, where the checkpoint has a pooler, pooler_output.
HeadEntry base_model(const Architecture& architecture);

/// logits [batch, seq, vocab]. Also for causal language models, whose bodies are decoders.
HeadEntry language_model(const Architecture& architecture, const std::string& head, const LanguageHead& parts);

/// prediction_logits [batch, seq, vocab] and, by `relation`, `relation_output` [batch, labels]; labels: `labels`, or
/// as many as the config has.
HeadEntry pretraining_model(const Architecture& architecture, const std::string& head, const LanguageHead& parts,
                            const SentenceHead& relation, const std::string& relation_output,
                            std::optional<int64_t> labels = 2);

/// logits [batch, labels]; labels: as many as the config has, or `labels`.
HeadEntry sentence_classifier(const Architecture& architecture, const std::string& head, const SentenceHead& parts,
                              std::optional<int64_t> labels = std::nullopt);

/// Inputs [batch, choices, seq] -> logits [batch, choices].
HeadEntry multiple_choice_model(const Architecture& architecture, const std::string& head, const SentenceHead& parts);

/// logits [batch, seq, labels] by `classifier`.
HeadEntry token_classifier(const Architecture& architecture, const std::string& head);

/// start_logits and end_logits [batch, seq] by `qa_outputs`.
HeadEntry question_answering_model(const Architecture& architecture, const std::string& head);

// --- for heads of one architecture alone ---

/// What all heads share: the body, the inputs, and the tuple of outputs with hidden states and attentions at its end.
class HeadModel : public Model {
 public:
  c10::IValue forward(const std::vector<at::Tensor>& inputs) const final;

 protected:
  /// `body_at_root`: the head is the base model itself.
  HeadModel(const ModelParts& parts, const Architecture& architecture, const std::string& head, WithPooler pooler,
            bool body_at_root = false);

  /// The head's own outputs, by the names of set_outputs().
  virtual std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>& inputs) const = 0;
  /// What the body is given; the inputs themselves unless a head reshapes them.
  virtual std::vector<at::Tensor> body_inputs(const std::vector<at::Tensor>& inputs) const;

  void set_outputs(std::vector<std::string> names);
  const Body& body() const {
    return *body_;
  }

 private:
  ExtraOutputs extra_;
  std::unique_ptr<Body> body_;
};

/// A head that scores each of several texts: inputs [batch, choices, seq] -> logits [batch, choices].
class ChoiceModel : public HeadModel {
 protected:
  ChoiceModel(const ModelParts& parts, const Architecture& architecture, const std::string& head, WithPooler pooler);

  /// The body's output for [batch * choices, seq] -> [batch * choices, 1].
  virtual at::Tensor score(const BodyOutput& output) const = 0;

  std::vector<at::Tensor> body_inputs(const std::vector<at::Tensor>& inputs) const final;
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>& inputs) const final;
};

/// The entry of a head class, which is constructed from ModelParts and `arguments`.
template <typename Head, typename... Arguments>
HeadEntry head_entry(const Architecture& architecture, const std::string& head, const Arguments&... arguments) {
  return {architecture.model_type, head, architecture.base_name + ".", [=](const ModelParts& parts) {
            return std::unique_ptr<Model>(std::make_unique<Head>(parts, architecture, head, arguments...));
          }};
}

}  // namespace bertjit
