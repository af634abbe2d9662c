// Walking a module's graphs call by call, knowing which values are modules and which are tensors of modules.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>
#include <torch/csrc/jit/ir/ir.h>

#include "quantize/layers.h"

namespace bertjit {

/// What is known of a value before anything is run.
struct KnownValue {
  c10::IValue value;  ///< module or tensor; None where nothing is known
  ModuleObject owner;
  std::string attribute;
  bool transposed = false;  ///< with respect to `value`
};
using KnownValues = std::unordered_map<const torch::jit::Value*, KnownValue>;

/// Called once for each graph and object that it is run for, after what the graph itself calls.
using GraphVisitor = std::function<void(torch::jit::Graph& graph, const ModuleObject& self, const KnownValues& known)>;
using ReadVisitor = std::function<void(const ModuleObject& owner, const std::string& attribute)>;

class CodeWalk {
 public:
  explicit CodeWalk(GraphVisitor visitor, ReadVisitor reader = {})
      : visitor_(std::move(visitor)), reader_(std::move(reader)) {}

  /// Walks `method` of `self` and what it calls. Arguments are unknown.
  void walk(torch::jit::Function& method, const ModuleObject& self);

 private:
  void enter(torch::jit::Function& method, const ModuleObject& self, std::vector<KnownValue> arguments);
  void walk_block(torch::jit::Block& block, KnownValues& known);
  void walk_node(torch::jit::Node& node, KnownValues& known);
  void call(torch::jit::Node& node, KnownValues& known);

  GraphVisitor visitor_;
  ReadVisitor reader_;
  /// Graphs with the objects and tensors they were handed: one call is enough of each.
  std::set<std::vector<const void*>> seen_;
};

/// The nodes of a graph, those of branches and loops after what they hang on.
std::vector<torch::jit::Node*> all_nodes(torch::jit::Block& block);

}  // namespace bertjit
