// The walk over TorchScript's IR while libtorch's tracer looks on.
//
// What goes through libtorch's dispatcher is recorded by the tracer itself, which knows tensors by identity. The rest
// is here: numbers that come from sizes (symbols.h), scopes of submodules, calls of whole functions, source lines, and
// a note of everything that a trace cannot keep (finding.h).
#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <torch/csrc/jit/frontend/tracer.h>

#include "record/execution.h"
#include "record/findings.h"
#include "record/module_tree.h"
#include "record/program.h"
#include "record/record.h"
#include "record/symbols.h"

namespace bertjit {

class Recorder : public Execution {
 public:
  /// Borrows all. `unit` takes copies of the whole functions that are called.
  Recorder(const Program& program, const RecordOptions& options, const ModuleTree* tree,
           const std::shared_ptr<torch::jit::CompilationUnit>& unit, Findings& findings);
  ~Recorder() override;

  /// Inside tracer::trace: runs the program on all of its arguments (self is the tree's), those at `inputs` being the
  /// graph's -> what the graph shall return.
  c10::IValue record(Slots arguments, const std::vector<size_t>& inputs);

  /// Tensors that the program's text writes out.
  const std::vector<at::Tensor>& literals() const {
    return literals_;
  }

 protected:
  Slots apply(const torch::jit::Node& node, Slots inputs) override;
  Slot call_function(torch::jit::Function& function, Slots arguments) override;
  Slot call_method(const std::string& name, Slots arguments) override;
  void set_attribute(const c10::intrusive_ptr<c10::ivalue::Object>& object, const std::string& name,
                     const Slot& value) override;
  void branched(const torch::jit::Node& node, const Slot& condition) override;
  void looped(const torch::jit::Node& node, const Slots& decisions, int64_t turns) override;
  torch::jit::Function& method_of(const c10::ivalue::Object& object, const std::string& name) override;

 private:
  // recorder.cpp: operators that the tracer records
  static void on_node(torch::jit::Node* node);
  void describe_node(torch::jit::Node* node);
  void count_nodes();
  Slots apply_recorded(const torch::jit::Node& node, Slots inputs);
  void note_mutations(const c10::FunctionSchema& schema, const Slots& inputs);
  void keep_literal(const at::Tensor& about_to_change);
  void note_outputs(const Slots& inputs, Slots& outputs, bool depends);
  void note_length(const torch::jit::Node& node, const Slots& inputs, const Slots& outputs);
  void finish_outputs(const c10::IValue& outputs);
  c10::IValue output_value(const Slot& slot);
  SourcePlace return_place() const;
  SourcePlace element_place(size_t i, size_t count) const;
  void protect_constants();
  bool any_depends(const Slots& slots) const;
  void find(FindingKind kind, const std::string& detail);

  // recorder_arguments.cpp: numbers of the trace as arguments
  struct Argument {
    std::string name;
    c10::IValue number;                      ///< int, float or list
    std::vector<torch::jit::Value*> values;  ///< what stands for it, or for its elements that are symbols
    bool stashed;                            ///< else it is put in by hand
  };
  std::vector<Argument> stash_arguments(const c10::FunctionSchema& schema, const Slots& inputs);
  void stash_list(Argument& argument);
  void settle_arguments(std::vector<Argument>& arguments);
  static void drain_arguments(const std::vector<Argument>& arguments);
  static torch::jit::Value* drain(const Argument& argument, torch::jit::Node* before);
  std::pair<torch::jit::Node*, size_t> recorded_input(const std::string& name) const;
  bool has_tensor_elements(const c10::IValue& list) const;
  std::optional<c10::OperatorHandle> with_tensor_argument(const torch::jit::Node& node, Slots& inputs);
  bool is_literal(const c10::IValue& value) const;
  std::optional<Slots> start_difference(const torch::jit::Node& node, const Slots& inputs);
  torch::jit::Value* number_value(const Slot& slot);
  torch::jit::Value* value_of(const Slot& slot);

  // recorder_numbers.cpp: what is done with numbers
  std::optional<Slots> apply_size(const torch::jit::Node& node, const Slots& inputs);
  std::optional<Slots> apply_conversion(const torch::jit::Node& node, const Slots& inputs);
  std::optional<Slots> apply_container(const torch::jit::Node& node, const Slots& inputs);
  std::optional<Slots> apply_list_operator(const torch::jit::Node& node, const Slots& inputs);
  Slots apply_new_tensor(const torch::jit::Node& node, const Slots& inputs);
  Slots apply_unrecorded(const torch::jit::Node& node, const Slots& inputs);
  std::optional<at::Tensor> arithmetic(const torch::jit::Node& node, const Slots& inputs, const c10::IValue& result);
  Slot number_of_tensor(const torch::jit::Node& node, const Slot& input, c10::IValue number);
  Slot symbol(const at::Tensor& tensor, c10::IValue number, bool depends);

  // recorder_calls.cpp: calls of whole functions
  Slot call_whole(torch::jit::Function& function, const std::optional<std::string>& method, Slots arguments);
  torch::jit::Function* adopt(torch::jit::Function& function);
  void adopt_calls(torch::jit::Block& block);
  int64_t bind(const c10::IValue& result, torch::jit::Value* value, bool depends);

  const Program& program_;
  const RecordOptions& options_;
  const ModuleTree* tree_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  Findings& findings_;
  Symbols symbols_;
  Dependence dependence_;
  std::unordered_map<const torch::jit::Function*, torch::jit::Function*> adopted_;
  std::vector<torch::jit::Node*> new_nodes_;  ///< recorded since the operator at work began
  size_t node_count_ = 0;
  std::unordered_set<const void*> input_memory_;
  std::unordered_set<const void*> changed_memory_;
  std::vector<at::Tensor> literals_;                          ///< tensors that the program's text writes out
  at::Tensor negated_;                                        ///< -x of a difference 2 - x that is being made
  at::Tensor not_negated_;                                    ///< its x
  std::unordered_map<const void*, at::Tensor> first_values_;  ///< of literals that were changed, by memory
};

}  // namespace bertjit
