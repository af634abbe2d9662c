// The tree of torch::jit::Modules that a network's parameters live in, and the scopes that put it into a trace.
//
// A trace shows `(self.encoder).forward(x)` instead of one flat list of operators if every submodule's work is done
// between push_scope("__module.encoder") and pop_scope(); libtorch's FixupTraceScopeBlocks then makes each submodule's
// `forward`. It is what torch.nn.Module._slow_forward does in Python while torch.jit.trace runs.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "checkpoint/weights.h"

namespace bertjit {

/// What is shared by all nodes of one tree while it is built.
struct TreeContext {
  std::shared_ptr<torch::jit::CompilationUnit> unit;
  Weights* weights;
};

/// A submodule's place under another node, dotted, and its class there: {"attention.self", "BertSelfAttention"}.
struct Place {
  std::string path;
  std::string class_name;
};

/// What becomes of a tensor that is not learned.
enum class Constant {
  kParameter,  ///< a parameter that does not require grad
  kBuffer,
};

/// One submodule: its place in the tree, and its torch::jit::Module.
///
/// Every node gets a class of its own (mangled when the name is taken), as torch.jit.trace does: two layers of one
/// network may have different code.
class Node {
 public:
  /// The root. `type_name` is the reference class with its Python module, e.g.
  /// "transformers.models.bert.modeling_bert.BertModel".
  Node(const TreeContext& context, const std::string& type_name);

  /// The submodule `name`, made if it is not there yet.
  Node child(const std::string& name, const std::string& type_name) const;
  /// A child whose class stands beside this node's own (same Python module).
  Node sibling_class(const std::string& name, const std::string& class_name) const;
  /// The submodule at a dotted path ("attention.output.dense"). What lies between is made as a plain
  /// torch.nn.ModuleList where it is not there yet.
  Node at(const std::string& path, const std::string& type_name) const;
  /// The same with a class that stands beside this node's own.
  Node at(const Place& place) const;

  /// Registers the parameter `name` under this node, with the checkpoint's values; it requires grad, as in Python.
  at::Tensor parameter(const std::string& name, at::IntArrayRef shape, Init init) const;
  /// Registers an existing tensor as parameter `name`.
  void adopt(const std::string& name, const at::Tensor& tensor) const;
  /// Registers the tensor `name`, which is not learned: the checkpoint's where it holds one, else `otherwise`.
  at::Tensor constant(const std::string& name, const at::Tensor& otherwise, Constant kind) const;
  /// Whether the checkpoint holds the parameter `name` of this node.
  bool has_parameter(const std::string& name) const;

  /// Dotted path from the root, empty for the root itself: "encoder.layer.0".
  const std::string& path() const {
    return path_;
  }
  const torch::jit::Module& module() const {
    return module_;
  }

 private:
  Node(const TreeContext& context, std::string path, const std::string& type_name);
  Node(const TreeContext& context, std::string path, const std::string& type_name, torch::jit::Module module);
  std::string full_name(const std::string& name) const;

  TreeContext context_;
  std::string path_;
  std::string type_name_;
  torch::jit::Module module_;
};

/// Puts what runs during its life under the scope of a node, where a trace is being recorded.
class Scope {
 public:
  explicit Scope(const Node& node);
  ~Scope();
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

  /// Goes on under `node`, which is this scope's own node or lies below it, and under every submodule between the two.
  /// A submodule that is left and entered again becomes two calls in the trace.
  void enter(const Node& node);
  /// The same for the submodule that holds `node`.
  void enter_parent(const Node& node);

 private:
  void enter_path(const std::string& path);
  void push(const std::string& path);
  void pop();

  std::string base_;
  std::vector<std::string> pushed_;  ///< paths, outermost first
};

/// The parameters and buffers of a tree that exists already, under their names there.
class ExistingWeights : public Weights {
 public:
  explicit ExistingWeights(const torch::jit::Module& module);

  at::Tensor take(const std::string& name, at::IntArrayRef shape, Init init) override;
  bool has(const std::string& name) const override;

 private:
  std::map<std::string, at::Tensor> tensors_;
};

}  // namespace bertjit
