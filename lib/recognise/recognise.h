// What a TorchScript file of the BERT family is, told from the file alone, and the same network built anew from its
// weights: a reference for files whose checkpoint is not at hand.
//
// The file is under judgement, and what it says of itself may be wrong. So each fact has its source: names of weights
// and classes, shapes, the code (operators and constants), claims, or a published default. Where places of one file
// disagree (one layer's activation is another than the others'), most places win, and each that differs is reported
// with its path: the network that is built is what the file most likely should be, not what it happens to compute.
// Code is read, never run.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "models/model.h"
#include "module/claims.h"
#include "module/load.h"

namespace bertjit {

/// How a fact is known.
enum class KnownFrom {
  kNames,    ///< of weights, arguments or classes
  kShapes,   ///< of weights
  kCode,     ///< operators and constants
  kClaims,   ///< what the file is said to be
  kDefault,  ///< nothing says otherwise: the architecture's published default
};

/// "names", "shapes", "code", "claims", "default".
const char* known_from_name(KnownFrom known);

/// One field of the config.
struct RecognisedField {
  std::string name;  ///< as in config.json
  nlohmann::json value;
  KnownFrom known = KnownFrom::kDefault;
  std::string where;  ///< what it was read from: a weight, "layer_norm at encoder.layer.0.output.LayerNorm"
};

/// A place of the file that disagrees with the rest of it, with its names, or with what is published.
struct Contradiction {
  std::string field;  ///< of config.json, or "inputs", "outputs", "position_ids", "scale", "weights"
  std::string where;  ///< path of the module in the file; empty: the whole
  std::string found;
  std::string taken;  ///< what is taken instead
};

/// One argument of forward.
struct RecognisedInput {
  std::string argument;  ///< its name in the file
  std::string meaning;   ///< "input_ids", "attention_mask", "token_type_ids" …; empty if it has none for the network
  KnownFrom known = KnownFrom::kNames;
  /// What the code does with it: "word_embeddings", "token_type_embeddings", "position_embeddings", "attention"; empty
  /// if it is not used.
  std::vector<std::string> uses;
};

struct Recognition {
  /// Why nothing can be said; empty if the network was recognised. The rest is then set.
  std::string why_not;
  std::string architecture;  ///< model_type: "bert"
  std::string head;          ///< class name in transformers
  /// Path of the network within the file, with the dot ("model."); empty if it is the file's root.
  std::string root;
  nlohmann::json config = nlohmann::json::object();  ///< what config.json would say
  std::vector<RecognisedField> fields;               ///< its fields, sorted by name, with where they come from
  std::vector<Contradiction> contradictions;

  std::vector<RecognisedInput> inputs;  ///< in call order
  /// What the file returns, in order, by the network's output names; an empty name where that is not known.
  std::vector<std::string> outputs;

  AttentionKind attention = AttentionKind::kEager;
  DType dtype = DType::kFloat32;     ///< of most parameters
  std::optional<double> mask_fill;   ///< what is added to, or put in place of, the scores of padding
  bool has_names = true;             ///< false: weights are constants of the code, and were told by their use
  bool is_quantized = false;         ///< linear layers are int8; their weights below are dequantised
  bool scale_is_in_queries = false;  ///< 1/sqrt(head size) is in the query projections, not in the code
  /// Weights by the checkpoint's names, relative to `root`. They are the module's own tensors.
  std::map<std::string, at::Tensor> weights;
  std::vector<std::string> other_weights;  ///< names in the file that are not the network's; empty where unknown

  bool recognised() const {
    return why_not.empty();
  }
};

/// Recognises a module; `claims` may say what names and code leave open, and are reported where they disagree.
///
/// Never throws for what the file holds: what cannot be told is in why_not.
Recognition recognise(const LoadedModule& loaded, const std::optional<Claims>& claims);

struct RebuildOptions {
  /// The file's own kind and dtype unless set.
  std::optional<AttentionKind> attention;
  std::optional<DType> dtype;
};

/// Builds the network of `recognition`, which must be recognised(), over the module's own weights.
///
/// Float32 weights are used in place: the module must not be changed while the network lives. Throws what build_model
/// throws: Error(kCorrupt) listing weights that are missing or of another shape.
std::unique_ptr<Model> rebuild(const Recognition& recognition, const RebuildOptions& options = {});

/// What the network is to be given when the module is given `arguments`, one tensor each: by meaning, and ones or zeros
/// for those the module does not take. Throws Error(kUnsupported) if the module's ids cannot be told, or it takes what
/// the network does not, such as position_ids.
std::vector<at::Tensor> network_inputs(const Recognition& recognition, const Model& network,
                                       const std::vector<at::Tensor>& arguments);

}  // namespace bertjit
