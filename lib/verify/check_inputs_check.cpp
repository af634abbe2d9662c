// `check-inputs`: the module against the source network on every further input.
//
// Proves that the outputs are the source's on those inputs, each of which is tried. Does not prove anything of others.
#include "verify/check.h"
#include "infer/batch.h"
#include "support/error.h"

namespace bertjit {

CheckResult check_check_inputs(const VerifyContext& context) {
  if (context.further.empty()) {
    return skipped("check-inputs", "no --check-inputs or --check-shapes given");
  }
  if (context.source == nullptr) {
    return skipped("check-inputs", "needs --source to compare with");
  }
  CheckResult result{"check-inputs", Verdict::kPass, "", "", {}};
  int64_t failed = 0;
  double worst = 0;
  EvidenceRows rows;
  for (const auto& batch : context.further) {
    EvidenceFields fields{{"inputs", batch.origin}};
    std::string complaint;
    try {
      const OutputDifference difference =
          compare_with_source(context, batch, context.module.run_on_copy(batch, GradMode::kOff));
      complaint = difference.message;
      worst = difference.max_abs_error <= worst ? worst : difference.max_abs_error;
      fields.push_back({"outputs", difference.rows});
    } catch (const Error& error) {
      complaint = error.what();
      fields.push_back({"error", complaint});
    }
    if (!complaint.empty() && failed++ == 0) {
      result.where = batch.origin;
      result.summary = complaint;
    }
    fields.push_back({"verdict", std::string(complaint.empty() ? "pass" : "fail")});
    rows.push_back(std::move(fields));
  }
  const std::string count = std::to_string(context.further.size());
  if (failed > 0) {
    result.verdict = Verdict::kFail;
    result.summary = std::to_string(failed) + " of " + count + " further inputs differ; the first, " + result.where +
                     ": " + result.summary;
  } else {
    result.summary = counted(static_cast<int64_t>(context.further.size()), "further input") +
                     ": equal to the source, greatest difference " + short_number(worst);
  }
  result.evidence = {
      {"inputs", static_cast<int64_t>(context.further.size())}, {"failed", failed}, {"each", std::move(rows)}};
  return result;
}

}  // namespace bertjit
