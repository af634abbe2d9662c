#include "recognise/unnamed.h"

#include <algorithm>

namespace bertjit {

namespace {

/// The dense layers and normalisations of a head, in the order in which they run.
struct HeadParts {
  std::vector<std::string> linear;
  std::vector<std::string> norms;
};

HeadParts head_parts(const Family& family, const std::string& kind, size_t count) {
  const std::string& type = family.model_type;
  const std::string pooler = family.pooler.empty() ? "" : family.base + "." + family.pooler;
  const bool dense_classifier = type != "bert" && type != "albert" && type != "distilbert";
  if (kind == "Model") {
    return {count == 1 ? std::vector<std::string>{family.pooler} : std::vector<std::string>{}, {}};
  }
  if (kind == "ForTokenClassification") {
    return {{"classifier"}, {}};
  }
  if (kind == "ForQuestionAnswering") {
    return {{"qa_outputs"}, {}};
  }
  if (kind == "ForNextSentencePrediction") {
    return {{pooler, "cls.seq_relationship"}, {}};
  }
  if (kind == "ForMaskedLM" || kind == "ForCausalLM") {
    return type == "bert"         ? HeadParts{{"cls.predictions.transform.dense", "cls.predictions.decoder"},
                                      {"cls.predictions.transform.LayerNorm"}}
           : type == "albert"     ? HeadParts{{"predictions.dense", "predictions.decoder"}, {"predictions.LayerNorm"}}
           : type == "distilbert" ? HeadParts{{"vocab_transform", "vocab_projector"}, {"vocab_layer_norm"}}
           : type == "electra"
               ? HeadParts{{"generator_predictions.dense", "generator_lm_head"}, {"generator_predictions.LayerNorm"}}
               : HeadParts{{"lm_head.dense", "lm_head.decoder"}, {"lm_head.layer_norm"}};
  }
  if (kind == "ForPreTraining") {
    return type == "bert" ? HeadParts{{pooler, "cls.predictions.transform.dense", "cls.predictions.decoder",
                                       "cls.seq_relationship"},
                                      {"cls.predictions.transform.LayerNorm"}}
           : type == "albert"
               ? HeadParts{{pooler, "predictions.dense", "predictions.decoder", "sop_classifier.classifier"},
                           {"predictions.LayerNorm"}}
               : HeadParts{{"discriminator_predictions.dense", "discriminator_predictions.dense_prediction"}, {}};
  }
  if (type == "distilbert") {
    return {{"pre_classifier", "classifier"}, {}};
  }
  if (kind == "ForMultipleChoice" && type == "electra") {
    return {count == 2 ? std::vector<std::string>{"sequence_summary.summary", "classifier"}
                       : std::vector<std::string>{"classifier"},
            {}};
  }
  return kind == "ForMultipleChoice" || !dense_classifier ? HeadParts{{pooler, "classifier"}, {}}
                                                          : HeadParts{{"classifier.dense", "classifier.out_proj"}, {}};
}

class Namer {
 public:
  Namer(LayerCalls& calls, const ClassName& name, std::map<std::string, at::Tensor>& tensors)
      : calls_(calls),
        family_(family_of(name.model_type)),
        kind_(name.kind),
        base_(name.kind == "Model" ? "" : family_.base + "."),
        tensors_(tensors) {}

  std::string run() {
    if (family_.model_type == "deberta-v2") {
      return "weights without names are not told apart in DeBERTa";
    }
    std::vector<const AttentionCall*> attentions;
    for (const auto& attention : calls_.attentions()) {
      if (attention.query && attention.key && attention.value) {
        attentions.push_back(&attention);
      }
    }
    if (attentions.empty()) {
      return "no attention between layers whose weights are constants";
    }
    tell_groups(attentions);
    const size_t first = first_of(*attentions[0]);
    size_t end = first;
    for (size_t i = 0; i < attentions.size(); ++i) {
      const std::string problem = name_layer(*attentions[i], i, end);
      if (!problem.empty()) {
        return problem;
      }
    }
    name_embeddings(first);
    return name_head(end);
  }

