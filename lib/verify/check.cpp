#include "verify/check.h"

namespace bertjit {

CheckResult skipped(const std::string& id, const std::string& reason) {
  return {id, Verdict::kSkip, reason, "", {}};
}

c10::IValue run_source(const VerifyContext& context, const BoundBatch& batch) {
  Batch named{batch.origin, {}};
  for (size_t i = 0; i < batch.values.size(); ++i) {
    named.values.push_back({context.module.signature().inputs[i].name, batch.values[i]});
  }
  EagerRunner source(*context.source->model, context.source->name);
  return source.run_on_copy(source.bind(named), GradMode::kOff);
}

OutputDifference compare_with_source(const VerifyContext& context, const BoundBatch& batch, const c10::IValue& actual) {
  const auto flat = [](const c10::IValue& outputs) {
    std::vector<c10::IValue> values;
    for (const auto& leaf : flatten_outputs(outputs)) {
      values.push_back(leaf.value);
    }
    return c10::ivalue::Tuple::create(std::move(values));
  };
  return compare_named(flat(run_source(context, batch)), flat(actual), context.module.output_names(),
                       context.tolerance);
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
