// What a module keeps between runs: buffers and attributes, to go back to.
#pragma once

#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// Counts changes in place; tensors made in inference mode do not.
int64_t version_of(const at::Tensor& tensor);

/// The state of a tree of modules at the time of construction: copies of its buffers, and which values its attributes
/// have. Parameters that are changed in place, and tensors within lists and dicts, are not watched.
///
/// Not to be held while the module is saved: libtorch writes what is referred to more than once in other bytes.
class ModuleState {
 public:
  explicit ModuleState(const torch::jit::Module& module);

  /// Copies back buffers that were changed in place, and sets attributes that were assigned.
  void put_back();

 private:
  struct Buffer {
    at::Tensor tensor;
    at::Tensor copy;
    int64_t version;
  };
  struct Attribute {
    c10::intrusive_ptr<c10::ivalue::Object> object;
    size_t slot;
    c10::IValue value;
  };

  std::vector<Buffer> buffers_;
  std::vector<Attribute> attributes_;
};

}  // namespace bertjit
