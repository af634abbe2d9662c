// The linear layers and word tables in a module's code, with the weights they use and where the module has these.
//
// Found by operator, wherever the weights come from: attributes of the submodule at work or of another, arguments that
// the caller hands down (tied decoders), constants (torch.jit.freeze). Graphs are walked call by call as they lie in
// the file, not inlined: what is found is rewritten in place, and submodules keep their names. A linear layer is
// `linear`, `addmm`, or `matmul` and an `add` after it, as releases before 1.7 recorded it. Nothing is run.
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

using ModuleObject = c10::intrusive_ptr<c10::ivalue::Object>;

/// A tensor that code uses. Undefined where there is none.
struct HeldTensor {
  at::Tensor tensor;
  ModuleObject owner;  ///< whose attribute it is; nullptr for a constant of the code
  std::string attribute;
};

enum class LayerUseKind { kLinear, kEmbedding };

/// One operator of one graph, as run for one object.
struct LayerUse {
  torch::jit::Node* product;  ///< linear, addmm, matmul, embedding
  torch::jit::Node* sum;      ///< the add of the bias, where it is a node of its own; else nullptr
  torch::jit::Value* input;   ///< activation, or ids
  torch::jit::Value* weight;  ///< as the operator takes it
  torch::jit::Value* bias;    ///< nullptr if there is none
  torch::jit::Value* self;    ///< of the graph
  ModuleObject object;        ///< what `self` is
};

/// A weight (and bias), and every use of it.
struct UsedLayer {
  LayerUseKind kind;
  /// Path of the module that has the weight, "encoder.layer.0.output.dense"; "linear 3" for a constant, counted from 0.
  std::string name;
  at::Tensor weight;  ///< [out, in], or [rows, width] of a table
  HeldTensor held_weight;
  HeldTensor held_bias;
  std::vector<LayerUse> uses;
  /// Why it must stay as it is ("is float16"); empty if it need not.
  std::string obstacle;
};

struct ModuleLayers {
  std::vector<UsedLayer> layers;  ///< in the order of the code
  std::string quantized_where;    ///< path of the first module with an operator on int8; empty if there is none
  std::string quantized_operator;
};

/// Finds the layers that `forward` comes to. What was fused (module/fused_layers.h) is taken apart first, in place: the
/// module must not have run yet. Throws Error(kUnsupported) if there is no forward.
ModuleLayers find_layers(const torch::jit::Module& module);

/// Every (object, attribute) that some method of the tree reads.
class AttributeReads {
 public:
  explicit AttributeReads(const torch::jit::Module& module);
  bool contains(const ModuleObject& owner, const std::string& attribute) const;

 private:
  std::vector<std::pair<const void*, std::string>> reads_;
};

}  // namespace bertjit
