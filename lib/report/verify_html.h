// `bertjit verify --html`: one page to look at.
#pragma once

#include <string>

#include "verify/verify_result.h"

namespace bertjit {

/// The verdict, the checks with what they advise, plots of their evidence (error by layer, grid of shapes, distribution
/// of errors, graph diffs), all other evidence to unfold, and what is needed to run it again.
///
/// One self-contained document: no scripts, nothing fetched. Everything in it may come from a hostile file and is
/// escaped. `command_line` is shown as it is; empty if it is not known.
std::string verify_html(const VerifyResult& result, const std::string& command_line);

}  // namespace bertjit
