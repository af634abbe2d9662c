// What the architectures call their parts: how a network is told from the names of its weights.
//
// Reference: lib/models, whose networks ask for their parameters by the same names.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// Modules of one layer, below its own path.
struct LayerParts {
  std::string query, key, value, attention_output, attention_norm, up, down, norm;
};

struct Family {
  std::string model_type;    ///< "bert"
  std::string class_prefix;  ///< "Bert" of "BertModel"
  std::string base;          ///< what heads call the body: "bert"
  std::string layers;        ///< what stands before a layer's number: "encoder.layer."; ALBERT's have two
  LayerParts parts;
  std::string pooler;  ///< its dense, below the body: "pooler.dense"; empty if there never is one
  int64_t pad_token_id;
  bool positions_after_padding;  ///< as create_position_ids_from_input_ids of modeling_roberta.py counts
};

const std::vector<Family>& families();
/// Throws std::out_of_range for an unknown one.
const Family& family_of(const std::string& model_type);

/// A dense layer outside the layers, and the activation that stands behind it.
struct HeadActivation {
  std::string module;      ///< below the root; one that begins with "@." is below the body
  std::string activation;  ///< a name, or "=" and the field of config.json that names it
};
std::vector<HeadActivation> head_activations(const std::string& model_type);

/// What a class name says.
struct ClassName {
  std::string model_type;
  std::string kind;  ///< "Model", "ForMaskedLM", "ForCausalLM" (also for LMHeadModel) …
};

/// nullopt if it is no class of an architecture that bertjit knows.
std::optional<ClassName> parse_class_name(const std::string& name);

/// The class of a kind; empty if the architecture has none.
std::string class_name_of(const std::string& model_type, const std::string& kind);

}  // namespace bertjit
