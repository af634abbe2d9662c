#include "quantize/rewrite.h"

#include <map>
#include <optional>
#include <set>
#include <unordered_map>

#include <torch/csrc/jit/passes/dead_code_elimination.h>

#include "quantize/packing.h"
#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

constexpr const char* kPacked = "_packed_params";
/// Sums of the int8 weight's rows, which a token's middle is multiplied with.
constexpr const char* kSums = "_row_sums";

c10::Symbol symbol(const char* name) {
  return c10::Symbol::fromQualString(name);
}

/// Behind transposes, down to what reads the attribute, or hands it in.
jit::Value* origin_of(jit::Value* value) {
  while (value->node()->kind() != c10::prim::GetAttr && value->node()->kind() != c10::prim::Param &&
         !value->node()->inputs().empty()) {
    value = value->node()->input(0);
  }
  return value;
}

/// The attributes that stand in for a layer's weights, on one object.
struct Names {
  std::string packed;
  std::string sums;  ///< per token
};

class Rewriter {
 public:
  Rewriter(const jit::Module& module, const RewriteOptions& options) : module_(module), options_(options) {}

  void add(const UsedLayer& layer, RewrittenLayer& result) {
    const bool is_linear = layer.kind == LayerUseKind::kLinear;
    result.layer = &layer;
    result.quantized = is_linear ? quantize_weight(layer.weight, options_.scheme) : quantize_table(layer.weight);
    const c10::IValue packed = is_linear
                                   ? pack_linear(result.quantized, packs_bias() ? layer.held_bias.tensor : at::Tensor())
                                   : pack_embedding(result.quantized);
    at::Tensor sums;
    if (is_linear && options_.scheme == QuantizeScheme::kPerToken) {
      sums = result.quantized.dequantize().sum(1);
    }
    std::map<const void*, Names> on_holder;  // a layer may be used by several objects
    for (const auto& use : layer.uses) {
      const ModuleObject holder = holder_of(layer, use);
      auto [it, is_new] = on_holder.try_emplace(holder.get());
      if (is_new) {
        it->second = hold(holder, packed, sums);
      }
      plan(use, it->second, layer.name);
    }
  }

  /// Changes the code: only now, since one graph may be that of several objects.
  void finish() {
    std::set<jit::Graph*> graphs;
    for (const auto& [node, planned] : plans_) {
      graphs.insert(node->owningGraph());
      check_shared(*node, planned);
      replace(planned);
    }
    for (jit::Graph* graph : graphs) {
      jit::EliminateDeadCode(graph->block());
    }
  }

 private:
  struct Plan {
    LayerUse use;
    Names names;
    std::string layer;
    std::set<const void*> objects;  ///< that run the node
  };

  bool packs_bias() const {
    return options_.scheme != QuantizeScheme::kPerToken;
  }

  /// Whose attribute the packed weight becomes: the weight's owner where the code has it at hand, else the object that
  /// is at work.
  static ModuleObject holder_of(const UsedLayer& layer, const LayerUse& use) {
    const jit::Value* origin = origin_of(use.weight);
    return origin->node()->kind() == c10::prim::GetAttr ? layer.held_weight.owner : use.object;
  }

  Names hold(const ModuleObject& holder, const c10::IValue& packed, const at::Tensor& sums) {
    size_t& count = held_[holder.get()];
    const std::string suffix = count == 0 ? "" : "_" + std::to_string(count);
    ++count;
    Names names{kPacked + suffix, sums.defined() ? kSums + suffix : ""};
    jit::Module part(holder);
    part.register_attribute(names.packed, packed.type(), packed);
    if (sums.defined()) {
      part.register_buffer(names.sums, sums);
    }
    return names;
  }

  void plan(const LayerUse& use, const Names& names, const std::string& layer) {
    const auto [it, is_new] = plans_.try_emplace(use.product, Plan{use, names, layer, {}});
    if (!is_new && it->second.names.packed != names.packed) {
      throw Error(ErrorKind::kUnsupported, layer + ": shares its code with " + it->second.layer +
                                               ", and has other weights in it; trace the file first (bertjit trace)");
    }
    it->second.objects.insert(use.object.get());
  }

  /// Code that is run for objects which keep their float weights cannot be changed.
  void check_shared(const jit::Node& node, const Plan& planned) const {
    const auto& type = *planned.use.object->type();
    for (const auto& part : module_.modules()) {
      if (part._ivalue()->type().get() == &type && !planned.objects.contains(part._ivalue().get()) &&
          node.owningGraph() != nullptr) {
        throw Error(ErrorKind::kUnsupported,
                    planned.layer +
                        ": shares its code with a layer that stays float32 (the file is scripted); trace the "
                        "file first (bertjit trace)");
      }
    }
  }

  void replace(const Plan& planned) {
    const LayerUse& use = planned.use;
    jit::Node* last = use.sum != nullptr ? use.sum : use.product;
    jit::Graph& graph = *last->owningGraph();
    const jit::WithInsertPoint before(last);
    jit::Value* output =
        use.product->kind() == c10::aten::embedding ? look_up(graph, planned) : multiply(graph, planned);
    output->copyMetadata(last->output());
    last->output()->replaceAllUsesWith(output);
    last->destroy();
    if (use.sum != nullptr) {
      use.product->destroy();
    }
  }

