// Which layers bring the error: each one put to int8 alone.
#pragma once

#include <vector>

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include "infer/signature.h"
#include "quantize/layers.h"
#include "quantize/quantize_result.h"
#include "quantize/rewrite.h"
#include "support/progress.h"

namespace bertjit {

/// The layers at `indices` of `layers`, which are `module`'s, by the error that each alone brings into the outputs on
/// `example`, the worst first. `expected` is what the module answers to it.
///
/// A layer's own error is measured on the input it has in float32. Runs the module once operator by operator, and once
/// more for each layer; `module` itself stays as it is, and has not run in libtorch's sense. Counts on `progress`,
/// which may be null.
std::vector<LayerSensitivity> rank_layers(const torch::jit::Module& module, const std::vector<UsedLayer>& layers,
                                          const std::vector<size_t>& indices, const RewriteOptions& options,
                                          const BoundBatch& example, const c10::IValue& expected, Progress* progress);

}  // namespace bertjit
