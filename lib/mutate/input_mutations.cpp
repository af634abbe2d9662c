// What is done with the arguments of forward before the network sees them.
#include <ATen/ATen.h>

#include "mutate/graph_sites.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// The argument of the root's forward with that name; nullptr if there is none.
jit::Value* find_argument(const LoadedModule& loaded, const std::string& name) {
  const auto method = loaded.module.get_method("forward");
  const auto& arguments = method.function().getSchema().arguments();
  for (size_t i = 1; i < arguments.size(); ++i) {
    if (arguments[i].name() == name) {
      return method.graph()->inputs()[i];
    }
  }
  return nullptr;
}

/// A mutation that puts another value in the place of an argument, everywhere.
MutationEntry argument_mutation(const char* name, const char* description, const char* argument,
                                std::function<jit::Value*(jit::Graph&, jit::Value*, const MutateOptions&)> edit) {
  return {{name, description, MutationKind::kCode, ShownBy::kFile},
          [=](Workpiece& work) -> std::optional<Mutated> {
            jit::Value* value = find_argument(work.loaded, argument);
            if (value == nullptr) {
              return std::nullopt;
            }
            edit_argument(*forward_graph(work.loaded.module), value, [&](jit::Graph& graph, jit::Value* old_value) {
              return edit(graph, old_value, work.options);
            });
            return Mutated{{""}, description};
          },
          nullptr};
}

/// Whoever read one argument reads the other.
std::optional<Mutated> swap_arguments(Workpiece& work) {
  jit::Value* mask = find_argument(work.loaded, "attention_mask");
  jit::Value* segments = find_argument(work.loaded, "token_type_ids");
  if (mask == nullptr || segments == nullptr) {
    return std::nullopt;
  }
  const auto mask_uses = mask->uses();
  const auto segment_uses = segments->uses();
  for (const auto& use : mask_uses) {
    use.user->replaceInput(use.offset, segments);
  }
  for (const auto& use : segment_uses) {
    use.user->replaceInput(use.offset, mask);
  }
  return Mutated{{""}, "attention_mask and token_type_ids exchanged"};
}

/// The last thing that forward does is to clear what it was given.
std::optional<Mutated> change_argument(Workpiece& work) {
  const std::shared_ptr<jit::Graph> graph = forward_graph(work.loaded.module);
  std::vector<jit::Value*> tensors;
  for (jit::Value* input : graph->inputs()) {
    if (is_tensor(input)) {
      tensors.push_back(input);
    }
  }
  if (tensors.empty()) {
    return std::nullopt;
  }
  const jit::WithInsertPoint guard(graph->return_node());
  call(*graph, "zero_", {work.dice.one_of(tensors)});
  return Mutated{{""}, "an argument is set to zero"};
}

}  // namespace

std::vector<MutationEntry> input_mutations() {
  return {
      argument_mutation(
          "mask_ignored", "attention_mask is not used", "attention_mask",
          [](jit::Graph& graph, jit::Value* mask, const MutateOptions&) { return call(graph, "ones_like", {mask}); }),
      argument_mutation("mask_inverted", "attention_mask means the opposite", "attention_mask",
                        [](jit::Graph& graph, jit::Value* mask, const MutateOptions&) {
                          return call(graph, "rsub", {mask, 1});
                        }),
      argument_mutation("mask_baked", "the example's attention_mask is a constant", "attention_mask",
                        [](jit::Graph& graph, jit::Value*, const MutateOptions& options) {
                          return graph.insertConstant(at::ones({options.batch, options.length}, at::kLong));
                        }),
      argument_mutation("segments_ignored", "token_type_ids are not used", "token_type_ids",
                        [](jit::Graph& graph, jit::Value* segments, const MutateOptions&) {
                          return call(graph, "zeros_like", {segments});
                        }),
      argument_mutation("vocabulary_cut", "ids from 40 on are taken for 39", "input_ids",
                        [](jit::Graph& graph, jit::Value* ids, const MutateOptions&) {
                          return call(graph, "clamp", {ids, 0, 39});
                        }),
      {{"arguments_swapped", "mask and segments are taken for one another", MutationKind::kCode, ShownBy::kFile},
       swap_arguments,
       nullptr},
      {{"argument_changed", "an argument is changed in place", MutationKind::kCode, ShownBy::kFile},
       change_argument,
       nullptr},
  };
}

}  // namespace bertjit
