// Where the code of a module uses weights: linear layers, embeddings, normalisations, convolutions, and the attention
// that stands between them.
//
// Found by operator, so that it is there whatever made the file: torch.jit.trace of any release, bertjit, TorchScript's
// compiler, torch.jit.freeze. A linear layer is `linear`, `addmm`, `matmul` with a bias added, or
// `quantized::linear_dynamic`.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "recognise/module_code.h"

namespace bertjit {

enum class LayerKind { kLinear, kEmbedding, kLayerNorm, kConvolution };

/// One use of one layer's weights.
struct LayerCall {
  LayerKind kind;
  std::string module;  ///< path of the layer ("encoder.layer.0.output.dense"); empty if its weight has no name
  const CodeNode* node;
  const CodeValue* input;   ///< ids of an embedding
  const CodeValue* output;  ///< after the bias
  at::Tensor weight, bias;  ///< where they are constants of the code; undefined where they are attributes
};

/// One softmax or fused attention, and what it is fed with.
struct AttentionCall {
  bool is_fused;
  bool is_causal;                           ///< the fused operator's flag
  std::optional<size_t> query, key, value;  ///< linear layers, as indices of LayerCalls::all()
  /// What the products of queries and keys are multiplied with in the code, 1 if nothing; absent if that could not be
  /// seen.
  std::optional<double> factor;
  bool divides_by_root;  ///< fused, without a scale of its own: divided by the root of the head size besides
};

class LayerCalls {
 public:
  explicit LayerCalls(const ModuleCode& code);

  const std::vector<LayerCall>& all() const {
    return calls_;
  }
  const std::vector<AttentionCall>& attentions() const {
    return attentions_;
  }
  const ModuleCode& code() const {
    return code_;
  }
  /// Gives a layer whose weights are constants the name it has in its checkpoint.
  void set_module(size_t index, const std::string& module) {
    calls_[index].module = module;
  }
  /// Every use of the layer at `module`.
  std::vector<const LayerCall*> of(const std::string& module) const;
  /// The layer whose output a value is, views and dropout aside; nullopt if it is none's.
  std::optional<size_t> maker(const CodeValue* value) const;
  /// The same through sums, activations and products with numbers as well: the nearest layer on the way back.
  std::optional<size_t> nearest(const CodeValue* value) const;

 private:
  void add_call(const CodeNode& node);
  /// The sum that stands for an int8 product where each token is scaled back by itself; else the product's own output.
  const CodeValue* scaled_back(const CodeValue* product) const;
  /// What the input of such a product was before each token was spread over [-1, 1].
  static const CodeValue* before_spreading(const CodeValue* input);
  void add(LayerKind kind, const CodeNode& node, const CodeValue* input, const CodeValue* weight, const CodeValue* bias,
           const CodeValue* output);
  void add_attention(const CodeNode& node);
  std::optional<double> eager_scale(const CodeValue* scores, AttentionCall& call) const;
  /// The layer behind a factor of a product: through views and divisions by numbers, which go into `scale`.
  std::optional<size_t> scaled_maker(const CodeValue* value, double& scale) const;

  const ModuleCode& code_;
  std::vector<LayerCall> calls_;
  std::unordered_map<const CodeValue*, size_t> by_output_;
  std::vector<AttentionCall> attentions_;
};

}  // namespace bertjit
