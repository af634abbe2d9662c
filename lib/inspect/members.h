// The tensors, attributes and submodules of a module, in the file's order.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>
#include <torch/csrc/jit/api/module.h>

#include "inspect/inspect_result.h"

namespace bertjit {

/// A tensor under its dotted name.
struct NamedMember {
  std::string name;
  DescribedTensor::Kind kind;
  at::Tensor tensor;
};

/// Parameters and buffers in the order of Python's state_dict(): of each module first the parameters, then the buffers,
/// then what quantized layers keep packed, then those of its children. With kAll, other tensor attributes after the
/// buffers. With kStored, what a file has storages for under a name: those, without packed ones, and the tensors in
/// lists, tuples and dicts.
enum class Members { kWeights, kAll, kStored };
std::vector<NamedMember> named_members(const torch::jit::Module& module, Members which);

/// Remembers which storage was seen first under which name.
class SeenStorages {
 public:
  /// The earlier name of `tensor`'s storage; empty, and `name` is remembered, if there is none.
  std::string earlier_name(const at::Tensor& tensor, const std::string& name);

 private:
  std::unordered_map<const void*, std::string> names_;
};

/// Elements times bytes of one, without what the storage holds beside.
uint64_t tensor_bytes(const at::Tensor& tensor);
/// "float32", "quint8".
std::string scalar_type_name(const at::Tensor& tensor);

DescribedTensor describe_member(const NamedMember& member, SeenStorages& seen);

/// Every parameter, buffer and packed weight, in the order of state_dict().
std::vector<DescribedTensor> describe_state(const torch::jit::Module& module);

/// The whole tree.
DescribedModule describe_tree(const torch::jit::Module& module);

/// Parameters, packed weights and buffers of `module`, shared ones once.
struct StateSize {
  int64_t parameter_count = 0;
  uint64_t size_bytes = 0;
};
StateSize state_size(const torch::jit::Module& module);

/// "None", "'text'", "[1, 2]": as Python writes it; empty for what has no short literal.
std::string short_literal(const c10::IValue& value);

}  // namespace bertjit
