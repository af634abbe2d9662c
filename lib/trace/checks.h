// What `trace` asks of a recording before it writes it.
//
// All that torch.jit.trace's own check reports (torch/jit/_trace.py, _check_trace), and more: every input is tried
// whatever became of the others, outputs are compared with their dtypes and nesting, what is changed in place is
// compared too, and a difference fails instead of warning. Each run draws the same random numbers, so that a program
// which is random and its trace give the same; whether it is random is a result of its own.
#pragma once

#include <optional>
#include <vector>

#include "infer/random_state.h"
#include "infer/runner.h"
#include "record/finding.h"
#include "record/recordable.h"
#include "support/evidence.h"
#include "trial/input_check.h"

namespace bertjit {

/// `example`: the traced module gives on the example what the program gave while it was recorded. `before` is the state
/// of the random generator in which the recording began. Skipped where the program returns nothing that can differ.
CheckResult check_example(ModuleRunner& traced, const BoundBatch& example, const c10::IValue& recorded,
                          const RandomState& before = {}, const Tolerance& tolerance = {});

/// `retrace`: a second recording on the same example gives the same graph with the same constants.
CheckResult check_retrace(Recordable& source, ModuleRunner& traced, const BoundBatch& example,
                          const RecordOptions& options, const RandomState& before = {});

/// `nondeterminism`: nothing if the program draws no random number and the trace has no operator that does; else a
/// warning with these operators and whether outputs differ from run to run. It fails where the program and its trace
/// differ under another random state: then a number that was drawn while recording is a constant of the trace.
std::optional<CheckResult> check_nondeterminism(Recordable& source, ModuleRunner& traced, const BoundBatch& example,
                                                const std::vector<Finding>& findings, GradMode grad);

}  // namespace bertjit
