#include "models/layers.h"

#include <utility>

namespace bertjit {

Linear::Linear(Node node, int64_t in_features, int64_t out_features, Bias bias)
    : node_(std::move(node)), weight_(node_.parameter("weight", {out_features, in_features}, Init::kNormal)) {
  if (bias == Bias::kYes) {
    bias_ = node_.parameter("bias", {out_features}, Init::kZeros);
  }
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  const Scope scope(node_);
  return at::linear(x, weight_, bias_);
}

LayerNorm::LayerNorm(Node node, int64_t size, double eps)
    : node_(std::move(node)),
      size_(size),
      eps_(eps),
      weight_(node_.parameter("weight", {size}, Init::kOnes)),
      bias_(node_.parameter("bias", {size}, Init::kZeros)) {}

at::Tensor LayerNorm::operator()(const at::Tensor& x) const {
  const Scope scope(node_);
  return at::layer_norm(x, {size_}, weight_, bias_, eps_);
}

Embedding::Embedding(Node node, int64_t rows, int64_t size, Init init)
    : node_(std::move(node)), weight_(node_.parameter("weight", {rows, size}, init)) {}

Embedding::Embedding(Node node, const at::Tensor& table) : node_(std::move(node)), weight_(table) {
  node_.adopt("weight", table);
}

at::Tensor Embedding::operator()(const at::Tensor& ids) const {
  const Scope scope(node_);
  return at::embedding(weight_, ids);
}

at::Tensor tied_weight(const Node& decoder, const Embedding& words, Tie tie) {
  const at::Tensor table = words.weight().detach();
  const at::Tensor weight = tie == Tie::kShare ? table : table.clone();
  decoder.adopt("weight", weight);
  return weight;
}

}  // namespace bertjit
