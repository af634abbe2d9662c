// Disentangled attention: what a token says and how far away it stands are compared apart.
//
// DeBERTa (He et al. 2020, arXiv:2006.03654), section 3.1, with the logarithmic buckets of its version 2; reference:
// transformers 4.57 `DisentangledSelfAttention`, `build_relative_position` and `make_log_bucket_position`
// (modeling_deberta_v2.py).
//
// To the score query·key of two tokens come query·P[distance] ("c2p") and key·P'[distance] ("p2c"), with P and P'
// projections of one table of embeddings that all layers share.
#pragma once

#include <optional>

#include <ATen/ATen.h>

#include "checkpoint/config.h"
#include "models/attention.h"
#include "models/layers.h"

namespace bertjit {

/// What config.json says of relative positions.
struct RelativePositions {
  bool enabled;              ///< relative_attention; if false the rest is unused but for the two kinds
  bool content_to_position;  ///< "c2p" in pos_att_type
  bool position_to_content;  ///< "p2c" in pos_att_type
  bool share_projections;    ///< share_att_key: distances go through the projections of queries and keys
  int64_t buckets;           ///< position_buckets; below 1: none, each distance is its own
  int64_t longest;           ///< max_relative_positions, else max_position_embeddings
  double log_widest;         ///< logarithm of the longest distance over half of the buckets, in float32

  /// Distances from -span() to span() - 1 have rows of their own; those beyond have the last.
  int64_t span() const {
    return buckets > 0 ? buckets : longest;
  }
  /// What scores are divided by for heads of `head_size`, in float32 as the reference has it. The kinds in pos_att_type
  /// count also where relative attention is off.
  double scale(int64_t head_size) const;
};

/// Throws Error(kCorrupt, kUnsupported) naming file and field.
RelativePositions read_relative_positions(const Config& config, int64_t max_positions);

/// How far query i stands after key j, in buckets where there are some: [seq, seq] int64, with seq = x.size(1).
///
/// In the reference's order of operations in float32: at the edges of buckets the rounding decides.
at::Tensor relative_distances(const at::Tensor& x, const RelativePositions& positions);

/// Rows of a table of 2 * span() for these distances, and which of the rows are used at all.
struct RelativeRows {
  at::Tensor index;  ///< [2, seq, seq] int64 into the used rows: of query i to key j, and of key i to query j
  at::Tensor used;   ///< [2 * span()] bool
};
/// At length 128 half of the 512 rows of deberta-v3 are never reached, and projecting and multiplying with these takes
/// a tenth of a layer's time.
RelativeRows relative_rows(const at::Tensor& distances, int64_t span);

/// Always eager: the fused operator takes additional scores for the mask, but making these is most of the work.
///
/// Its context is its own: `mask` is bool [batch, 1, seq, seq], true where no attention is paid (a row of nothing but
/// true pays the same to all, padding included, as in the reference); `relative` is RelativeRows::index;
/// `relative_table` holds the used rows.
class DisentangledAttention : public Attention {
 public:
  DisentangledAttention(const Node& node, int64_t hidden_size, int64_t heads, const RelativePositions& positions);

  AttentionResult operator()(const at::Tensor& hidden, const AttentionContext& context) const override;

 private:
  /// tokens [batch, heads, seq, head size] times the rows of `table` through `projection`, one row a pair by `index`
  /// [batch, heads, seq, seq]; not yet divided.
  at::Tensor position_scores(const at::Tensor& tokens, const Linear& projection, const at::Tensor& table,
                             const at::Tensor& index) const;

  RelativePositions positions_;
  int64_t heads_;
  int64_t head_size_;
  Linear query_;
  Linear key_;
  Linear value_;
  std::optional<Linear> position_key_;
  std::optional<Linear> position_query_;
};

}  // namespace bertjit
