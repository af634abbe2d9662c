// Evidence of a check as HTML tables; report/html_figures.h draws what can be drawn.
#pragma once

#include <string>

#include "support/evidence.h"

namespace bertjit {

/// All of the evidence in nested tables, except for diffs, which html_figures() has. After a thousand rows a list
/// refers to the JSON report. "" if there is none.
std::string html_evidence(const EvidenceFields& evidence);

}  // namespace bertjit
