// What `trace` asks of a recording before it writes it.
//
// More than torch.jit.trace's own check: every input is tried whatever became of the others, outputs are compared with
// their dtypes and nesting, and a difference fails instead of warning.
#pragma once

#include <vector>

#include "infer/runner.h"
#include "models/model.h"
#include "record/record.h"
#include "support/evidence.h"

namespace bertjit {

/// `example`: the traced module gives on the example what the network gave while it was recorded.
CheckResult check_example(ModuleRunner& traced, const BoundBatch& example, const c10::IValue& recorded);

/// `retrace`: a second recording on the same example gives the same graph.
CheckResult check_retrace(const Model& model, const torch::jit::Module& traced, const BoundBatch& example,
                          GradMode grad, Shapes shapes);

/// `check-inputs`: on further inputs the traced module gives what the untraced network gives, and a recording made from
/// them is the same graph. All are tried. Skipped if there are none.
CheckResult check_inputs(const Model& model, ModuleRunner& traced, const std::vector<BoundBatch>& batches,
                         GradMode grad, Shapes shapes);

}  // namespace bertjit
