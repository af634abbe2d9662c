// `repeat`: run again, and again.
//
// Proves that the answer does not depend on how often the module ran (the profiling executor rewrites the graph in the
// first runs), on the graph optimizer, or on the number of threads. Does not prove it right.
//
// Same settings must give the same bits. The optimizer and other thread counts may regroup sums, so there the tolerance
// counts; the greatest difference is in the evidence.
#include <torch/csrc/jit/runtime/graph_executor.h>

#include "compare/compare.h"
#include "infer/guards.h"
#include "support/error.h"
#include "verify/check.h"

namespace bertjit {

namespace {

struct Run {
  std::string name;
  bool optimizer;
  int threads;  ///< 0: as it is
  bool exact;   ///< same settings as the first run
};

bool same_output_bits(const c10::IValue& left, const c10::IValue& right) {
  const auto a = output_tensors(left);
  const auto b = output_tensors(right);
  bool same = !a.empty() && a.size() == b.size();
  for (size_t i = 0; same && i < a.size(); ++i) {
    same = same_bits(a[i], b[i]);
  }
  return same;
}

}  // namespace

CheckResult check_repeat(const VerifyContext& context) {
  const std::vector<Run> runs = {{"run 1", true, 0, true},           {"run 2", true, 0, true},
                                 {"run 3", true, 0, true},           {"run 4", true, 0, true},
                                 {"optimizer off", false, 0, false}, {"1 thread", true, 1, false},
                                 {"2 threads", true, 2, false}};
  CheckResult result{"repeat", Verdict::kPass, "", "", {}};
  c10::IValue first;
  EvidenceRows rows;
  bool all_same_bits = true;
  for (const auto& run : runs) {
    const torch::jit::GraphOptimizerEnabledGuard optimizer(run.optimizer);
    const ThreadGuard threads(run.threads);
    c10::IValue outputs;
    try {
      outputs = context.module.run_on_copy(context.example, GradMode::kOff);
    } catch (const Error& error) {
      // What does not run at all is no answer; what ran and then does not is one.
      if (first.isNone()) {
        throw;
      }
      rows.push_back({{"run", run.name}, {"error", std::string(error.what())}});
      all_same_bits = false;
      if (result.verdict == Verdict::kPass) {
        result.verdict = Verdict::kFail;
        result.summary = run.name + " fails where run 1 worked: " + error.what();
      }
      continue;
    }
    if (first.isNone()) {
      first = outputs;
    }
    const bool same = same_output_bits(first, outputs);
    const OutputDifference difference = compare_named(first, outputs, context.module.output_names(), context.tolerance);
    all_same_bits = all_same_bits && same;
    rows.push_back({{"run", run.name}, {"same_bits", same}, {"max_abs_error", difference.max_abs_error}});
    const bool acceptable = difference.matches && (same || !run.exact);
    if (!acceptable && result.verdict == Verdict::kPass) {
      result.verdict = Verdict::kFail;
      result.where = difference.where;
      result.summary = run.name + " gives other values than run 1, by up to " + short_number(difference.max_abs_error);
    }
  }
  if (result.verdict == Verdict::kPass) {
    result.summary = std::to_string(runs.size()) + " runs (4 in a row, optimizer off, 1 and 2 threads) agree" +
                     (all_same_bits ? " bit for bit" : " within tolerance");
  }
  result.evidence = {{"runs", std::move(rows)}};
  return result;
}

}  // namespace bertjit
