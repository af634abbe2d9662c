// What int8 left of a model's outputs.
#pragma once

#include <ATen/core/ivalue.h>

#include "support/evidence.h"

namespace bertjit {

/// Compares the outputs of the original, `expected`, with those of what was made of it on the same inputs.
///
/// Fails where they are of another form or not finite, or where there is more noise in them than signal: such a file
/// answers nothing. How much an application can bear is for its own metric to say (`bertjit eval`).
CheckResult check_fidelity(const c10::IValue& expected, const c10::IValue& actual);

/// No inputs could be made up.
CheckResult fidelity_skipped();

}  // namespace bertjit
