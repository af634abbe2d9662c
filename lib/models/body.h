// The network under the heads: embeddings, encoder, pooler.
//
// A head (heads.h) asks a Body for hidden states and knows nothing else of the architecture. Most architectures are an
// EncoderBody with a description of their own; one that differs more derives from Body.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <ATen/ATen.h>

#include "checkpoint/config.h"
#include "models/embeddings.h"
#include "models/encoder.h"
#include "models/model.h"

namespace bertjit {

struct BodyOutput {
  std::vector<at::Tensor> hidden_states;  ///< each [batch, seq, hidden]; embeddings first, then each layer's output
  std::vector<at::Tensor> attentions;     ///< each [batch, heads, seq, seq]; undefined unless attention is eager
  at::Tensor pooled;                      ///< [batch, hidden]; undefined without pooler

  const at::Tensor& last_hidden_state() const {
    return hidden_states.back();
  }
};

/// The numbers of config.json that every architecture has, read and checked.
struct BodyConfig {
  int64_t vocab_size, hidden_size, embedding_size, layers, heads, intermediate_size, max_positions, type_vocab_size;
  double layer_norm_eps;
  std::optional<int64_t> pad_token_id;  ///< absent if null
  std::string activation;
  PositionKind positions;  ///< position_embedding_type
  bool is_decoder;         ///< tokens attend only to those before them

  /// Throws Error(kCorrupt, kUnsupported) naming file and field.
  void check(const Config& config) const;
};

/// Where an architecture's fields differ from BERT's in name or default.
struct BodyDefaults {
  int64_t vocab_size = 30522;
  int64_t hidden_size = 768;
  std::optional<int64_t> embedding_size;  ///< absent: the architecture has no such field, it is hidden_size
  int64_t layers = 12;
  int64_t heads = 12;
  int64_t intermediate_size = 3072;
  int64_t max_positions = 512;
  int64_t type_vocab_size = 2;
  double layer_norm_eps = 1e-12;
  std::optional<int64_t> pad_token_id = 0;
  std::string activation = "gelu";
};

/// Reads the fields by the names that BERT and most others use: vocab_size, hidden_size, embedding_size,
/// num_hidden_layers, num_attention_heads, intermediate_size, max_position_embeddings, type_vocab_size, layer_norm_eps,
/// pad_token_id, hidden_act, position_embedding_type, is_decoder.
/// Throws Error(kCorrupt, kUnsupported) naming file and field.
BodyConfig read_body_config(const Config& config, const BodyDefaults& defaults);

class Body {
 public:
  virtual ~Body() = default;

  /// inputs: input_ids, attention_mask and, where takes_token_type_ids(), token_type_ids; each [batch, seq].
  virtual BodyOutput operator()(const std::vector<at::Tensor>& inputs) const = 0;
  /// The table a decoder is tied to.
  virtual const Embedding& word_embeddings() const = 0;
  virtual bool takes_token_type_ids() const = 0;
  /// Number of tokens it has positions for; 0: any.
  virtual int64_t longest_input() const = 0;
  /// How many attentions a BodyOutput holds; hidden states are one more than config().layers.
  virtual int64_t attention_count() const {
    return config_.layers;
  }

  /// Whether attention is computed eagerly whatever the options say: the fused operator knows no relative positions.
  virtual bool is_always_eager() const {
    return config_.positions != PositionKind::kAbsolute;
  }

  const BodyConfig& config() const {
    return config_;
  }

 protected:
  explicit Body(BodyConfig config) : config_(std::move(config)) {}

 private:
  BodyConfig config_;
};

enum class WithPooler { kYes, kNo };

/// What a body's constructor is given.
struct BodyParts {
  Node node;
  const Config& config;
  AttentionKind attention;
  WithPooler pooler;
};

/// Names of an architecture's parts.
struct BodyPlaces {
  Place embeddings;                       ///< {"embeddings", "BertEmbeddings"}
  std::optional<std::string> projection;  ///< embedding_size to hidden_size, a torch.nn.Linear; none: they are equal
  Place encoder;                          ///< {"encoder", "BertEncoder"}
  std::vector<Place> steps;               ///< the layers under it, in the order in which they run
  EncoderPlaces layer;
  std::vector<Place> pooler_groups;  ///< {"pooler", "BertPooler"}
  std::string pooler;                ///< its dense: "pooler.dense"; empty where there never is one
};

/// Added to the attention scores besides the mask: hidden [batch, seq, hidden] -> [1, heads, seq, seq].
using ScoreBias = std::function<at::Tensor(const at::Tensor& hidden)>;

/// What distinguishes one architecture from another, besides names and numbers.
struct BodyRules {
  PositionIds position_ids = PositionIds::kSequential;
  /// token_type_ids is an input where there are at least so many types; with fewer, all tokens are of type 0.
  int64_t token_types_for_input = 1;
  Init position_init = Init::kNormal;  ///< of the position table, where there is no checkpoint
  bool scale_relative_scores = true;   ///< see AttentionShape
  /// Makes what is added to every layer's scores, from the encoder's node; empty: nothing.
  std::function<ScoreBias(const Node& encoder)> score_bias;
};

/// Embeddings, encoder and, unless left out, pooler: BertModel and its variants.
class EncoderBody : public Body {
 public:
  /// `config` gives the numbers, `places` the names.
  EncoderBody(const BodyParts& parts, const BodyConfig& config, const BodyPlaces& places, const BodyRules& rules = {});

  /// inputs: input_ids, attention_mask and, where the architecture has it, token_type_ids.
  BodyOutput operator()(const std::vector<at::Tensor>& inputs) const override;
  const Embedding& word_embeddings() const override {
    return embeddings_.word_embeddings();
  }
  bool takes_token_type_ids() const override {
    return takes_token_type_ids_;
  }
  int64_t longest_input() const override {
    return longest_input_;
  }

 private:
  Node node_;
  bool takes_token_type_ids_;
  int64_t longest_input_;
  Embeddings embeddings_;
  std::optional<Linear> projection_;
  Encoder encoder_;
  ScoreBias score_bias_;
  std::optional<Linear> pooler_;
};

}  // namespace bertjit
