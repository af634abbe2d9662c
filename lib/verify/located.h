// Where a module parts from what it should be: lib/locate, asked by the checks that compare outputs.
#pragma once

#include "locate/locate.h"
#include "verify/check.h"

namespace bertjit {

/// Runs the module and the source side by side on `batch`.
/// With `always_measure` errors by layer also where the outputs agree.
Location locate_against_source(const VerifyContext& context, const BoundBatch& batch, bool always_measure = false);

/// The same for the network that was built anew from the file's weights.
Location locate_against_network(const VerifyContext& context, const BoundBatch& batch);

/// Adds the evidence, and where a place was found: where, advice, and a clause of the summary.
void add_location(const VerifyContext& context, const Location& location, CheckResult& result);

}  // namespace bertjit