  jit::Value* read(jit::Graph& graph, const LayerUse& use, const std::string& name) const {
    jit::Value* origin = origin_of(use.weight);
    jit::Value* holder = origin->node()->kind() == c10::prim::GetAttr ? origin->node()->input(0) : use.self;
    return graph.insertNode(graph.createGetAttr(holder, name))->output();
  }

  static jit::Value* insert(jit::Graph& graph, const char* op, at::ArrayRef<jit::Value*> inputs) {
    jit::Node* node = graph.insertNode(graph.create(symbol(op), inputs, 1));
    node->output()->setType(c10::TensorType::get());
    return node->output();
  }

  jit::Value* look_up(jit::Graph& graph, const Plan& planned) const {
    jit::Value* packed = read(graph, planned.use, planned.names.packed);
    return insert(graph, "quantized::embedding_byte", {packed, planned.use.input, graph.insertConstant(false)});
  }

  jit::Value* multiply(jit::Graph& graph, const Plan& planned) const {
    jit::Value* packed = read(graph, planned.use, planned.names.packed);
    jit::Value* reduce = graph.insertConstant(options_.reduce_range);
    if (options_.scheme != QuantizeScheme::kPerToken) {
      return insert(graph, "quantized::linear_dynamic", {planned.use.input, packed, reduce});
    }
    jit::Value* x = planned.use.input;
    jit::Value* last_dimension = graph.insertConstant(std::vector<int64_t>{-1});
    jit::Value* keep = graph.insertConstant(true);
    const auto call = [&](c10::Symbol op, std::initializer_list<jit::NamedValue> inputs) {
      return graph.insert(op, inputs);
    };
    jit::Value* most = call(c10::aten::amax, {x, last_dimension, keep});
    jit::Value* least = call(c10::aten::amin, {x, last_dimension, keep});
    jit::Value* middle = call(c10::aten::mul, {call(c10::aten::add, {most, least}), graph.insertConstant(0.5)});
    // A token of one number alone is all middle: nothing is divided by nothing.
    jit::Value* spread =
        call(symbol("aten::clamp_min"), {call(c10::aten::sub, {most, least}), graph.insertConstant(1e-8)});
    jit::Value* half = call(c10::aten::mul, {spread, graph.insertConstant(0.5)});
    // Nothing in place so far: layers that read one activation (query, key, value) then do the same work on it, and
    // libtorch's executor does that once: 5% of a text's time. The product is a layer's own; each copy saved counts.
    jit::Value* even = call(c10::aten::div, {call(c10::aten::sub, {x, middle}), half});
    jit::Value* y = insert(graph, "quantized::linear_dynamic", {even, packed, reduce});
    y = call(c10::aten::mul_, {y, half});
    y = call(symbol("aten::addcmul_"), {y, middle, read(graph, planned.use, planned.names.sums)});
    return planned.use.bias == nullptr ? y : call(c10::aten::add_, {y, planned.use.bias});
  }

  jit::Module module_;
  RewriteOptions options_;
  std::map<jit::Node*, Plan> plans_;
  std::unordered_map<const void*, size_t> held_;  ///< how many packed weights an object has
};

/// Drops attributes that no code of the tree reads, from every instance of their class.
void drop_unread(const jit::Module& module, const std::vector<HeldTensor>& candidates) {
  const AttributeReads reads(module);
  std::map<std::pair<c10::ClassType*, std::string>, std::set<const void*>> unread;
  for (const auto& held : candidates) {
    if (held.owner != nullptr && !reads.contains(held.owner, held.attribute)) {
      unread[{held.owner->type().get(), held.attribute}].insert(held.owner.get());
    }
  }
  for (const auto& [place, owners] : unread) {
    const auto& [type, attribute] = place;
    std::vector<ModuleObject> instances;
    for (const auto& part : module.modules()) {
      if (part._ivalue()->type().get() == type) {
        instances.push_back(part._ivalue());
      }
    }
    if (instances.size() != owners.size()) {
      continue;  // another instance reads it
    }
    const size_t slot = type->getAttributeSlot(attribute);
    for (const auto& instance : instances) {
      instance->unsafeRemoveSlot(slot);
    }
    type->unsafeRemoveAttribute(attribute);
  }
}

}  // namespace

std::vector<RewrittenLayer> rewrite_layers(const jit::Module& module, const std::vector<const UsedLayer*>& chosen,
                                           const RewriteOptions& options) {
  std::vector<RewrittenLayer> results(chosen.size());
  std::vector<HeldTensor> replaced;
  Rewriter rewriter(module, options);
  for (size_t i = 0; i < chosen.size(); ++i) {
    rewriter.add(*chosen[i], results[i]);
    replaced.push_back(chosen[i]->held_weight);
    replaced.push_back(chosen[i]->held_bias);
  }
  rewriter.finish();
  drop_unread(module, replaced);
  return results;
}

}  // namespace bertjit
