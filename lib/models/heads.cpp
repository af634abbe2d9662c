#include "models/heads.h"

#include <utility>

#include "support/error.h"

namespace bertjit {

namespace {

void make_groups(const Node& root, const std::vector<Place>& groups) {
  for (const auto& group : groups) {
    root.at(group);
  }
}

/// Inputs by the names of transformers.
std::vector<ModelInput> body_inputs_of(const Body& body) {
  std::vector<ModelInput> inputs = {{"input_ids", InputDefault::kRequired, body.config().vocab_size},
                                    {"attention_mask", InputDefault::kOnes, 0}};
  if (body.takes_token_type_ids()) {
    inputs.push_back({"token_type_ids", InputDefault::kZeros, body.config().type_vocab_size});
  }
  return inputs;
}

/// decoder(LayerNorm(activation(dense(x)))) of a LanguageHead.
class LanguageScores {
 public:
  LanguageScores(const Node& root, const LanguageHead& places, const BodyConfig& config, const ModelParts& parts,
                 const Embedding& word_embeddings)
      : tied_(parts.config.flag("tie_word_embeddings", true)),
        dense_(with_groups(root, places).at(places.dense, kLinear), config.hidden_size, config.embedding_size),
        activation_(places.activation.empty() ? config.activation : places.activation, parts.config.name()),
        // Not a field of transformers: what recognise/ reads from traces of its releases 2 and 3.
        norm_(root.at(places.norm, kLayerNorm), config.embedding_size,
              parts.config.number("lm_head_layer_norm_eps", config.layer_norm_eps)),
        decoder_(root.at(places.decoder, kLinear)) {
    const Node owner = places.bias_owner == places.decoder ? decoder_ : root.at({places.bias_owner, ""});
    // Files written by some versions hold the one bias under the decoder's name.
    const bool under_decoder = !owner.has_parameter("bias") && decoder_.has_parameter("bias");
    bias_ = (under_decoder ? decoder_ : owner).parameter("bias", {config.vocab_size}, Init::kZeros);
    if (tied_) {
      weight_ = tied_weight(decoder_, word_embeddings, parts.options.tie);
    } else {
      weight_ = decoder_.parameter("weight", {config.vocab_size, config.embedding_size}, Init::kNormal);
    }
  }

  /// hidden [batch, seq, hidden] -> [batch, seq, vocab]. `scope` is the root's.
  at::Tensor operator()(Scope& scope, const at::Tensor& hidden) const {
    scope.enter_parent(dense_.node());
    const at::Tensor transformed = activation_(dense_(hidden));
    scope.enter_parent(norm_.node());
    const at::Tensor normalised = norm_(transformed);
    scope.enter(decoder_);
    return at::linear(normalised, weight_, bias_);
  }

  bool tied() const {
    return tied_;
  }

 private:
  static const Node& with_groups(const Node& root, const LanguageHead& places) {
    make_groups(root, places.groups);
    return root;
  }

  bool tied_;
  Linear dense_;
  Activation activation_;
  LayerNorm norm_;
  Node decoder_;
  at::Tensor bias_;
  at::Tensor weight_;  ///< [vocab, embedding_size]
};

/// The score of a SentenceHead.
class SentenceScores {
 public:
  SentenceScores(const Node& root, const SentenceHead& places, const BodyConfig& config, int64_t labels,
                 const Config& fields)
      : activation_(activation_name(places, fields), fields.name()),
        dense_(make_dense(root, places, config)),
        out_(root.at(places.out, kLinear), config.hidden_size, labels) {}

  /// -> [batch, labels]. `scope` is the root's.
  at::Tensor operator()(Scope& scope, const BodyOutput& body) const {
    at::Tensor summary = body.pooled;
    if (dense_) {
      scope.enter_parent(dense_->node());
      summary = activation_((*dense_)(body.last_hidden_state().select(1, 0)));
    }
    scope.enter_parent(out_.node());
    return out_(summary);
  }

 private:
  static std::string activation_name(const SentenceHead& places, const Config& fields) {
    const std::string fixed = places.activation.empty() ? "linear" : places.activation;
    return places.activation_field.empty() ? fixed : fields.text(places.activation_field, fixed);
  }
  static std::optional<Linear> make_dense(const Node& root, const SentenceHead& places, const BodyConfig& config) {
    make_groups(root, places.groups);
    return places.dense.empty()
               ? std::nullopt
               : std::make_optional<Linear>(root.at(places.dense, kLinear), config.hidden_size, config.hidden_size);
  }

