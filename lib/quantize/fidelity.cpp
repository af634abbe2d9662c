#include "quantize/fidelity.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "compare/outputs.h"

namespace bertjit {

namespace {

constexpr const char* kId = "fidelity";
/// As much noise as signal.
constexpr double kLeastSqnrDb = 0;

std::string decibels(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f dB", value);
  return text;
}

}  // namespace

CheckResult check_fidelity(const c10::IValue& expected, const c10::IValue& actual) {
  const OutputsComparison comparison = compare_outputs(expected, actual, {.min_sqnr_db = kLeastSqnrDb});
  CheckResult result{.id = kId, .verdict = comparison.matches ? Verdict::kPass : Verdict::kFail};
  EvidenceRows rows;
  const TensorComparison* worst = nullptr;
  for (const auto& leaf : comparison.leaves) {
    if (!leaf.matches && result.where.empty()) {
      result.where = leaf.name;
      result.summary = leaf.name + ": " + leaf.message;
    }
    if (leaf.elements == 0 || !leaf.min_sqnr_db) {
      continue;
    }
    rows.push_back({{"output", leaf.name},
                    {"sqnr_db", leaf.sqnr_db},
                    {"cosine", leaf.cosine},
                    {"max_abs_error", leaf.max_abs_error},
                    {"mean_abs_error", leaf.mean_abs_error}});
    if (worst == nullptr || leaf.sqnr_db < worst->sqnr_db) {
      worst = &leaf;
    }
  }
  result.evidence = {{"outputs", rows}};
  if (result.verdict == Verdict::kFail) {
    result.summary = result.summary.empty() ? "nothing was compared" : result.summary;
    result.advice =
        "rank the layers (--sensitivity FILE) and keep the worst in float32 (--keep-fp32), or take --scheme "
        "per-token";
  } else if (worst != nullptr) {
    result.summary = "signal to noise against float32: " + decibels(worst->sqnr_db) + " (" + worst->name +
                     ", the least of " + std::to_string(rows.size()) + ")";
  } else {
    result.summary = "the outputs hold no floating numbers, and are the same";
  }
  return result;
}

CheckResult fidelity_skipped() {
  return {kId, Verdict::kSkip, "no inputs given, and none that it takes could be made up: not run", "", {}};
}

}  // namespace bertjit
