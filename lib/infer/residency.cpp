#include "infer/residency.h"

#include <memory>
#include <span>
#include <vector>

#include <ATen/ATen.h>

#include "support/file.h"

namespace bertjit {

namespace {

// Smaller weights are not worth a system call.
constexpr size_t kLargeBytes = 1u << 20;

/// The memory of an operator's large inputs; the inputs themselves are gone when it ends.
struct LargeInputs : at::ObserverContext {
  std::vector<std::span<const std::byte>> bytes;
};

std::unique_ptr<at::ObserverContext> note_inputs(const at::RecordFunction& function) {
  auto large = std::make_unique<LargeInputs>();
  for (const c10::IValue& input : function.inputs()) {
    if (input.isTensor() && input.toTensor().defined() && input.toTensor().has_storage() &&
        input.toTensor().nbytes() >= kLargeBytes) {
      const at::Tensor& tensor = input.toTensor();
      large->bytes.emplace_back(static_cast<const std::byte*>(tensor.const_data_ptr()), tensor.nbytes());
    }
  }
  return large;
}

void release_inputs(const at::RecordFunction&, at::ObserverContext* context) {
  for (const auto bytes : static_cast<LargeInputs*>(context)->bytes) {
    release_mapped_pages(bytes);
  }
}

}  // namespace

ResidencyGuard::ResidencyGuard()
    : handle_(at::addGlobalCallback(at::RecordFunctionCallback(note_inputs, release_inputs)
                                        .needsInputs(true)
                                        .scopes({at::RecordScope::FUNCTION}))) {}

ResidencyGuard::~ResidencyGuard() {
  at::removeCallback(handle_);
}

}  // namespace bertjit
