#include "inspect/drawing.h"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include <torch/csrc/jit/ir/constants.h>

#include "container/tensors.h"
#include "inspect/graph_text.h"
#include "inspect/members.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;
using Kind = DrawnNode::Kind;

/// "self", then "self.encoder" without the self: "encoder".
std::string step(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + "." + name;
}

std::string value_name(const jit::Value& value) {
  return "%" + value.debugName();
}

class Drawer {
 public:
  explicit Drawer(DrawnGraph& drawn) : drawn_(drawn) {}

  void draw(const jit::Graph& graph) {
    const auto inputs = graph.inputs();
    for (size_t i = 0; i < inputs.size(); ++i) {
      // A method's first argument is where the ways to weights begin.
      if (i == 0 && is_module(*inputs[i])) {
        paths_[inputs[i]] = "";
      } else {
        const size_t node = add({Kind::kInput, value_name(*inputs[i]), {inputs[i]->type()->annotation_str()}});
        producers_[inputs[i]] = node;
        drawn_.root.nodes.push_back(node);
      }
    }
    draw_nodes(*graph.block(), drawn_.root);
    drawn_.root.nodes.push_back(draw_output(*graph.return_node(), "return"));
  }

 private:
  static bool is_module(const jit::Value& value) {
    const auto type = value.type()->cast<c10::ClassType>();
    return type != nullptr && type->is_module();
  }

  size_t add(DrawnNode node) {
    drawn_.nodes.push_back(std::move(node));
    return drawn_.nodes.size() - 1;
  }

  /// What is written in place of an arrow; nullopt for what a node computes.
  std::optional<std::string> folded(const jit::Value& value) {
    const jit::Node& node = *value.node();
    switch (node.kind()) {
      case c10::prim::Constant:
        return constant_text(value);
      case c10::prim::ListConstruct:
        return folded_items(node, "[", "]");
      case c10::prim::TupleConstruct:
        return folded_items(node, "(", ")");
      default:
        break;
    }
    const auto path = paths_.find(&value);
    return path == paths_.end() ? std::nullopt
                                : std::optional("self" + (path->second.empty() ? "" : "." + path->second));
  }

  std::optional<std::string> folded_items(const jit::Node& node, const std::string& open, const std::string& close) {
    std::string text = open;
    for (const jit::Value* item : node.inputs()) {
      const auto folded_item = folded(*item);
      if (!folded_item) {
        return std::nullopt;
      }
      text += (text.size() > 1 ? ", " : "") + *folded_item;
    }
    return text + close;
  }

  static std::string constant_text(const jit::Value& value) {
    if (const auto type = value.type()->cast<c10::FunctionType>()) {
      return type->function()->name();
    }
    const auto constant = jit::toIValue(&value);
    if (!constant) {
      return "a constant";
    }
    if (constant->isTensor()) {
      const at::Tensor tensor = constant->toTensor();
      return "Tensor " + scalar_type_name(tensor) + " " + shape_text(tensor.sizes().vec());
    }
    const std::string literal = short_literal(*constant);
    return literal.empty() ? value.type()->annotation_str() : literal;
  }

  /// Arrows from what computes the inputs, and words for the inputs that are written into the node.
  void connect(const jit::Node& node, size_t target, size_t first_input) {
    const auto* schema = node.maybeSchema();
    for (size_t i = first_input; i < node.inputs().size(); ++i) {
      const jit::Value& input = *node.inputs()[i];
      if (const auto text = folded(input)) {
        const bool is_named = schema != nullptr && i < schema->arguments().size();
        // None is what is left out of a call.
        if (*text != "None" || !is_named) {
          drawn_.nodes[target].details.push_back((is_named ? schema->arguments()[i].name() + "=" : "") + *text);
        }
      } else if (const auto producer = producers_.find(&input); producer != producers_.end()) {
        drawn_.edges.push_back({producer->second, target, value_name(input), false});
      }
    }
  }

