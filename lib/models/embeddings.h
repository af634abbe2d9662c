// What a token starts as: word, position and segment embeddings, summed and normalised.
//
// Reference: transformers 4.57 `BertEmbeddings` (modeling_bert.py) and, for positions that skip padding,
// `RobertaEmbeddings` (modeling_roberta.py).
#pragma once

#include <optional>
#include <string>

#include <ATen/ATen.h>

#include "models/layers.h"

namespace bertjit {

enum class PositionIds {
  kNone,          ///< no position embeddings are added
  kSequential,    ///< 0, 1, 2 …
  kAfterPadding,  ///< pad + 1, pad + 2 …, counting only tokens that are not padding, which have pad
};

struct EmbeddingsShape {
  int64_t vocab_size;
  int64_t size;
  int64_t max_positions;    ///< 0: no table
  int64_t type_vocab_size;  ///< 0: no table
  std::optional<int64_t> pad_token_id;
  PositionIds positions;
  double layer_norm_eps;
  Init position_init = Init::kNormal;  ///< of the position table, where there is no checkpoint
};

/// Parameters word_embeddings, position_embeddings, token_type_embeddings, LayerNorm, the names of all of the family.
class Embeddings {
 public:
  Embeddings(Node node, const EmbeddingsShape& shape);
  /// input_ids and token_type_ids [batch, seq] int64 or int32 -> [batch, seq, size]. Undefined token_type_ids are all
  /// 0, or nothing where there is no table for them.
  at::Tensor operator()(const at::Tensor& input_ids, const at::Tensor& token_type_ids) const;

  const Embedding& word_embeddings() const {
    return word_embeddings_;
  }

 private:
  at::Tensor add_positions_to(const at::Tensor& sum, const at::Tensor& input_ids) const;

  Node node_;
  EmbeddingsShape shape_;
  Embedding word_embeddings_;
  std::optional<Embedding> position_embeddings_;
  std::optional<Embedding> token_type_embeddings_;
  LayerNorm layer_norm_;
};

/// Positions that skip padding, [batch, seq] int64: create_position_ids_from_input_ids of modeling_roberta.py.
at::Tensor positions_after_padding(const at::Tensor& input_ids, int64_t pad_token_id);

}  // namespace bertjit
