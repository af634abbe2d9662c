// `verify` of a file that libtorch does not survive: the report that is left.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "isolation.h"
#include "verify/verify.h"

namespace bertjit {

/// The check that stands for a process that ended while no other was under way. No flag names it.
inline constexpr const char* kLoadCheck = "load";

/// For VerifyOptions::progress: notes what is new, for the process that waits.
std::function<void(const VerifyResult& so_far, const std::vector<std::string>& to_come)> note_verify_progress();

/// What was found before the end, then the check that was under way, then those that were not reached, skipped.
///
/// That check fails if the module is to blame. Else (a source that crashes, a process killed for lack of memory) it is
/// skipped, and if then none failed there is no answer: nothing is returned, as where the checks had not begun.
std::optional<VerifyResult> result_of_casualty(const VerifyOptions& options, const Casualty& casualty);

}  // namespace bertjit
