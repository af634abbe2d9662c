#include "trial/module_state.h"

#include <ATen/core/grad_mode.h>

namespace bertjit {

namespace {

/// What is appended to a list stays out of its copy.
c10::IValue shallow_copy(const c10::IValue& value) {
  if (value.isList()) {
    return value.toList().copy();
  }
  return value.isGenericDict() ? c10::IValue(value.toGenericDict().copy()) : value;
}

}  // namespace

int64_t version_of(const at::Tensor& tensor) {
  return tensor.is_inference() ? 0 : static_cast<int64_t>(tensor._version());
}

ModuleState::ModuleState(const torch::jit::Module& module) {
  const at::NoGradGuard no_grad;
  for (const at::Tensor& buffer : module.buffers()) {
    if (buffer.defined()) {
      buffers_.push_back({buffer, buffer.detach().clone(), version_of(buffer)});
    }
  }
  for (const auto& submodule : module.modules()) {
    const auto object = submodule._ivalue();
    for (size_t slot = 0; slot < object->type()->numAttributes(); ++slot) {
      const c10::IValue& value = object->getSlot(slot);
      if (!value.isObject()) {
        attributes_.push_back({object, slot, shallow_copy(value)});
      }
    }
  }
}

void ModuleState::put_back() {
  const at::NoGradGuard no_grad;
  for (const Attribute& attribute : attributes_) {
    attribute.object->setSlot(attribute.slot, shallow_copy(attribute.value));
  }
  for (Buffer& buffer : buffers_) {
    if (version_of(buffer.tensor) != buffer.version) {
      buffer.tensor.copy_(buffer.copy);
      buffer.version = version_of(buffer.tensor);
    }
  }
}

}  // namespace bertjit
