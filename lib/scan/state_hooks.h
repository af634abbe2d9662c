// `__setstate__` and `__getstate__`: code that loading and saving run, whether or not the model is ever called.
#pragma once

#include <deque>

#include "scan/code_outline.h"
#include "scan/findings.h"

namespace bertjit {

/// Adds hooks that do more than quantized modules need, which is to take packed weights apart and to pack them again:
/// every other operator that a hook uses, or a function that it calls; and hooks of classes that have nothing to pack
/// and are not PyTorch's own, since honest exports have none. Calls are followed by name alone, so that a function of
/// another class does not hide one.
void check_state_hooks(const std::deque<CodeRecord>& records, ScanFindings& findings);

}  // namespace bertjit