 private:
  static size_t first_of(const AttentionCall& attention) {
    return std::min({*attention.query, *attention.key, *attention.value});
  }

  void take(size_t index, const std::string& module) {
    const LayerCall& call = calls_.all()[index];
    calls_.set_module(index, module);
    if (call.weight.defined()) {
      tensors_[module + ".weight"] = call.weight;
    }
    if (call.bias.defined()) {
      tensors_[module + ".bias"] = call.bias;
    }
  }

  /// The next call of `kind` from `from` on; the number of calls if there is none.
  size_t next(LayerKind kind, size_t from) const {
    while (from < calls_.all().size() && calls_.all()[from].kind != kind) {
      ++from;
    }
    return from;
  }

  /// ALBERT's layers run again and again with the same tensors: which run is whose.
  void tell_groups(const std::vector<const AttentionCall*>& attentions) {
    std::vector<at::Tensor> known;
    for (const auto* attention : attentions) {
      const at::Tensor& weight = calls_.all()[*attention->query].weight;
      const auto same = std::ranges::find_if(
          known, [&](const at::Tensor& other) { return weight.defined() && other.defined() && other.equal(weight); });
      groups_.push_back(static_cast<size_t>(same - known.begin()));
      if (same == known.end()) {
        known.push_back(weight);
      }
    }
    // A, B, A, B are layers of one group; A, A, B are groups of one layer.
    while (inner_ < known.size() && !are_groups_of(inner_)) {
      ++inner_;
    }
  }

  /// Whether the runs are groups of `size` layers: the layers of one in turn, as often as there are, then the next's.
  bool are_groups_of(size_t size) const {
    for (size_t i = 0; i < groups_.size(); ++i) {
      const size_t group = groups_[i] / size;
      const size_t before = i == 0 ? 0 : groups_[i - 1] / size;
      if (groups_[i] % size != i % size || group < before || (i % size != 0 && group != before)) {
        return false;
      }
    }
    return true;
  }

  std::string layer_path(size_t number) const {
    if (family_.model_type != "albert") {
      return base_ + family_.layers + std::to_string(number) + ".";
    }
    return base_ + family_.layers + std::to_string(groups_[number] / inner_) + ".albert_layers." +
           std::to_string(groups_[number] % inner_) + ".";
  }

  std::string name_layer(const AttentionCall& attention, size_t number, size_t& end) {
    const std::string path = layer_path(number);
    const LayerParts& parts = family_.parts;
    take(*attention.query, path + parts.query);
    take(*attention.key, path + parts.key);
    take(*attention.value, path + parts.value);
    size_t at = std::max({*attention.query, *attention.key, *attention.value});
    for (const auto& [kind, part] : {std::pair(LayerKind::kLinear, parts.attention_output),
                                     {LayerKind::kLayerNorm, parts.attention_norm},
                                     {LayerKind::kLinear, parts.up},
                                     {LayerKind::kLinear, parts.down},
                                     {LayerKind::kLayerNorm, parts.norm}}) {
      at = next(kind, at + 1);
      if (at == calls_.all().size()) {
        return "no " + part + " after the attention of layer " + std::to_string(number);
      }
      take(at, path + part);
    }
    name_distances(first_of(attention), at, path + parts.query);
    end = at + 1;
    return "";
  }

  /// The table of relative positions, beside the query projection at `query`.
  void name_distances(size_t begin, size_t end, const std::string& query) {
    const size_t table = next(LayerKind::kEmbedding, begin);
    if (table >= end) {
      return;
    }
    take(table, query.substr(0, query.rfind('.')) + ".distance_embedding");
    // The network has a table of absolute positions too, which nothing reads and no frozen code holds.
    const at::Tensor& distances = calls_.all()[table].weight;
    if (distances.dim() == 2) {
      unread_positions_ = (distances.size(0) + 1) / 2;
    }
  }

