#include "verify/check.h"

namespace bertjit {

CheckResult skipped(const std::string& id, const std::string& reason) {
  return {id, Verdict::kSkip, reason, "", {}};
}

InputCheckOptions source_comparison(const VerifyContext& context) {
  return {.record = {.grad = GradMode::kOff},
          .retrace = Retrace::kNo,
          .tolerance = context.tolerance,
          .ignore_nesting = !context.source->is_program()};
}

std::vector<at::Tensor> output_tensors(const c10::IValue& outputs) {
  std::vector<at::Tensor> tensors;
  for (const auto& leaf : flatten_outputs(outputs)) {
    if (leaf.value.isTensor()) {
      tensors.push_back(leaf.value.toTensor());
    }
  }
  return tensors;
}

}  // namespace bertjit
