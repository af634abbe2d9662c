// `golden`: outputs against recorded ones.
//
// Proves that the module gives, on the inputs, the outputs that were recorded. Does not prove that those were right.
#include <algorithm>
#include <map>

#include "checkpoint/weights.h"
#include "infer/batch.h"
#include "support/error.h"
#include "verify/check.h"

namespace bertjit {

namespace {

struct GoldenOutcome {
  std::string complaint;
  std::string where;
  double max_abs_error = 0;
  EvidenceFields evidence;
};

/// The output in the dtype of the recording, where that is a wider one. References are computed in float32, and a .npz
/// cannot hold bfloat16; a module that is said to compute in a 16-bit dtype is held to the values, with its tolerance.
at::Tensor as_recorded(const at::Tensor& actual, const at::Tensor& expected, DType dtype) {
  const bool is_wider = at::isFloatingType(expected.scalar_type()) && expected.element_size() > actual.element_size();
  const bool is_16_bit = dtype == DType::kFloat16 || dtype == DType::kBFloat16;
  return is_16_bit && actual.scalar_type() == scalar_type(dtype) && is_wider ? actual.to(expected.scalar_type())
                                                                             : actual;
}

/// Compares the outputs on `batch` with the file's, by name. Every recorded output must be there; a recording that has
/// no name in common with the module is none of it.
GoldenOutcome compare_with_file(const VerifyContext& context, const BoundBatch& batch, const std::string& path) {
  const Batch recorded = read_batch(path);
  if (recorded.values.empty()) {
    throw Error(ErrorKind::kInvalidArgument, path + ": holds no outputs to compare with");
  }
  GoldenOutcome outcome;
  outcome.evidence = {{"golden", path}, {"inputs", batch.origin}};
  std::vector<at::Tensor> outputs;
  try {
    outputs = output_tensors(context.module.run_on_copy(batch, GradMode::kOff));
  } catch (const RunError& error) {
    outcome.complaint = error.what();
    return outcome;
  }
  const auto& names = context.module.output_names();
  std::map<std::string, at::Tensor> actual;
  std::string known;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const std::string name = i < names.size() ? names[i] : std::to_string(i);
    actual.emplace(name, outputs[i]);
    known += (known.empty() ? "" : ", ") + name;
  }
  EvidenceRows rows;
  // One output and one recording need no names: whoever exported the file may have left none.
  const bool only_one = names.empty() && outputs.size() == 1 && recorded.values.size() == 1;
  const bool shares_names =
      std::ranges::any_of(recorded.values, [&](const NamedInput& value) { return actual.contains(value.name); });
  for (const auto& [name, value] : recorded.values) {
    const at::Tensor expected = value.toTensor();
    const auto it = only_one ? actual.begin() : actual.find(name);
    if (it == actual.end() && !shares_names) {
      throw Error(ErrorKind::kInvalidArgument, path + ": holds '" + name + "', the module returns " + known);
    }
    if (it == actual.end()) {
      if (outcome.complaint.empty()) {
        outcome.where = name;
        outcome.complaint = "output " + name + " was recorded, the module returns " + known;
      }
      continue;
    }
    OutputDifference difference =
        compare_named(expected, as_recorded(it->second, expected, context.dtype), {name}, context.tolerance);
    if (!difference.matches && outcome.complaint.empty()) {
      outcome.where = difference.where;
      outcome.complaint = difference.message;
    }
    outcome.max_abs_error =
        difference.max_abs_error <= outcome.max_abs_error ? outcome.max_abs_error : difference.max_abs_error;
    rows.insert(rows.end(), difference.rows.begin(), difference.rows.end());
  }
  outcome.evidence.push_back({"outputs", std::move(rows)});
  return outcome;
}

}  // namespace

CheckResult check_golden(const VerifyContext& context) {
  const auto& options = context.options;
  if (options.golden.empty() && options.check_golden.empty()) {
    return skipped("golden", "no --golden FILE given");
  }
  CheckResult result{"golden", Verdict::kPass, "", "", {}};
  std::vector<GoldenOutcome> outcomes;
  if (!options.golden.empty()) {
    outcomes.push_back(compare_with_file(context, context.example, options.golden));
  }
  for (size_t i = 0; i < options.check_golden.size(); ++i) {
    outcomes.push_back(compare_with_file(context, context.further.at(i), options.check_golden[i]));
  }
  double worst = 0;
  EvidenceRows rows;
  for (auto& outcome : outcomes) {
    if (!outcome.complaint.empty() && result.verdict == Verdict::kPass) {
      result.verdict = Verdict::kFail;
      result.where = outcome.where;
      result.summary = outcome.complaint;
    }
    worst = outcome.max_abs_error <= worst ? worst : outcome.max_abs_error;
    rows.push_back(std::move(outcome.evidence));
  }
  if (result.verdict == Verdict::kPass) {
    result.summary = counted(static_cast<int64_t>(outcomes.size()), "recorded file") +
                     ": outputs equal, greatest difference " + short_number(worst);
  }
  result.evidence = {{"files", std::move(rows)}};
  return result;
}

}  // namespace bertjit
