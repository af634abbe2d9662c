#include "quantize/layers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <unordered_map>

#include <torch/csrc/jit/ir/constants.h>

#include "module/fused_layers.h"
#include "quantize/code_walk.h"
#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

/// quantized::linear_dynamic, quantized::embedding_byte, aten::_int_mm: what computes with int8.
bool computes_with_int8(const jit::Node& node) {
  const std::string_view name = node.kind().toQualString();
  return name.starts_with("quantized::") || name == "aten::_int_mm";
}

bool is_one(const jit::Value* value) {
  const auto number = jit::toIValue(value);
  return number && number->isScalar() && number->toScalar().equal(1);
}

bool is_none(const jit::Value* value) {
  return value->type()->kind() == c10::TypeKind::NoneType;
}

class Finder {
 public:
  explicit Finder(const jit::Module& module) : module_(module) {
    for (const auto& item : module.named_modules()) {
      paths_.emplace(item.value._ivalue().get(), item.name);
    }
  }

  ModuleLayers find() {
    const auto forward = module_.find_method("forward");
    if (!forward) {
      throw Error(ErrorKind::kUnsupported, "the module has no forward");
    }
    CodeWalk walk([this](jit::Graph& graph, const ModuleObject& self, const KnownValues& known) {
      for (jit::Node* node : all_nodes(*graph.block())) {
        visit(*node, *graph.inputs().at(0), self, known);
      }
    });
    walk.walk(forward->function(), module_._ivalue());
    return std::move(found_);
  }

 private:
  using Key = std::pair<const void*, const void*>;

  void visit(jit::Node& node, jit::Value& self, const ModuleObject& object, const KnownValues& known) {
    if (computes_with_int8(node) && found_.quantized_operator.empty()) {
      found_.quantized_operator = node.kind().toQualString();
      found_.quantized_where = path(object);
    }
    known_ = &known;
    const size_t count = node.inputs().size();
    const auto use = [&](size_t input, size_t weight, jit::Value* bias, jit::Node* sum = nullptr) {
      return LayerUse{&node, sum, node.input(input), node.input(weight), bias, &self, object};
    };
    if (node.kind() == c10::aten::linear && count == 3) {
      add(LayerUseKind::kLinear, use(0, 1, is_none(node.input(2)) ? nullptr : node.input(2)), /*is_product=*/false);
    } else if (node.kind() == c10::aten::addmm && count == 5 && is_one(node.input(3)) && is_one(node.input(4))) {
      add(LayerUseKind::kLinear, use(1, 2, node.input(0)), /*is_product=*/true);
    } else if (node.kind() == c10::aten::matmul && count == 2) {
      add(LayerUseKind::kLinear, with_sum(use(0, 1, nullptr)), /*is_product=*/true);
    } else if (node.kind() == c10::aten::embedding && count >= 2) {
      add(LayerUseKind::kEmbedding, use(1, 0, nullptr), /*is_product=*/false);
    }
  }

  /// matmul(x, weight.t()) with the bias that the next operator adds.
  LayerUse with_sum(LayerUse use) const {
    jit::Value* product = use.product->output();
    if (product->uses().size() != 1) {
      return use;
    }
    jit::Node* user = product->uses()[0].user;
    if ((user->kind() != c10::aten::add && user->kind() != c10::aten::add_) || user->inputs().size() != 3 ||
        !is_one(user->input(2))) {
      return use;
    }
    jit::Value* other = user->input(0) == product ? user->input(1) : user->input(0);
    const KnownValue* bias = known(other);
    if (bias != nullptr && bias->value.isTensor() && bias->value.toTensor().dim() == 1) {
      use.bias = other;
      use.sum = user;
    }
    return use;
  }

