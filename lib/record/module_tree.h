// A copy of a module's tree for a recording: the same names, attributes and tensors, without methods.
//
// The tracer adds a method to each submodule that works. It needs classes of its own for that, as torch.jit.trace makes
// them for a Python module: one for each instance, named as the original and mangled where the name is taken.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

class ModuleTree {
 public:
  /// Copies `root` into `unit`. Submodules of `whole_types` are taken over as they are.
  ModuleTree(const torch::jit::Module& root, const std::unordered_set<const c10::ClassType*>& whole_types,
             const std::shared_ptr<torch::jit::CompilationUnit>& unit);

  const torch::jit::Module& root() const {
    return root_;
  }
  /// The class whose methods a copied object's are; `type` itself if it is no copy's.
  const c10::ClassType& original(const c10::ClassType& type) const;
  /// The scope of a copied submodule in a trace, "__module.encoder.layer"; nullptr for the root and for what is no
  /// copy.
  const std::string* scope(const c10::ivalue::Object& object) const;

 private:
  torch::jit::Module copy(const torch::jit::Module& module, const std::string& scope);
  void copy_attribute(const torch::jit::Module& from, torch::jit::Module& to, size_t slot, const std::string& scope);

  const std::unordered_set<const c10::ClassType*>& whole_types_;
  std::shared_ptr<torch::jit::CompilationUnit> unit_;
  std::unordered_map<const c10::ivalue::Object*, torch::jit::Module> copies_;
  std::unordered_map<const c10::ClassType*, c10::ClassTypePtr> originals_;
  std::unordered_map<const c10::ivalue::Object*, std::string> scopes_;
  torch::jit::Module root_;
};

/// Puts a tree's buffers back to what they were, at the end of the scope: a run in training mode changes statistics.
class BufferGuard {
 public:
  explicit BufferGuard(const torch::jit::Module& module);
  ~BufferGuard();
  BufferGuard(const BufferGuard&) = delete;
  BufferGuard& operator=(const BufferGuard&) = delete;

 private:
  struct Buffer {
    at::Tensor tensor;
    at::Tensor value;
  };
  std::vector<Buffer> buffers_;
};

}  // namespace bertjit
