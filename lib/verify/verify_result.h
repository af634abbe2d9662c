// What `verify` found, as plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "source/source_choice.h"
#include "source/source_kind.h"
#include "support/evidence.h"

namespace bertjit {

struct VerifyResult {
  std::string module;  ///< path as given
  std::string source;  ///< path as given; empty if there is none
  std::optional<SourceKind> source_kind;
  std::optional<SourceChoice> choice;  ///< what was made of a checkpoint; unset if none was needed
  std::string example;                 ///< where the example inputs come from
  std::vector<CheckResult> checks;
  bool passed = false;           ///< no check failed, and at least one passed
  bool nothing_checked = false;  ///< every check was skipped: no answer
};

}  // namespace bertjit
