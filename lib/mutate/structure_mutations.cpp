// Which layers are run, and in what order.
#include <algorithm>
#include <cctype>

#include "mutate/graph_sites.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// A call of a numbered module that maps hidden states to hidden states.
bool is_layer_call(const jit::Node& node) {
  if (node.kind() != c10::prim::CallMethod || node.outputs().size() != 1 || !is_tensor(node.output()) ||
      node.inputs().size() < 2 || !is_tensor(node.input(1))) {
    return false;
  }
  const std::string path = receiver_path(node.input(0));
  const std::string name = path.substr(path.rfind('.') + 1);
  return !name.empty() && std::ranges::all_of(name, [](unsigned char c) { return std::isdigit(c) != 0; });
}

/// Argument of a layer's call that is the hidden states: what the layer before gave, or the first tensor.
size_t hidden_states(const jit::Node& node) {
  for (size_t i = 1; i < node.inputs().size(); ++i) {
    if (is_module_output(node.input(i)) && is_layer_call(*node.input(i)->node())) {
      return i;
    }
  }
  return 1;
}

std::string skip_layer(const Site& site, Workpiece&) {
  replace_site(site, site.node->input(hidden_states(*site.node)));
  return "the layer is not run";
}

std::string repeat_layer(const Site& site, Workpiece&) {
  const size_t index = hidden_states(*site.node);
  edit_output(site, [&](jit::Graph& graph, jit::Value* value) {
    jit::Node* again = graph.createClone(site.node, [](jit::Value* same) { return same; });
    again->replaceInput(index, value);
    return graph.insertNode(again)->output();
  });
  return "the layer is run twice";
}

/// The receivers of the first two calls exchanged.
std::optional<Mutated> reorder_layers(Workpiece& work) {
  const std::vector<Site> sites = find_sites(work.loaded.module, is_layer_call);
  if (sites.size() < 2 || sites[0].graph != sites[1].graph) {
    return std::nullopt;
  }
  const std::vector<std::string> where = {called_module(sites[0]), called_module(sites[1])};
  jit::Value* first = sites[0].node->input(0);
  jit::Value* second = sites[1].node->input(0);
  if (!second->node()->isBefore(sites[0].node)) {
    return std::nullopt;
  }
  sites[0].node->replaceInput(0, second);
  sites[1].node->replaceInput(0, first);
  return Mutated{where, where[1] + " is run before " + where[0]};
}

}  // namespace

std::vector<MutationEntry> structure_mutations() {
  return {
      site_mutation("layer_skipped", "one layer is not run", is_layer_call, skip_layer),
      site_mutation("layer_repeated", "one layer is run twice", is_layer_call, repeat_layer),
      {{"layers_reordered", "two layers are run in the wrong order", MutationKind::kCode, ShownBy::kFile},
       reorder_layers,
       nullptr},
  };
}

}  // namespace bertjit
