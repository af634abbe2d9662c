// The code of a module as one graph, without calls, and what its values are: attributes, numbers, tensors.
//
// A file under judgement may be made to be expensive: how large the graph becomes is known before a call is inlined.
// Nothing of it is run.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

/// Operators and values of TorchScript code; a Node is a part of a network here.
using CodeNode = torch::jit::Node;
using CodeValue = torch::jit::Value;

/// Dots, and what libtorch adds to a name that is taken, removed: "__torch__.a.b.___torch_mangle_7.BertModel" is
/// "BertModel".
std::string plain_class_name(const c10::ClassType& type);

/// An operator's name without "aten::" and without the underscore of one that works in place: "add".
std::string_view operator_name(const CodeNode& node);

class ModuleCode {
 public:
  /// Inlines a copy of `forward`. Throws Error(kUnsupported) if there is none, it calls what is not TorchScript, or it
  /// would have more than a million operators.
  explicit ModuleCode(const torch::jit::Module& module);

  const torch::jit::Graph& graph() const {
    return *graph_;
  }
  /// Every operator in the order of the code, those of branches and loops after what they hang on.
  const std::vector<const CodeNode*>& nodes() const {
    return nodes_;
  }
  /// Arguments of forward, without self.
  std::vector<const CodeValue*> arguments() const;
  /// What forward returns, tuples and dictionaries taken apart. Empty where that cannot be seen.
  const std::vector<const CodeValue*>& results() const {
    return results_;
  }
  /// How many tensors each nested tuple among the results has, by the index of its first; plain results are not in it.
  const std::unordered_map<size_t, size_t>& result_groups() const {
    return result_groups_;
  }

  /// The attribute that a value is, dotted from the root ("encoder.layer.0.output.dense.weight"), also behind
  /// transposes and casts; empty if it is none.
  std::string attribute(const CodeValue* value) const;
  /// The tensor that a value is: attribute or constant; undefined if it is none.
  at::Tensor tensor(const CodeValue* value) const;
  /// The number that a value is: a constant, a tensor of one element, or simple arithmetic on these.
  std::optional<double> number(const CodeValue* value) const;
  /// The same if it is a whole number that fits; what a file holds need be neither.
  std::optional<int64_t> whole_number(const CodeValue* value) const;

 private:
  void collect(const torch::jit::Block& block);
  void collect_results(const CodeValue* value, int depth);
  std::optional<double> number(const CodeValue* value, int depth) const;

  torch::jit::Module module_;
  std::shared_ptr<torch::jit::Graph> graph_;
  std::vector<const CodeNode*> nodes_;
  std::vector<const CodeValue*> results_;
  std::unordered_map<size_t, size_t> result_groups_;
  std::unordered_map<const CodeValue*, std::string> attributes_;
};

/// Where a tensor comes from if only shape, dtype or dropout lie between: weights through transposes, activations
/// through views. Stops at what is none of these.
const CodeValue* behind_views(const CodeValue* value);

}  // namespace bertjit
