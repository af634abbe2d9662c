// What a recording does not keep of its program, said to people: each pitfall with its places, what it means, and the
// way out.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "record/finding.h"
#include "support/evidence.h"

namespace bertjit {

/// What there is to say about one kind of finding.
struct Pitfall {
  FindingKind kind;
  Verdict verdict;          ///< kWarn, or kPass for a note: the trace does what the program does
  const char* what;         ///< what happened, with the place before it: "a loop was unrolled"
  const char* explanation;  ///< what that means for later inputs
  const char* way_out;
};

const Pitfall& pitfall(FindingKind kind);

/// One result for each kind found, id finding_name(kind), in the order of FindingKind. The summary and `where` name the
/// first place; the evidence has every place with its line of source, the explanation and the way out.
///
/// Random operators are left to check_nondeterminism, which knows more.
std::vector<CheckResult> pitfall_checks(const std::vector<Finding>& findings);

/// `tracer-warnings`: libtorch's own warnings while it recorded, each once, with what they mean. Nothing if there are
/// none.
std::optional<CheckResult> check_warnings(const std::vector<std::string>& warnings);

/// `passed-over`: statements of the file that were not run though they may draw random numbers. Nothing if there are
/// none.
std::optional<CheckResult> check_passed_over(const std::vector<std::string>& notes);

/// The places of findings as evidence: where, detail, times, and the line of source with a mark.
EvidenceRows place_rows(const std::vector<Finding>& findings);

}  // namespace bertjit
