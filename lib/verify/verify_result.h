// What `verify` found, as plain data.
#pragma once

#include <string>
#include <vector>

#include "support/evidence.h"

namespace bertjit {

struct VerifyResult {
  std::string module;   ///< path as given
  std::string source;   ///< path as given; empty if there is none
  std::string example;  ///< where the example inputs come from
  std::vector<CheckResult> checks;
  bool passed = false;           ///< no check failed, and at least one passed
  bool nothing_checked = false;  ///< every check was skipped: no answer
};

}  // namespace bertjit
