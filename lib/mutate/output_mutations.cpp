// What forward returns.
#include <torch/csrc/jit/api/function_impl.h>

#include "mutate/graph_sites.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// The tuple that the root returns; nullptr if it returns something else.
jit::Node* returned_tuple(const LoadedModule& loaded) {
  jit::Node* node = forward_graph(loaded.module)->outputs()[0]->node();
  return node->kind() == c10::prim::TupleConstruct ? node : nullptr;
}

/// After the tuple's items changed: its type, and forward's.
void set_returned_type(const LoadedModule& loaded, jit::Node& tuple) {
  std::vector<c10::TypePtr> types;
  for (const jit::Value* item : tuple.inputs()) {
    types.push_back(item->type());
  }
  tuple.output()->setType(c10::TupleType::create(types));
  torch::jit::Function& forward = loaded.module.get_method("forward").function();
  forward.setSchema(forward.getSchema().cloneWithReturns({c10::Argument("", tuple.output()->type())}));
}

/// Changes the first tensor that forward returns, alone or in a tuple.
MutationEntry first_output_mutation(const char* name, const char* description, ValueEdit edit) {
  return {{name, description, MutationKind::kCode, ShownBy::kFile},
          [=](Workpiece& work) -> std::optional<Mutated> {
            const std::shared_ptr<jit::Graph> graph = forward_graph(work.loaded.module);
            jit::Node* tuple = returned_tuple(work.loaded);
            jit::Node* reader = tuple != nullptr ? tuple : graph->return_node();
            if (reader->inputs().empty() || !is_tensor(reader->input(0))) {
              return std::nullopt;
            }
            const jit::WithInsertPoint guard(reader);
            reader->replaceInput(0, edit(*graph, reader->input(0)));
            return Mutated{{""}, description};
          },
          nullptr};
}

/// A mutation of the items of the tuple, where there are at least two.
MutationEntry tuple_mutation(const char* name, const char* description, void (*edit)(jit::Node& tuple)) {
  return {{name, description, MutationKind::kCode, ShownBy::kFile},
          [=](Workpiece& work) -> std::optional<Mutated> {
            jit::Node* tuple = returned_tuple(work.loaded);
            if (tuple == nullptr || tuple->inputs().size() < 2) {
              return std::nullopt;
            }
            edit(*tuple);
            set_returned_type(work.loaded, *tuple);
            return Mutated{{""}, description};
          },
          nullptr};
}

void swap_first_two(jit::Node& tuple) {
  jit::Value* first = tuple.input(0);
  tuple.replaceInput(0, tuple.input(1));
  tuple.replaceInput(1, first);
}

void drop_last(jit::Node& tuple) {
  tuple.removeInput(tuple.inputs().size() - 1);
}

}  // namespace

std::vector<MutationEntry> output_mutations() {
  return {
      first_output_mutation("output_half", "the first output is cast to float16",
                            [](jit::Graph& graph, jit::Value* value) {
                              return call(graph, "to", {value, static_cast<int64_t>(at::kHalf)});
                            }),
      first_output_mutation("output_shifted", "a hundredth is added to the first output",
                            [](jit::Graph& graph, jit::Value* value) {
                              return call(graph, "add", {value, 0.01});
                            }),
      first_output_mutation("output_softmax", "the first output goes through a softmax",
                            [](jit::Graph& graph, jit::Value* value) {
                              return call(graph, "softmax", {value, -1});
                            }),
      tuple_mutation("outputs_swapped", "the first two outputs exchanged", swap_first_two),
      tuple_mutation("output_dropped", "the last output is missing", drop_last),
  };
}

}  // namespace bertjit
