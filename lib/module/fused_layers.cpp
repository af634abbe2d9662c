#include "module/fused_layers.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "support/error.h"

namespace bertjit {

namespace jit = torch::jit;

namespace {

const c10::Symbol& fused_operator() {
  static const c10::Symbol symbol = c10::Symbol::fromQualString("mkldnn::_linear_pointwise");
  return symbol;
}

constexpr const char* kNone = "none";

struct Activation {
  c10::Symbol op;
  const char* name;  ///< oneDNN's
};

constexpr Activation kActivations[] = {
    {c10::aten::gelu, "gelu"}, {c10::aten::relu, "relu"}, {c10::aten::silu, "swish"}, {c10::aten::tanh, "tanh"}};

/// What follows a product, as oneDNN's operator has it.
struct PostOp {
  std::string name = kNone;
  std::string algorithm;  ///< of gelu: "none", "tanh"
};

std::optional<PostOp> post_op_of(const jit::Node& node) {
  const auto* known = std::ranges::find(kActivations, node.kind(), &Activation::op);
  if (known == std::end(kActivations)) {
    return std::nullopt;
  }
  if (node.kind() != c10::aten::gelu) {
    return PostOp{known->name, ""};
  }
  const auto approximate = jit::toIValue(node.input(1));
  return approximate ? std::make_optional(PostOp{known->name, approximate->toStringRef()}) : std::nullopt;
}

/// Of a block that is changed while they are gone through.
std::vector<jit::Node*> nodes_of(jit::Block& block) {
  return {block.nodes().begin(), block.nodes().end()};
}

/// What a call of a module's method calls; nullptr for other operators.
jit::Function* callee_of(const jit::Node& node) {
  const auto type =
      node.kind() == c10::prim::CallMethod ? node.input(0)->type()->cast<c10::ClassType>() : c10::ClassTypePtr();
  return type == nullptr ? nullptr : type->findMethod(node.s(c10::attr::name));
}

class Fuser {
 public:
  explicit Fuser(const jit::Module& module) {
    for (const auto& part : module.modules()) {
      for (const auto& method : part.get_methods()) {
        if (graphs_.insert(method.graph()).second) {
          count_calls(*method.graph()->block());
        }
      }
    }
  }

  FusedLayers run() {
    for (const auto& graph : graphs_) {
      fuse_activations(*graph->block());
    }
    for (const auto& graph : graphs_) {
      fuse_alone(*graph->block());
    }
    return fused_;
  }

 private:
  void count_calls(const jit::Block& block) {
    for (const jit::Node* node : block.nodes()) {
      for (const jit::Block* inner : node->blocks()) {
        count_calls(*inner);
      }
      if (const jit::Function* function = callee_of(*node)) {
        ++calls_[function];
      }
    }
  }

  void fuse_activations(jit::Block& block) {
    for (jit::Node* node : nodes_of(block)) {
      for (jit::Block* inner : node->blocks()) {
        fuse_activations(*inner);
      }
      const auto post_op = post_op_of(*node);
      jit::Node* layer = post_op ? layer_before(*node) : nullptr;
      if (layer != nullptr) {
        put(*layer, *post_op);
        node->output()->replaceAllUsesWith(node->input(0));
        node->destroy();
        ++fused_.activations;
      }
    }
  }

  void fuse_alone(jit::Block& block) {
    for (jit::Node* node : nodes_of(block)) {
      for (jit::Block* inner : node->blocks()) {
        fuse_alone(*inner);
      }
      if (node->kind() == c10::aten::linear) {
        put(*node, PostOp{});
      }
    }
  }

  /// The linear layer that nobody but `activation` has the output of: in the same graph, or as all that a module which
  /// is called here alone returns. nullptr if there is none.
  jit::Node* layer_before(const jit::Node& activation) const {
    jit::Value* value = activation.input(0);
    if (jit::Function* function = callee_of(*value->node())) {
      const auto calls = calls_.find(function);
      const jit::GraphFunction* code = jit::tryToGraphFunction(*function);
      if (value->uses().size() != 1 || calls == calls_.end() || calls->second != 1 || code == nullptr ||
          code->graph()->outputs().size() != 1) {
        return nullptr;
      }
      value = code->graph()->outputs()[0];
    }
    return value->node()->kind() == c10::aten::linear && value->uses().size() == 1 ? value->node() : nullptr;
  }

  /// oneDNN's operator in place of `linear`.
  void put(jit::Node& linear, const PostOp& post_op) {
    jit::Graph& graph = *linear.owningGraph();
    const jit::WithInsertPoint before(&linear);
    jit::Value* name = graph.insertConstant(post_op.name);
    // Numbers that other activations have.
    jit::Node* numbers = graph.insertNode(graph.createList(c10::OptionalType::create(c10::NumberType::get()), {}));
    jit::Value* algorithm = graph.insertConstant(post_op.algorithm);
    jit::Node* node = graph.insertNode(graph.create(
        fused_operator(), {linear.input(0), linear.input(1), linear.input(2), name, numbers->output(), algorithm}, 1));
    node->output()->setType(c10::TensorType::get());
    node->copyMetadata(&linear);
    linear.output()->replaceAllUsesWith(node->output());
    linear.destroy();
    ++fused_.linear;
  }

