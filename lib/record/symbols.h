// What a recording knows of numbers: which tensor of the trace stands for them, and whether they come from an input.
//
// While torch.jit.trace runs, Python's `x.size(0)` is a 0-dim tensor that remembers where it comes from. A number of
// TorchScript's IR cannot, so each is given the id of a symbol that does. Lists are shared and changed in place; what
// stands for their elements is kept by the list's identity.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "record/slot.h"

namespace bertjit {

class Symbols {
 public:
  struct Symbol {
    at::Tensor tensor;     ///< 0-dim, in the trace; undefined: the number is a constant there
    bool depends = false;  ///< it comes from an input
  };

  Symbols();

  /// A new symbol for `tensor`; the same one for the same tensor.
  int64_t add(const at::Tensor& tensor, bool depends);
  /// The symbol of a number that comes from an input and is a constant in the trace.
  int64_t lost() const {
    return 1;
  }
  const Symbol& at(int64_t id) const {
    return symbols_[static_cast<size_t>(id)];
  }
  bool has_tensor(const Slot& slot) const {
    return at(slot.symbol).tensor.defined();
  }
  bool depends(const Slot& slot) const {
    return at(slot.symbol).depends;
  }
  /// The symbol that `tensor` is; 0 if it is none.
  int64_t of(const at::Tensor& tensor) const;
  /// `tensor` was changed: it is no symbol any more.
  void forget(const at::Tensor& tensor);

  /// The ids of a list's or tuple's elements, 0 for those that are plain numbers; empty if all are.
  std::vector<int64_t> elements(const c10::IValue& container) const;
  void set_elements(const c10::IValue& container, const std::vector<int64_t>& ids);
  /// A list of the ids that can be worked on in place of the list itself; made if there is none yet.
  c10::IValue shadow(const c10::IValue& list);
  void set_shadow(const c10::IValue& list, const c10::IValue& shadow);
  /// Whether an element has a symbol that depends on an input.
  bool any_element_depends(const c10::IValue& container) const;

  /// Notes that `list` is as long as an input makes it: unbind(x), [0] * len(x).
  void mark_length(const c10::IValue& list);
  bool length_depends(const c10::IValue& value) const {
    return value.isList() && lengths_.contains(value.internalToPointer());
  }

 private:
  struct Elements {
    c10::IValue container;  ///< held so that its address is not another's
    c10::impl::GenericList ids;
  };

  std::vector<Symbol> symbols_;
  std::unordered_map<const void*, int64_t> of_tensor_;
  std::unordered_map<const void*, Elements> elements_;
  std::unordered_map<const void*, c10::IValue> lengths_;  ///< lists, held as in Elements
};

/// Which tensors of a recording were computed from an input.
class Dependence {
 public:
  bool depends(const at::Tensor& tensor) const;
  /// Whether any tensor in `value` does; lists, tuples and dicts are looked into.
  bool any_depends(const c10::IValue& value) const;
  /// `tensor` and all that share its memory.
  void mark_storage(const at::Tensor& tensor);
  /// `tensor` alone: a part of something that does not depend, chosen by what does.
  void mark_tensor(const at::Tensor& tensor);

 private:
  std::unordered_map<const void*, c10::weak_intrusive_ptr<c10::StorageImpl>> storages_;
  std::unordered_map<const void*, c10::weak_intrusive_ptr<c10::TensorImpl, at::UndefinedTensorImpl>> tensors_;
};

/// Every tensor in `value`: itself, or the elements of lists, tuples and dicts.
std::vector<at::Tensor> tensors_in(const c10::IValue& value);

/// Where a tensor's numbers are; the tensor itself for one without a storage.
const void* memory_of(const at::Tensor& tensor);

}  // namespace bertjit
