// What `verify` needs of the safety check besides its result.
#pragma once

#include "support/evidence.h"

namespace bertjit {

/// Whether that is a result of check_safety that calls the file unsafe, rather than damaged or beyond what is read. In
/// all three cases it failed, and libtorch must not see the file.
bool found_unsafe(const CheckResult& safety);

}  // namespace bertjit
