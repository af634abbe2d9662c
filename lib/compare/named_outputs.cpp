#include "compare/named_outputs.h"

#include <cmath>
#include <cstdio>

#include "compare/outputs.h"

namespace bertjit {

OutputDifference compare_named(const c10::IValue& expected, const c10::IValue& actual,
                               const std::vector<std::string>& names, const Tolerance& tolerance) {
  OutputsComparison comparison = compare_outputs(expected, actual, tolerance);
  OutputDifference difference;
  difference.matches = comparison.matches;
  difference.outputs = static_cast<int64_t>(comparison.leaves.size());
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
      difference.message = (leaf.name == "output" ? "the output" : "output " + leaf.name) + " differs (" +
                           mismatch_name(leaf.mismatch) + ")";
      if (leaf.mismatch == Mismatch::kValues && leaf.min_sqnr_db) {
        difference.message += ": SQNR " + short_number(leaf.sqnr_db) + " dB, expected at least " +
                              short_number(*leaf.min_sqnr_db) + " dB";
      } else if (leaf.mismatch == Mismatch::kValues) {
        difference.message += ": " + std::to_string(leaf.mismatched_elements) + " of " + std::to_string(leaf.elements) +
                              " elements, by up to " + short_number(leaf.max_abs_error);
      }
    }
    difference.rows.push_back(comparison_evidence(leaf));
  }
  return difference;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string counted(int64_t count, const std::string& noun) {
  return std::to_string(count) + " " + noun + (count == 1 ? "" : "s");
}

}  // namespace bertjit
