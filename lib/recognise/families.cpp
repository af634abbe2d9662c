#include "recognise/families.h"

#include <algorithm>
#include <stdexcept>

#include "models/model.h"

namespace bertjit {

namespace {

LayerParts bert_parts() {
  return {.query = "attention.self.query",
          .key = "attention.self.key",
          .value = "attention.self.value",
          .attention_output = "attention.output.dense",
          .attention_norm = "attention.output.LayerNorm",
          .up = "intermediate.dense",
          .down = "output.dense",
          .norm = "output.LayerNorm"};
}

LayerParts deberta_parts() {
  LayerParts parts = bert_parts();
  parts.query = "attention.self.query_proj";
  parts.key = "attention.self.key_proj";
  parts.value = "attention.self.value_proj";
  return parts;
}

LayerParts mpnet_parts() {
  LayerParts parts = bert_parts();
  parts.query = "attention.attn.q";
  parts.key = "attention.attn.k";
  parts.value = "attention.attn.v";
  parts.attention_output = "attention.attn.o";
  parts.attention_norm = "attention.LayerNorm";
  return parts;
}

const LayerParts kDistilBertParts = {.query = "attention.q_lin",
                                     .key = "attention.k_lin",
                                     .value = "attention.v_lin",
                                     .attention_output = "attention.out_lin",
                                     .attention_norm = "sa_layer_norm",
                                     .up = "ffn.lin1",
                                     .down = "ffn.lin2",
                                     .norm = "output_layer_norm"};

const LayerParts kAlbertParts = {.query = "attention.query",
                                 .key = "attention.key",
                                 .value = "attention.value",
                                 .attention_output = "attention.dense",
                                 .attention_norm = "attention.LayerNorm",
                                 .up = "ffn",
                                 .down = "ffn_output",
                                 .norm = "full_layer_layer_norm"};

}  // namespace

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {"albert", "Albert", "albert", "encoder.albert_layer_groups.", kAlbertParts, "pooler", 0, false},
      {"bert", "Bert", "bert", "encoder.layer.", bert_parts(), "pooler.dense", 0, false},
      {"camembert", "Camembert", "roberta", "encoder.layer.", bert_parts(), "pooler.dense", 1, true},
      {"deberta-v2", "DebertaV2", "deberta", "encoder.layer.", deberta_parts(), "", 0, false},
      {"distilbert", "DistilBert", "distilbert", "transformer.layer.", kDistilBertParts, "", 0, false},
      {"electra", "Electra", "electra", "encoder.layer.", bert_parts(), "", 0, false},
      {"mpnet", "MPNet", "mpnet", "encoder.layer.", mpnet_parts(), "pooler.dense", 1, true},
      {"roberta", "Roberta", "roberta", "encoder.layer.", bert_parts(), "pooler.dense", 1, true},
      {"xlm-roberta", "XLMRoberta", "roberta", "encoder.layer.", bert_parts(), "pooler.dense", 1, true},
  };
  return all;
}

const Family& family_of(const std::string& model_type) {
  for (const auto& family : families()) {
    if (family.model_type == model_type) {
      return family;
    }
  }
  throw std::out_of_range(model_type);
}

std::vector<HeadActivation> head_activations(const std::string& model_type) {
  const HeadActivation pooler{"@.pooler.dense", "tanh"};
  const HeadActivation language{"lm_head.dense", "gelu"};
  const HeadActivation classifier{"classifier.dense", "tanh"};
  if (model_type == "bert") {
    return {pooler, {"cls.predictions.transform.dense", "=hidden_act"}};
  }
  if (model_type == "albert") {
    return {{"@.pooler", "tanh"}, {"predictions.dense", "=hidden_act"}};
  }
  if (model_type == "distilbert") {
    return {{"pre_classifier", "relu"}, {"vocab_transform", "=activation"}};
  }
  if (model_type == "electra") {
    return {{"generator_predictions.dense", "gelu"},
            {"discriminator_predictions.dense", "=hidden_act"},
            {"classifier.dense", "gelu"},
            {"sequence_summary.summary", "=summary_activation"}};
  }
  if (model_type == "deberta-v2") {
    return {{"pooler.dense", "=pooler_hidden_act"},
            {"cls.predictions.transform.dense", "=hidden_act"},
            {"lm_predictions.lm_head.dense", "=hidden_act"},
            {"@.encoder.conv.conv", "=conv_act"}};
  }
  return {pooler, language, classifier};  // roberta, xlm-roberta, camembert, mpnet
}

std::optional<ClassName> parse_class_name(const std::string& name) {
  const auto& heads = registered_heads();
  const auto entry = std::find_if(heads.begin(), heads.end(), [&](const HeadEntry& head) { return head.head == name; });
  if (entry == heads.end() || entry->model_type == "marian") {
    return std::nullopt;
  }
  std::string kind = name.substr(family_of(entry->model_type).class_prefix.size());
  return ClassName{entry->model_type, kind == "LMHeadModel" ? "ForCausalLM" : kind};
}

std::string class_name_of(const std::string& model_type, const std::string& kind) {
  for (const auto& entry : registered_heads()) {
    const auto name = entry.model_type == model_type ? parse_class_name(entry.head) : std::nullopt;
    if (name && name->kind == kind) {
      return entry.head;
    }
  }
  return "";
}

}  // namespace bertjit
