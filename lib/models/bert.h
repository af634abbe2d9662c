// BERT: Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
//
// Reference: transformers 4.57 `modeling_bert.py`; each part names its class there. Submodules and parameters carry the
// names of that file, which are the names in published checkpoints.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "checkpoint/config.h"
#include "models/attention.h"
#include "models/layers.h"
#include "models/model.h"

namespace bertjit {

/// The fields of config.json that decide the network.
struct BertConfig {
  int64_t vocab_size, hidden_size, layers, heads, intermediate_size, max_positions, type_vocab_size, num_labels;
  double layer_norm_eps;
  int64_t pad_token_id;
  std::string hidden_act;
  PositionKind positions;
  bool tie_word_embeddings;
  std::string name;  ///< of the file, for messages

  /// Throws Error(kCorrupt, kUnsupported) naming file and field.
  explicit BertConfig(const Config& config);
};

/// Sum of word, segment and position embeddings, normalised (BertEmbeddings).
class BertEmbeddings {
 public:
  BertEmbeddings(Node node, const BertConfig& config);
  /// input_ids and token_type_ids [batch, seq] -> [batch, seq, hidden].
  at::Tensor operator()(const at::Tensor& input_ids, const at::Tensor& token_type_ids) const;
  const Embedding& word_embeddings() const {
    return word_embeddings_;
  }

 private:
  Node node_;
  Embedding word_embeddings_;
  std::optional<Embedding> position_embeddings_;  ///< absent with relative positions
  Embedding token_type_embeddings_;
  LayerNorm layer_norm_;
};

/// Attention, then feed-forward, each followed by a residual sum and LayerNorm (BertLayer).
class BertLayer {
 public:
  BertLayer(Node node, const BertConfig& config, AttentionKind attention);
  /// hidden [batch, seq, hidden], mask [batch, 1, 1, seq] -> [batch, seq, hidden].
  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& mask) const;

 private:
  /// dense, then LayerNorm(x + residual) (BertSelfOutput and BertOutput).
  class ResidualOutput {
   public:
    ResidualOutput(Node node, int64_t in_features, const BertConfig& config);
    at::Tensor operator()(const at::Tensor& x, const at::Tensor& residual) const;

   private:
    Node node_;
    Linear dense_;
    LayerNorm layer_norm_;
  };

  Node node_;
  Node attention_node_;  ///< BertAttention: `self` and `output`
  SelfAttention self_;
  ResidualOutput attention_output_;
  Node intermediate_node_;  ///< BertIntermediate
  Linear intermediate_dense_;
  Activation activation_;
  ResidualOutput output_;
};

/// The stack of layers (BertEncoder).
class BertEncoder {
 public:
  BertEncoder(Node node, const BertConfig& config, AttentionKind attention);
  /// -> hidden states, each [batch, seq, hidden]: the input, then the output of each layer.
  std::vector<at::Tensor> operator()(const at::Tensor& hidden, const at::Tensor& mask) const;

 private:
  Node node_;
  std::vector<BertLayer> layers_;
};

/// First token's state through dense and tanh (BertPooler).
class BertPooler {
 public:
  BertPooler(Node node, int64_t hidden_size);
  /// [batch, seq, hidden] -> [batch, hidden].
  at::Tensor operator()(const at::Tensor& hidden) const;

 private:
  Node node_;
  Linear dense_;
};

/// Scores over the vocabulary (BertLMPredictionHead): `transform`, then a decoder that is tied to the word embeddings
/// where the config says so.
class BertPredictions {
 public:
  BertPredictions(Node node, const BertConfig& config, const Embedding& word_embeddings, Tie tie);
  /// [batch, seq, hidden] -> [batch, seq, vocab].
  at::Tensor operator()(const at::Tensor& hidden) const;

 private:
  Node node_;
  Node transform_node_;
  Linear transform_dense_;
  Activation activation_;
  LayerNorm transform_layer_norm_;
  at::Tensor bias_;
  Node decoder_node_;
  at::Tensor decoder_weight_;  ///< [vocab, hidden]
};

/// Embeddings, encoder and, unless left out, pooler (BertModel).
class BertBody {
 public:
  struct Output {
    std::vector<at::Tensor> hidden_states;  ///< embeddings first; the last is last_hidden_state
    at::Tensor pooled;                      ///< undefined without pooler
  };

  BertBody(Node node, const BertConfig& config, AttentionKind attention, bool with_pooler);
  Output operator()(const at::Tensor& input_ids, const at::Tensor& attention_mask,
                    const at::Tensor& token_type_ids) const;
  const Embedding& word_embeddings() const {
    return embeddings_.word_embeddings();
  }

 private:
  Node node_;
  BertEmbeddings embeddings_;
  BertEncoder encoder_;
  std::optional<BertPooler> pooler_;
};

/// The heads of BERT by their class names in transformers, for the registry.
std::vector<HeadEntry> bert_heads();

}  // namespace bertjit