  std::set<std::shared_ptr<jit::Graph>> graphs_;
  std::unordered_map<const jit::Function*, int> calls_;
  FusedLayers fused_;
};

/// An attribute of one object of a module's tree.
using Place = std::pair<const void*, std::string>;

/// Lays the weights of fused layers down by columns. oneDNN wants a weight in blocks of its own and makes them in each
/// run; from columns that is a plain copy. Shape, numbers and name stay.
class ColumnLayout {
 public:
  explicit ColumnLayout(const jit::Module& module) : module_(module) {
    for (const auto& part : module_.modules()) {
      for (const auto& attribute : part.named_attributes(/*recurse=*/false)) {
        if (attribute.value.isTensor() && attribute.value.toTensor().has_storage()) {
          ++holders_[attribute.value.toTensor().storage().unsafeGetStorageImpl()];
        }
      }
      for (const auto& method : part.get_methods()) {
        note_reads(*method.graph()->block(), part);
      }
    }
  }

  void apply() {
    for (auto& [place, owner] : fused_) {
      if (!others_.contains(place)) {
        const at::Tensor weight = owner.attr(place.second).toTensor();
        // A tied weight is a table, too, whose rows are looked up.
        if (holders_[weight.storage().unsafeGetStorageImpl()] == 1) {
          owner.setattr(place.second, by_columns(weight));
        }
      }
    }
  }

 private:
  static at::Tensor by_columns(const at::Tensor& weight) {
    return weight.detach().t().contiguous().t().set_requires_grad(weight.requires_grad());
  }

  /// Whose attribute `get` reads when `self` runs it; nullopt for that of an argument.
  static std::optional<jit::Module> owner_of(const jit::Node& get, const jit::Module& self) {
    const jit::Value* holder = get.input(0);
    if (holder->node()->kind() != c10::prim::GetAttr) {
      return holder == holder->owningGraph()->inputs()[0] ? std::make_optional(self) : std::nullopt;
    }
    const auto above = owner_of(*holder->node(), self);
    return above ? std::make_optional(above->attr(holder->node()->s(c10::attr::name)).toModule()) : std::nullopt;
  }

  void note_reads(jit::Block& block, const jit::Module& self) {
    for (jit::Node* node : block.nodes()) {
      for (jit::Block* inner : node->blocks()) {
        note_reads(*inner, self);
      }
      if (node->kind() == c10::prim::Constant) {
        lay_constant(*node);
      }
      const bool is_tensor =
          node->kind() == c10::prim::GetAttr && node->output()->type()->isSubtypeOf(*c10::TensorType::get());
      const auto owner = is_tensor ? owner_of(*node, self) : std::nullopt;
      if (owner) {
        const Place place(owner->_ivalue().get(), node->s(c10::attr::name));
        if (is_fused_weight(*node->output())) {
          fused_.emplace(place, *owner);
        } else {
          others_.insert(place);
        }
      }
    }
  }

  static bool is_fused_weight(const jit::Value& value) {
    return !value.uses().empty() && std::ranges::all_of(value.uses(), [](const jit::Use& use) {
      return use.user->kind() == fused_operator() && use.offset == 1;
    });
  }

  /// Of a frozen module.
  static void lay_constant(jit::Node& node) {
    if (node.hasAttribute(c10::attr::value) && node.kindOf(c10::attr::value) == jit::AttributeKind::t &&
        node.t(c10::attr::value).dim() == 2 && is_fused_weight(*node.output())) {
      node.t_(c10::attr::value, by_columns(node.t(c10::attr::value)));
    }
  }

  jit::Module module_;
  std::map<Place, jit::Module> fused_;
  std::set<Place> others_;
  std::unordered_map<const void*, int> holders_;
};

void refuse_other_weights(const jit::Module& module) {
  for (const auto& tensor : module.named_parameters()) {
    if (tensor.value.is_floating_point() && tensor.value.scalar_type() != at::kFloat) {
      throw Error(ErrorKind::kUnsupported, std::string("--fuse: needs float32 weights; ") + tensor.name + " is " +
                                               c10::toString(tensor.value.scalar_type()));
    }
  }
}

void unfuse(jit::Node& node) {
  const auto name = jit::toIValue(node.input(3));
  const auto algorithm = jit::toIValue(node.input(5));
  if (!name || !algorithm) {
    return;
  }
  const auto* known = std::ranges::find_if(
      kActivations, [&](const Activation& activation) { return name->toStringRef() == activation.name; });
  const bool has_activation = known != std::end(kActivations);
  if (!has_activation && name->toStringRef() != kNone) {
    return;
  }
  jit::Graph& graph = *node.owningGraph();
  const jit::WithInsertPoint before(&node);
  jit::Value* output = graph.insert(c10::aten::linear, {node.input(0), node.input(1), node.input(2)});
  output->node()->copyMetadata(&node);
  if (has_activation && known->op == c10::aten::gelu) {
    output = graph.insert(known->op, {output}, {{"approximate", *algorithm}});
  } else if (has_activation) {
    output = graph.insert(known->op, {output});
  }
  output->node()->copyMetadata(&node);
  node.output()->replaceAllUsesWith(output);
  node.destroy();
}

}  // namespace

FusedLayers fuse_linear_layers(const torch::jit::Module& module) {
  refuse_other_weights(module);
  const FusedLayers fused = Fuser(module).run();
  if (fused.linear == 0) {
    throw Error(ErrorKind::kUnsupported, "--fuse: there is no linear layer");
  }
  ColumnLayout(module).apply();
  return fused;
}

void unfuse_linear_layers(torch::jit::Block& block) {
  for (jit::Node* node : nodes_of(block)) {
    for (jit::Block* inner : node->blocks()) {
      unfuse_linear_layers(*inner);
    }
    if (node->kind() == fused_operator()) {
      unfuse(*node);
    }
  }
}

void unfuse_linear_layers(const torch::jit::Module& module) {
  for (const auto& part : module.modules()) {
    for (const auto& method : part.get_methods()) {
      unfuse_linear_layers(*method.graph()->block());
    }
  }
}

}  // namespace bertjit
