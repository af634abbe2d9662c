// Two sets of outputs side by side, under the model's own names for them: what a check reports.
#pragma once

#include <string>
#include <vector>

#include <ATen/core/ivalue.h>

#include "compare/tolerance.h"
#include "support/evidence.h"

namespace bertjit {

struct OutputDifference {
  bool matches = false;
  std::string where;         ///< name of the first output that differs; empty if none
  std::string message;       ///< one line about it: "output logits differs (values): 3 of 10 elements, by up to 0.01"
  double max_abs_error = 0;  ///< over all outputs; NaN if any is
  int64_t outputs = 0;       ///< leaves compared
  EvidenceRows rows;         ///< one an output
};

/// Compares leaf by leaf, as compare_outputs does. `names` are used where there is one for each leaf, else paths.
OutputDifference compare_named(const c10::IValue& expected, const c10::IValue& actual,
                               const std::vector<std::string>& names, const Tolerance& tolerance);

/// "3.1e-06"
std::string short_number(double value);

/// "1 output", "2 outputs"
std::string counted(int64_t count, const std::string& noun);

}  // namespace bertjit
