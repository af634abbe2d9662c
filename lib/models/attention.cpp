#include "models/attention.h"

#include <cmath>
#include <utility>

#include "models/sizes.h"

namespace bertjit {

SelfAttention::SelfAttention(Node node, const AttentionShape& shape, AttentionKind kind, PositionKind positions)
    : node_(std::move(node)),
      shape_(shape),
      kind_(kind),
      positions_(positions),
      query_(node_.child("query", "torch.nn.modules.linear.Linear"), shape.hidden_size, shape.hidden_size),
      key_(node_.child("key", "torch.nn.modules.linear.Linear"), shape.hidden_size, shape.hidden_size),
      value_(node_.child("value", "torch.nn.modules.linear.Linear"), shape.hidden_size, shape.hidden_size) {
  if (positions != PositionKind::kAbsolute) {
    distance_embedding_.emplace(node_.child("distance_embedding", "torch.nn.modules.sparse.Embedding"),
                                2 * shape.max_positions - 1, shape.hidden_size / shape.heads);
  }
}

at::Tensor SelfAttention::relative_scores(const at::Tensor& hidden, const at::Tensor& query,
                                          const at::Tensor& key) const {
  const at::Tensor positions = positions_of(hidden);
  const at::Tensor distance = positions.unsqueeze(1) - positions.unsqueeze(0) + (shape_.max_positions - 1);
  const at::Tensor embedded = (*distance_embedding_)(distance);  // [seq, seq, head size]
  at::Tensor scores = at::einsum("bhld,lrd->bhlr", {query, embedded});
  if (positions_ == PositionKind::kRelativeKeyQuery) {
    scores = scores + at::einsum("bhrd,lrd->bhlr", {key, embedded});
  }
  return scores;
}

at::Tensor SelfAttention::operator()(const at::Tensor& hidden, const at::Tensor& mask) const {
  const Scope scope(node_);
  const at::Tensor query = split_heads(query_(hidden), shape_.heads);  // [batch, heads, seq, head size]
  const at::Tensor key = split_heads(key_(hidden), shape_.heads);
  const at::Tensor value = split_heads(value_(hidden), shape_.heads);

  at::Tensor context;
  if (kind_ == AttentionKind::kSdpa && positions_ == PositionKind::kAbsolute) {
    context = at::scaled_dot_product_attention(query, key, value, mask);
  } else {
    at::Tensor scores = at::matmul(query, key.transpose(-1, -2));  // [batch, heads, seq, seq]
    if (positions_ != PositionKind::kAbsolute) {
      scores = scores + relative_scores(hidden, query, key);
    }
    scores = scores / std::sqrt(static_cast<double>(shape_.hidden_size / shape_.heads)) + mask;
    context = at::matmul(at::softmax(scores, -1), value);
  }
  return context.transpose(1, 2).flatten(-2);
}

}  // namespace bertjit