  void name_embeddings(size_t first) {
    const std::string tables = base_ + "embeddings.";
    bool has_words = false;
    bool has_types = false;
    bool has_positions = false;
    const auto arguments = calls_.code().arguments();
    for (size_t i = 0; i < first; ++i) {
      const LayerCall& call = calls_.all()[i];
      if (call.kind == LayerKind::kLayerNorm) {
        take(i, tables + "LayerNorm");
      } else if (call.kind == LayerKind::kLinear) {
        take(i,
             base_ + (family_.model_type == "albert" ? "encoder.embedding_hidden_mapping_in" : "embeddings_project"));
      } else if (call.kind == LayerKind::kEmbedding) {
        const CodeValue* ids = behind_views(call.input);
        const bool of_argument = std::ranges::find(arguments, ids) != arguments.end();
        const bool few_rows = call.weight.defined() && call.weight.dim() == 2 && call.weight.size(0) <= 4;
        if (of_argument && !has_words && !few_rows) {
          has_words = true;
          take(i, tables + "word_embeddings");
        } else if ((of_argument || few_rows) && !has_types) {
          has_types = true;
          take(i, tables + "token_type_embeddings");
        } else if (!has_positions) {
          has_positions = true;
          take(i, tables + "position_embeddings");
        } else {
          take(i, base_ + "encoder.relative_attention_bias");
        }
      }
    }
    name_tables_without_call(tables, has_types, has_positions);
  }

  /// Tables that are cut or added without an embedding operator: all positions from the first, one row of types.
  void name_tables_without_call(const std::string& tables, bool has_types, bool has_positions) {
    const auto words = tensors_.find(tables + "word_embeddings.weight");
    if (words == tensors_.end() || words->second.dim() != 2) {
      return;
    }
    const int64_t size = words->second.size(1);
    if (unread_positions_ > 0) {
      tensors_[tables + "position_embeddings.weight"] = at::zeros({unread_positions_, size}, words->second.options());
      has_positions = true;
    }
    const CodeNode* last = calls_.all()[*calls_.attentions()[0].query].node;
    for (const CodeNode* node : calls_.code().nodes()) {
      if (node == last) {
        break;
      }
      const std::string_view name = operator_name(*node);
      if (name == "slice" && !has_positions) {
        const at::Tensor table = calls_.code().tensor(node->input(0));
        if (table.defined() && table.dim() == 2 && table.size(1) == size) {
          tensors_[tables + "position_embeddings.weight"] = table;
        }
      } else if ((name == "add" || name == "select") && !has_types) {
        const at::Tensor row = calls_.code().tensor(node->input(name == "add" ? 1 : 0));
        if (row.defined() && row.is_floating_point() && row.dim() > 0 && row.size(-1) == size && row.dim() <= 2) {
          tensors_[tables + "token_type_embeddings.weight"] = row.dim() == 1 ? row.unsqueeze(0) : row;
        }
      }
    }
  }

  std::string name_head(size_t begin) {
    std::vector<size_t> linear;
    std::vector<size_t> norms;
    for (size_t i = begin; i < calls_.all().size(); ++i) {
      (calls_.all()[i].kind == LayerKind::kLinear ? linear : norms).push_back(i);
    }
    const HeadParts parts = head_parts(family_, kind_, linear.size());
    if (linear.size() != parts.linear.size() || norms.size() != parts.norms.size()) {
      return "has " + std::to_string(linear.size()) + " dense layers and " + std::to_string(norms.size()) +
             " normalisations behind the layers, " + class_name_of(family_.model_type, kind_) + " has " +
             std::to_string(parts.linear.size()) + " and " + std::to_string(parts.norms.size());
    }
    for (size_t i = 0; i < linear.size(); ++i) {
      take(linear[i], parts.linear[i]);
    }
    for (size_t i = 0; i < norms.size(); ++i) {
      take(norms[i], parts.norms[i]);
    }
    return "";
  }

  LayerCalls& calls_;
  const Family& family_;
  std::string kind_;
  std::string base_;
  std::map<std::string, at::Tensor>& tensors_;
  std::vector<size_t> groups_;  ///< one a run of a layer: which of the different ones
  size_t inner_ = 1;            ///< layers of a group
  int64_t unread_positions_ = 0;
};

}  // namespace

std::string name_constants(LayerCalls& calls, const ClassName& name, std::map<std::string, at::Tensor>& tensors) {
  return Namer(calls, name, tensors).run();
}

}  // namespace bertjit
