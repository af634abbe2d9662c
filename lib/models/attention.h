// Multi-head attention.
//
// Attention Is All You Need (Vaswani et al. 2017), section 3.2; reference: transformers `BertSelfAttention`
// (modeling_bert.py). Relative positions: Shaw et al. 2018, as `position_embedding_type` "relative_key" and
// "relative_key_query" of transformers 4.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include <ATen/ATen.h>

#include "models/layers.h"
#include "models/model_options.h"

namespace bertjit {

/// What a layer's attention is given besides the hidden states.
struct AttentionContext {
  at::Tensor mask;      ///< added to the scores; [batch, 1 or heads, 1 or seq, seq of keys]
  at::Tensor memory;    ///< [batch, seq of keys, hidden] that is attended to; undefined: the hidden states themselves
  at::Tensor relative;  ///< what an architecture's own attention needs of relative positions; else undefined
  at::Tensor relative_table;  ///< [rows, hidden]; what `relative` points into, if it does
};

struct AttentionResult {
  at::Tensor context;        ///< [batch, seq, hidden]
  at::Tensor probabilities;  ///< [batch, heads, seq, seq of keys]; undefined where the fused operator keeps them
};

/// The part of a layer that differs most between architectures: projections and the attention over them.
class Attention {
 public:
  virtual ~Attention() = default;
  /// hidden [batch, seq, hidden].
  virtual AttentionResult operator()(const at::Tensor& hidden, const AttentionContext& context) const = 0;
};

enum class PositionKind { kAbsolute, kRelativeKey, kRelativeKeyQuery };

struct AttentionShape {
  int64_t hidden_size;
  int64_t heads;
  PositionKind positions = PositionKind::kAbsolute;
  int64_t max_positions = 0;  ///< rows of a relative position table: 2 * max_positions - 1
  /// Whether the scores of relative positions are divided by the root of the head size as those of the keys are.
  bool scale_relative_scores = true;
};

/// What the three projections are called: "query", "key", "value".
struct ProjectionNames {
  std::string query = "query";
  std::string key = "key";
  std::string value = "value";
};

/// Scaled dot-product attention, fused or eager.
class MultiHeadAttention : public Attention {
 public:
  MultiHeadAttention(const Node& node, const ProjectionNames& names, const AttentionShape& shape, AttentionKind kind);

  AttentionResult operator()(const at::Tensor& hidden, const AttentionContext& context) const override;

 private:
  at::Tensor relative_scores(const at::Tensor& hidden, const at::Tensor& query, const at::Tensor& key) const;

  AttentionShape shape_;
  AttentionKind kind_;
  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<Embedding> distance_embedding_;
};

/// [batch, heads, seq, head size] -> [batch, seq, heads * head size].
at::Tensor join_heads(const at::Tensor& x);

}  // namespace bertjit
