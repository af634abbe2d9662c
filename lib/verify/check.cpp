#include "verify/check.h"

#include <cmath>
#include <cstdio>

namespace bertjit {

CheckResult skipped(const std::string& id, const std::string& reason) {
  return {id, Verdict::kSkip, reason, "", {}};
}

OutputDifference compare_named(const c10::IValue& expected, const c10::IValue& actual,
                               const std::vector<std::string>& names, const Tolerance& tolerance) {
  OutputsComparison comparison = compare_outputs(expected, actual, tolerance);
  OutputDifference difference;
  difference.matches = comparison.matches;
  difference.elements = comparison.elements;
  for (size_t i = 0; i < comparison.leaves.size(); ++i) {
    TensorComparison& leaf = comparison.leaves[i];
    if (names.size() == comparison.leaves.size()) {
      leaf.name = names[i];
    }
    // NaN must win, and stay: it is the worst error there is.
    if (!std::isnan(difference.max_abs_error) && !(leaf.max_abs_error <= difference.max_abs_error)) {
      difference.max_abs_error = leaf.max_abs_error;
    }
    if (!leaf.matches && difference.where.empty()) {
      difference.where = leaf.name;
      difference.message = "output " + leaf.name + " differs (" + mismatch_name(leaf.mismatch) + ")";
      if (leaf.mismatch == Mismatch::kValues) {
        difference.message += ": " + std::to_string(leaf.mismatched_elements) + " of " +
                              std::to_string(leaf.elements) + " elements, by up to " + short_number(leaf.max_abs_error);
      }
    }
    difference.rows.push_back(comparison_evidence(leaf));
  }
  return difference;
}

c10::IValue run_source(const VerifyContext& context, const BoundBatch& batch) {
  Batch named{batch.origin, {}};
  for (size_t i = 0; i < batch.tensors.size(); ++i) {
    named.tensors.push_back({context.module.signature().inputs[i].name, batch.tensors[i]});
  }
  EagerRunner source(*context.source->model, context.source->name);
  return source.run(source.bind(named), GradMode::kOff);
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

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

}  // namespace bertjit