  void draw_nodes(const jit::Block& block, DrawnBlock& drawn) {
    for (const jit::Node* node : block.nodes()) {
      draw_node(*node, drawn);
    }
  }

  void draw_node(const jit::Node& node, DrawnBlock& block) {
    if (node.outputs().size() == 1 && folded(*node.output())) {
      return;
    }
    if (node.kind() == c10::prim::GetAttr && follow_attribute(node, block)) {
      return;
    }
    const size_t drawn = add(title_of(node));
    block.nodes.push_back(drawn);
    connect(node, drawn, is_call(node) ? 1 : 0);
    if (const std::string location = node_location(node); !location.empty()) {
      drawn_.nodes[drawn].details.push_back(location);
    }
    for (const jit::Value* output : node.outputs()) {
      producers_[output] = drawn;
    }
    for (size_t i = 0; i < node.blocks().size(); ++i) {
      draw_block(node, i, drawn, block);
    }
  }

  static bool is_call(const jit::Node& node) {
    return node.kind() == c10::prim::CallMethod || node.kind() == c10::prim::CallFunction;
  }

  /// A submodule is a step on the way; a weight or another attribute of the module is a node with its path.
  bool follow_attribute(const jit::Node& node, DrawnBlock& block) {
    const auto owner = paths_.find(node.input());
    if (owner == paths_.end()) {
      return false;
    }
    const std::string path = step(owner->second, node.s(c10::attr::name));
    if (is_module(*node.output())) {
      paths_[node.output()] = path;
      return true;
    }
    const size_t drawn = add({Kind::kAttribute, path, {}});
    block.nodes.push_back(drawn);
    producers_[node.output()] = drawn;
    return true;
  }

  DrawnNode title_of(const jit::Node& node) {
    if (is_call(node)) {
      const std::string target = folded(*node.inputs()[0]).value_or(value_name(*node.inputs()[0]));
      return {Kind::kCall, node.kind() == c10::prim::CallMethod ? target + "." + node.s(c10::attr::name) : target, {}};
    }
    return {node.blocks().empty() ? Kind::kOperator : Kind::kControl, node.kind().toQualString(), {}};
  }

  void draw_block(const jit::Node& owner, size_t index, size_t owner_node, DrawnBlock& parent) {
    const jit::Block& block = *owner.blocks()[index];
    DrawnBlock drawn;
    drawn.title = owner.kind() == c10::prim::If     ? (index == 0 ? "then" : "else")
                  : owner.kind() == c10::prim::Loop ? "loop"
                                                    : owner.kind().toQualString();
    if (!block.inputs().empty()) {
      DrawnNode inputs{Kind::kInput, "", {}};
      for (const jit::Value* input : block.inputs()) {
        inputs.title += (inputs.title.empty() ? "" : ", ") + value_name(*input);
      }
      const size_t entry = add(std::move(inputs));
      drawn.nodes.push_back(entry);
      for (const jit::Value* input : block.inputs()) {
        producers_[input] = entry;
      }
    }
    draw_nodes(block, drawn);
    const size_t exit = draw_output(*block.return_node(), "result");
    drawn.nodes.push_back(exit);
    drawn_.edges.push_back({owner_node, drawn.nodes.front(), "", true});
    drawn_.edges.push_back({exit, owner_node, "", true});
    parent.blocks.push_back(std::move(drawn));
  }

  size_t draw_output(const jit::Node& node, const std::string& title) {
    const size_t drawn = add({Kind::kOutput, title, {}});
    connect(node, drawn, 0);
    return drawn;
  }

  DrawnGraph& drawn_;
  std::unordered_map<const jit::Value*, size_t> producers_;
  std::unordered_map<const jit::Value*, std::string> paths_;  ///< modules, by their way from self
};

}  // namespace

DrawnGraph draw_graph(const jit::Graph& graph, const std::string& method, bool inlined) {
  DrawnGraph drawn;
  drawn.method = method;
  drawn.inlined = inlined;
  drawn.root.title = method;
  Drawer(drawn).draw(graph);
  return drawn;
}

}  // namespace bertjit
