// Multi-head self-attention of the BERT family.
//
// Attention Is All You Need, section 3.2; reference: transformers `BertSelfAttention` (modeling_bert.py). Relative
// positions: Shaw et al. 2018, as `position_embedding_type` "relative_key" and "relative_key_query" of transformers 4.
#pragma once

#include <optional>
#include <string>

#include <ATen/ATen.h>

#include "models/layers.h"
#include "models/model_options.h"

namespace bertjit {

enum class PositionKind { kAbsolute, kRelativeKey, kRelativeKeyQuery };

struct AttentionShape {
  int64_t hidden_size;
  int64_t heads;
  int64_t max_positions;  ///< rows of a relative position table: 2 * max_positions - 1
};

/// Query, key and value projections (`query`, `key`, `value`) and the attention over them.
class SelfAttention {
 public:
  SelfAttention(Node node, const AttentionShape& shape, AttentionKind kind, PositionKind positions);

  /// hidden [batch, seq, hidden], mask [batch, 1, 1, seq] added to the scores -> [batch, seq, hidden].
  at::Tensor operator()(const at::Tensor& hidden, const at::Tensor& mask) const;

 private:
  at::Tensor relative_scores(const at::Tensor& hidden, const at::Tensor& query, const at::Tensor& key) const;

  Node node_;
  AttentionShape shape_;
  AttentionKind kind_;
  PositionKind positions_;
  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<Embedding> distance_embedding_;
};

}  // namespace bertjit