  void add(LayerUseKind kind, LayerUse use, bool is_product) {
    const KnownValue* weight = known(use.weight);
    if (weight == nullptr || !weight->value.isTensor() || weight->value.toTensor().dim() != 2 ||
        known(use.input) != nullptr) {
      return;  // a product of two activations, or of two weights
    }
    UsedLayer layer{.kind = kind, .held_weight = held(*weight)};
    // A product takes the weight transposed: [in, out].
    layer.weight = weight->transposed != is_product ? layer.held_weight.tensor.t() : layer.held_weight.tensor;
    if (use.bias != nullptr) {
      const KnownValue* bias = known(use.bias);
      if (bias != nullptr && bias->owner != nullptr && bias->value.isNone()) {
        use.bias = nullptr;  // of a module without: TorchScript's compiler reads the attribute all the same
      } else if (bias == nullptr || !bias->value.isTensor()) {
        layer.obstacle = "has a bias that is computed";
      } else {
        layer.held_bias = held(*bias);
      }
    }
    look_for_obstacle(layer);
    merge(std::move(layer), std::move(use));
  }

  static void look_for_obstacle(UsedLayer& layer) {
    const at::Tensor& bias = layer.held_bias.tensor;
    if (layer.weight.scalar_type() != at::kFloat) {
      layer.obstacle = std::string("is ") + c10::toString(layer.weight.scalar_type()) + ", and int8 is made of float32";
    } else if (bias.defined() &&
               (bias.scalar_type() != at::kFloat || bias.dim() != 1 || bias.size(0) != layer.weight.size(0))) {
      layer.obstacle = "has a bias that is no float32 vector as long as its output";
    } else if (layer.weight.numel() == 0) {
      layer.obstacle = "is empty";
    }
  }

  /// Uses of one weight with one bias are one layer, whoever runs them.
  void merge(UsedLayer layer, LayerUse use) {
    const Key key{layer.held_weight.tensor.unsafeGetTensorImpl(),
                  layer.held_bias.tensor.defined() ? layer.held_bias.tensor.unsafeGetTensorImpl() : nullptr};
    auto& of_kind = by_tensors_[layer.kind == LayerUseKind::kLinear ? 0 : 1];
    const auto [it, is_new] = of_kind.emplace(key, found_.layers.size());
    if (is_new) {
      layer.name = name_of(layer, use);
      found_.layers.push_back(std::move(layer));
    }
    found_.layers[it->second].uses.push_back(std::move(use));
  }

  std::string name_of(const UsedLayer& layer, const LayerUse& use) {
    if (layer.held_weight.owner == nullptr) {
      return (layer.kind == LayerUseKind::kLinear ? "linear " : "embedding ") +
             std::to_string(constants_[layer.kind == LayerUseKind::kLinear ? 0 : 1]++);
    }
    // A weight that was handed down belongs to the layer it was handed to.
    const bool is_argument = use.weight->node()->kind() == c10::prim::Param;
    const std::string owner = path(is_argument ? use.object : layer.held_weight.owner);
    const bool is_plain = is_argument || layer.held_weight.attribute == "weight";
    const std::string rest = is_plain ? "" : layer.held_weight.attribute;
    return owner + (owner.empty() || rest.empty() ? "" : ".") + rest;
  }

  static HeldTensor held(const KnownValue& known) {
    return {known.value.toTensor(), known.owner, known.attribute};
  }

  const KnownValue* known(const jit::Value* value) const {
    const auto it = known_->find(value);
    return it == known_->end() ? nullptr : &it->second;
  }

  std::string path(const ModuleObject& object) const {
    const auto it = paths_.find(object.get());
    return it == paths_.end() ? "" : it->second;
  }

  jit::Module module_;
  std::unordered_map<const void*, std::string> paths_;
  const KnownValues* known_ = nullptr;  ///< of the graph that is visited
  std::map<Key, size_t> by_tensors_[2];
  size_t constants_[2] = {0, 0};
  ModuleLayers found_;
};

}  // namespace

ModuleLayers find_layers(const jit::Module& module) {
  unfuse_linear_layers(module);
  return Finder(module).find();
}

AttributeReads::AttributeReads(const jit::Module& module) {
  const auto read = [this](const ModuleObject& owner, const std::string& attribute) {
    reads_.emplace_back(owner.get(), attribute);
  };
  CodeWalk walk({}, read);
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      walk.walk(method.function(), part._ivalue());
    }
  }
  std::sort(reads_.begin(), reads_.end());
}

bool AttributeReads::contains(const ModuleObject& owner, const std::string& attribute) const {
  return std::binary_search(reads_.begin(), reads_.end(), std::pair<const void*, std::string>(owner.get(), attribute));
}

}  // namespace bertjit
