#include "models/attention.h"

#include <cmath>

#include "models/sizes.h"

namespace bertjit {

MultiHeadAttention::MultiHeadAttention(const Node& node, const ProjectionNames& names, const AttentionShape& shape,
                                       AttentionKind kind)
    : shape_(shape),
      kind_(shape.positions == PositionKind::kAbsolute ? kind : AttentionKind::kEager),
      query_(node.child(names.query, kLinear), shape.hidden_size, shape.hidden_size),
      key_(node.child(names.key, kLinear), shape.hidden_size, shape.hidden_size),
      value_(node.child(names.value, kLinear), shape.hidden_size, shape.hidden_size) {
  if (shape.positions != PositionKind::kAbsolute) {
    distance_embedding_.emplace(node.child("distance_embedding", kEmbedding), 2 * shape.max_positions - 1,
                                shape.hidden_size / shape.heads);
  }
}

at::Tensor MultiHeadAttention::relative_scores(const at::Tensor& hidden, const at::Tensor& query,
                                               const at::Tensor& key) const {
  const at::Tensor positions = positions_of(hidden);
  const at::Tensor distance = positions.unsqueeze(1) - positions.unsqueeze(0) + (shape_.max_positions - 1);
  const at::Tensor embedded = (*distance_embedding_)(distance);  // [seq, seq, head size]
  at::Tensor scores = at::einsum("bhld,lrd->bhlr", {query, embedded});
  if (shape_.positions == PositionKind::kRelativeKeyQuery) {
    scores = scores + at::einsum("bhrd,lrd->bhlr", {key, embedded});
  }
  return scores;
}

AttentionResult MultiHeadAttention::operator()(const at::Tensor& hidden, const AttentionContext& context) const {
  const at::Tensor& memory = context.memory.defined() ? context.memory : hidden;
  const at::Tensor query = split_heads(query_(hidden), shape_.heads);  // [batch, heads, seq, head size]
  const at::Tensor key = split_heads(key_(memory), shape_.heads);
  const at::Tensor value = split_heads(value_(memory), shape_.heads);
  if (kind_ == AttentionKind::kSdpa) {
    return {join_heads(at::scaled_dot_product_attention(query, key, value, context.mask)), {}};
  }
  const double root = std::sqrt(static_cast<double>(shape_.hidden_size / shape_.heads));
  at::Tensor scores = at::matmul(query, key.transpose(-1, -2));  // [batch, heads, seq, seq of keys]
  if (distance_embedding_ && shape_.scale_relative_scores) {
    scores = scores + relative_scores(hidden, query, key);
  }
  scores = scores / root + context.mask;
  if (distance_embedding_ && !shape_.scale_relative_scores) {
    scores = scores + relative_scores(hidden, query, key);
  }
  const at::Tensor probabilities = at::softmax(scores, -1);
  return {join_heads(at::matmul(probabilities, value)), probabilities};
}

at::Tensor join_heads(const at::Tensor& x) {
  return x.transpose(1, 2).flatten(-2);
}

}  // namespace bertjit
