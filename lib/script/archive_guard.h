// What archives must pass that a Python file loads.
#pragma once

#include "scan/load_guard.h"

namespace bertjit {

/// Of this thread's evaluation, as evaluation() is.
LoadGuard& archive_guard();

}  // namespace bertjit
