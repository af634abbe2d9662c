#include "trial/trial.h"

#include <exception>

#include <ATen/core/grad_mode.h>

namespace bertjit {

namespace {

/// All tensors within, depth first.
std::vector<at::Tensor> tensors_in(const c10::IValue& value) {
  std::vector<at::Tensor> tensors;
  value.visit([&tensors](const c10::IValue& item) {
    if (item.isTensor() && item.toTensor().defined()) {
      tensors.push_back(item.toTensor());
    }
    return false;
  });
  return tensors;
}

std::vector<int64_t> versions_in(const c10::IValue& value) {
  std::vector<int64_t> versions;
  for (const at::Tensor& tensor : tensors_in(value)) {
    versions.push_back(version_of(tensor));
  }
  return versions;
}

}  // namespace

BoundBatch copy_batch(const BoundBatch& batch) {
  const at::NoGradGuard no_grad;
  BoundBatch copy = batch;
  c10::IValue::HashIdentityIValueMap memo;  // one tensor given twice stays one
  for (c10::IValue& value : copy.values) {
    const std::vector<at::Tensor> originals = tensors_in(value);
    value = value.deepcopy(memo);
    const std::vector<at::Tensor> copies = tensors_in(value);
    for (size_t i = 0; i < originals.size() && i < copies.size(); ++i) {
      copies[i].requires_grad_(originals[i].requires_grad());
    }
  }
  return copy;
}

Trial::Trial(const torch::jit::Module& module, const RandomState& state) : state_(state) {
  watch(module);
}

void Trial::watch(const torch::jit::Module& module) {
  modules_.emplace_back(module);
}

Outcome Trial::run(const BoundBatch& batch, const std::function<c10::IValue(const BoundBatch&)>& call) {
  Outcome outcome;
  const BoundBatch copy = copy_batch(batch);
  std::vector<std::vector<int64_t>> before;
  for (const c10::IValue& value : copy.values) {
    before.push_back(versions_in(value));
  }
  state_.restore();
  try {
    outcome.outputs = call(copy);
  } catch (const std::exception& error) {
    outcome.error = error.what();
  }
  drew_ = !state_.is_current();
  for (ModuleState& module : modules_) {
    module.put_back();
  }
  for (size_t i = 0; i < copy.values.size(); ++i) {
    const c10::IValue& value = copy.values[i];
    outcome.changed.push_back(versions_in(value) != before[i] || value.isList() || value.isGenericDict());
  }
  outcome.inputs = copy.values;
  return outcome;
}

}  // namespace bertjit
