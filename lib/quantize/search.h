// Which setting of int8 holds what a task may lose, found by asking the task's rows.
//
// A pass over the rows is what costs, so few settings are tried:
// 1. everything int8, in each scheme that may be taken; the first that holds the limits is taken;
// 2. else, in the scheme that came nearest, layers are ranked by the noise that each alone brings into the logits, for
//    each byte that int8 saves of it; the time a layer takes grows with its bytes, too;
// 3. the worst 1, 2, 4, 8, ... stay float32 until the limits hold, and the number is then closed in on from below;
// 4. of those kept, the largest are put to int8 again one by one, and stay so where the limits still hold.
// For a model of 38 layers these are 20 passes at the most. Answers flip in whole numbers, so a longer list of kept
// layers may flip more: what is found holds the limits, and need not be the least.
#pragma once

#include <set>
#include <vector>

#include "quantize/layers.h"
#include "quantize/quantize.h"
#include "quantize/rewrite.h"
#include "quantize/subject.h"

namespace bertjit {

struct SearchResult {
  RewriteOptions rewrite;
  std::set<size_t> kept;  ///< indices of layers that stay float32
  bool holds = false;     ///< if not: the setting that came nearest
  QuantizeTask task;
  std::vector<LayerSensitivity> ranked;  ///< the worst first; empty unless it was needed, or options.sensitivity asks
  CheckResult check;                     ///< "task"
};

/// How options.scheme, which is none of kAuto, rounds on this CPU.
RewriteOptions rewrite_options(QuantizeScheme scheme, const QuantizeOptions& options);

/// Layers that can be ranked: those that could be int8, also what --keep-fp32 keeps.
std::vector<size_t> rankable_layers(const std::vector<UsedLayer>& layers, const QuantizeOptions& options);

/// `rows` are those of `layers`, which are subject.module's. The module itself is not changed and does not run.
///
/// Throws Error(kInvalidArgument) if there is no tokenizer, or if the model does not return what the task needs, and
/// what reading the task's files throws.
SearchResult search_setting(const QuantizeSubject& subject, const std::vector<UsedLayer>& layers,
                            const std::vector<QuantizedLayer>& rows, const QuantizeOptions& options);

}  // namespace bertjit
