// What libtorch's compiler throws, as this library's Error: place first, then the message, the line and a caret.
#pragma once

#include <torch/csrc/jit/frontend/source_range.h>

namespace bertjit {

/// Rethrows the exception in flight as Error(kInvalidArgument): for an ErrorReport of the compiler its message, its
/// place and the calls that led there ("'g' is being compiled since it was called from 'f' (loop.py:9:4)"), for
/// anything else its message at `fallback`. An Error goes through as it is.
[[noreturn]] void rethrow_as_error(const torch::jit::SourceRange& fallback);

}  // namespace bertjit