  Activation activation_;
  std::optional<Linear> dense_;
  Linear out_;
};

WithPooler pooler_for(const SentenceHead& parts) {
  return parts.dense.empty() ? WithPooler::kYes : WithPooler::kNo;
}

class BaseModel : public HeadModel {
 public:
  BaseModel(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : HeadModel(parts, architecture, head, wants_pooler(parts, architecture), /*body_at_root=*/true) {
    set_outputs(wants_pooler(parts, architecture) == WithPooler::kYes
                    ? std::vector<std::string>{"last_hidden_state", "pooler_output"}
                    : std::vector<std::string>{"last_hidden_state"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    std::vector<at::Tensor> answers{output.last_hidden_state()};
    if (output.pooled.defined()) {
      answers.push_back(output.pooled);
    }
    return answers;
  }

 private:
  /// The pooler is left out where the checkpoint has none (add_pooling_layer=False). One of its two parameters is
  /// enough: a file with only half of a pooler is missing the other half.
  static WithPooler wants_pooler(const ModelParts& parts, const Architecture& architecture) {
    const Weights& weights = *parts.tree.weights;
    const bool present = parts.options.random_seed.has_value() || weights.has(architecture.pooler + ".weight") ||
                         weights.has(architecture.pooler + ".bias");
    return !architecture.pooler.empty() && present ? WithPooler::kYes : WithPooler::kNo;
  }
};

class LanguageModel : public HeadModel {
 public:
  LanguageModel(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                const LanguageHead& places)
      : HeadModel(parts, architecture, head, WithPooler::kNo),
        scores_(root(), places, body().config(), parts, body().word_embeddings()) {
    set_outputs({"logits"});
    if (scores_.tied()) {
      description_.tie = parts.options.tie;
    }
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    Scope scope(root());
    return {scores_(scope, output.last_hidden_state())};
  }

 private:
  LanguageScores scores_;
};

class PretrainingModel : public HeadModel {
 public:
  PretrainingModel(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                   const LanguageHead& places, const SentenceHead& relation, const std::string& relation_output,
                   const std::optional<int64_t>& labels)
      : HeadModel(parts, architecture, head, pooler_for(relation)),
        scores_(root(), places, body().config(), parts, body().word_embeddings()),
        relation_(root(), relation, body().config(), labels.value_or(parts.config.num_labels()), parts.config) {
    set_outputs({"prediction_logits", relation_output});
    if (scores_.tied()) {
      description_.tie = parts.options.tie;
    }
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    Scope scope(root());
    const at::Tensor scores = scores_(scope, output.last_hidden_state());
    return {scores, relation_(scope, output)};
  }

 private:
  LanguageScores scores_;
  SentenceScores relation_;
};

class SentenceClassifier : public HeadModel {
 public:
  SentenceClassifier(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                     const SentenceHead& places, const std::optional<int64_t>& labels)
      : HeadModel(parts, architecture, head, pooler_for(places)),
        scores_(root(), places, body().config(), labels.value_or(parts.config.num_labels()), parts.config) {
    set_outputs({"logits"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    Scope scope(root());
    return {scores_(scope, output)};
  }

 private:
  SentenceScores scores_;
};

class MultipleChoiceModel : public ChoiceModel {
 public:
  MultipleChoiceModel(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                      const SentenceHead& places)
      : ChoiceModel(parts, architecture, head, pooler_for(places)),
        scores_(root(), places, body().config(), 1, parts.config) {}

 protected:
  at::Tensor score(const BodyOutput& output) const override {
    Scope scope(root());
    return scores_(scope, output);
  }

 private:
  SentenceScores scores_;
};

/// `name` over every token's hidden state.
class TokenHead : public HeadModel {
 protected:
  TokenHead(const ModelParts& parts, const Architecture& architecture, const std::string& head, const std::string& name)
      : HeadModel(parts, architecture, head, WithPooler::kNo),
        out_(root().at(name, kLinear), body().config().hidden_size, parts.config.num_labels()) {}

  at::Tensor scores(const BodyOutput& output) const {
    return out_(output.last_hidden_state());
  }

 private:
  Linear out_;
};

class TokenClassifier : public TokenHead {
 public:
  TokenClassifier(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : TokenHead(parts, architecture, head, "classifier") {
    set_outputs({"logits"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    return {scores(output)};
  }
};

class QuestionAnsweringModel : public TokenHead {
 public:
  QuestionAnsweringModel(const ModelParts& parts, const Architecture& architecture, const std::string& head)
      : TokenHead(parts, architecture, head, "qa_outputs") {
    if (parts.config.num_labels() != 2) {
      throw Error(ErrorKind::kUnsupported, parts.config.name() + ": has " + std::to_string(parts.config.num_labels()) +
                                               " labels; question answering has 2, start and end");
    }
    set_outputs({"start_logits", "end_logits"});
  }

 protected:
  std::vector<at::Tensor> answer(const BodyOutput& output, const std::vector<at::Tensor>&) const override {
    const at::Tensor both = scores(output);
    return {both.select(-1, 0).contiguous(), both.select(-1, 1).contiguous()};
  }
};

}  // namespace

HeadModel::HeadModel(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                     WithPooler pooler, bool body_at_root)
    : Model(parts, {parts.tree, architecture.python_module + "." + head}), extra_(parts) {
  const Node node = body_at_root ? root() : root().sibling_class(architecture.base_name, architecture.base_class);
  body_ = architecture.make_body({node, parts.config, extra_.attention, pooler});
  description_.attention = body_->is_always_eager() ? AttentionKind::kEager : extra_.attention;
  description_.inputs = body_inputs_of(*body_);
  description_.max_positions = body_->longest_input();
}

void HeadModel::set_outputs(std::vector<std::string> names) {
  description_.outputs = std::move(names);
  append_names(extra_.hidden_states, "hidden_states", body_->config().layers + 1, description_.outputs);
  append_names(extra_.attentions, "attentions", body_->attention_count(), description_.outputs);
}

std::vector<at::Tensor> HeadModel::body_inputs(const std::vector<at::Tensor>& inputs) const {
  return inputs;
}

c10::IValue HeadModel::forward(const std::vector<at::Tensor>& inputs) const {
  const BodyOutput output = (*body_)(body_inputs(inputs));
  std::vector<c10::IValue> items;
  for (const auto& tensor : answer(output, inputs)) {
    items.emplace_back(tensor);
  }
  append_tuple(extra_.hidden_states, output.hidden_states, items);
  append_tuple(extra_.attentions, output.attentions, items);
  return c10::ivalue::Tuple::create(std::move(items));
}

ChoiceModel::ChoiceModel(const ModelParts& parts, const Architecture& architecture, const std::string& head,
                         WithPooler pooler)
    : HeadModel(parts, architecture, head, pooler) {
  set_outputs({"logits"});
  for (auto& input : description_.inputs) {
    input.rank = 3;
  }
}

std::vector<at::Tensor> ChoiceModel::body_inputs(const std::vector<at::Tensor>& inputs) const {
  std::vector<at::Tensor> flat;
  for (const auto& input : inputs) {
    flat.push_back(input.flatten(0, 1));
  }
  return flat;
}

std::vector<at::Tensor> ChoiceModel::answer(const BodyOutput& output, const std::vector<at::Tensor>& inputs) const {
  return {score(output).view_as(inputs[0].select(-1, 0))};
}

HeadEntry base_model(const Architecture& architecture) {
  return head_entry<BaseModel>(architecture, architecture.base_class);
}

HeadEntry language_model(const Architecture& architecture, const std::string& head, const LanguageHead& parts) {
  return head_entry<LanguageModel>(architecture, head, parts);
}

HeadEntry pretraining_model(const Architecture& architecture, const std::string& head, const LanguageHead& parts,
                            const SentenceHead& relation, const std::string& relation_output,
                            std::optional<int64_t> labels) {
  return head_entry<PretrainingModel>(architecture, head, parts, relation, relation_output, labels);
}

HeadEntry sentence_classifier(const Architecture& architecture, const std::string& head, const SentenceHead& parts,
                              std::optional<int64_t> labels) {
  return head_entry<SentenceClassifier>(architecture, head, parts, labels);
}

HeadEntry multiple_choice_model(const Architecture& architecture, const std::string& head, const SentenceHead& parts) {
  return head_entry<MultipleChoiceModel>(architecture, head, parts);
}

HeadEntry token_classifier(const Architecture& architecture, const std::string& head) {
  return head_entry<TokenClassifier>(architecture, head);
}

HeadEntry question_answering_model(const Architecture& architecture, const std::string& head) {
  return head_entry<QuestionAnsweringModel>(architecture, head);
}

}  // namespace bertjit
