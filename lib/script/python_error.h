// Faults of a Python file, each at its place: "cell.py:4:13: what", the line, a caret.
#pragma once

#include <string>

#include <torch/csrc/jit/frontend/source_range.h>

#include "support/error.h"

namespace bertjit {

/// Error(kInvalidArgument) "FILE:LINE:COLUMN: what", with the line and a caret below. LINE counts from 1, COLUMN from
/// 0, as TorchScript's own locations do, but in characters, as an editor counts. A range without a source gives `what`
/// alone.
Error script_error(const torch::jit::SourceRange& where, const std::string& what);

/// Throws script_error(where, what).
[[noreturn]] void refuse(const torch::jit::SourceRange& where, const std::string& what);

/// "FILE:LINE:COLUMN"; "" without a source.
std::string range_text(const torch::jit::SourceRange& where);

}  // namespace bertjit
