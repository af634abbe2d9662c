// What of a check's evidence can be drawn, as HTML.
#pragma once

#include <string>

#include "support/evidence.h"

namespace bertjit {

/// Plots, grids and diffs found anywhere in the check's evidence (report/drawn_evidence.h), each with a caption that
/// says where; plots with their numbers in a table to unfold. "" if there are none. After twenty the others are
/// counted.
std::string html_figures(const CheckResult& check);

}  // namespace bertjit
