#include "models/embeddings.h"

#include <utility>

#include "models/sizes.h"

namespace bertjit {

namespace {

std::optional<Embedding> optional_table(const Node& node, const std::string& name, int64_t rows, int64_t size,
                                        Init init = Init::kNormal) {
  return rows == 0 ? std::nullopt : std::make_optional<Embedding>(node.child(name, kEmbedding), rows, size, init);
}

}  // namespace

Embeddings::Embeddings(Node node, const EmbeddingsShape& shape)
    : node_(std::move(node)),
      shape_(shape),
      word_embeddings_(node_.child("word_embeddings", kEmbedding), shape.vocab_size, shape.size,
                       shape.pad_token_id == 0 ? Init::kNormalRow0Zero : Init::kNormal),
      // A table may be there without being used, in networks with relative positions and in their checkpoints.
      position_embeddings_(
          optional_table(node_, "position_embeddings", shape.max_positions, shape.size, shape.position_init)),
      token_type_embeddings_(optional_table(node_, "token_type_embeddings", shape.type_vocab_size, shape.size)),
      layer_norm_(node_.child("LayerNorm", kLayerNorm), shape.size, shape.layer_norm_eps) {}

at::Tensor Embeddings::add_positions_to(const at::Tensor& sum, const at::Tensor& input_ids) const {
  if (shape_.positions == PositionIds::kSequential) {
    const Scope scope(position_embeddings_->node());
    return add_positions(sum, position_embeddings_->weight());
  }
  return sum + (*position_embeddings_)(positions_after_padding(input_ids, *shape_.pad_token_id));
}

at::Tensor Embeddings::operator()(const at::Tensor& input_ids, const at::Tensor& token_type_ids) const {
  const Scope scope(node_);
  at::Tensor sum = word_embeddings_(input_ids);
  if (token_type_ids.defined()) {
    sum = sum + (*token_type_embeddings_)(token_type_ids);
  } else if (token_type_embeddings_) {
    // All tokens are of segment 0.
    const Scope table_scope(token_type_embeddings_->node());
    sum = sum + token_type_embeddings_->weight().select(0, 0);
  }
  if (shape_.positions != PositionIds::kNone) {
    sum = add_positions_to(sum, input_ids);
  }
  return layer_norm_(sum);
}

at::Tensor positions_after_padding(const at::Tensor& input_ids, int64_t pad_token_id) {
  const at::Tensor is_token = input_ids.ne(pad_token_id).to(at::kLong);
  return at::cumsum(is_token, 1) * is_token + pad_token_id;
}

}  // namespace bertjit
