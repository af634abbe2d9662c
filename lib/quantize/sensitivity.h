// Which layers bring the error: each one put to int8 alone.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

#include "infer/signature.h"
#include "quantize/layers.h"
#include "quantize/quantize_result.h"
#include "quantize/rewrite.h"

namespace bertjit {

/// What layers are ranked on: batches, and what the module answers to each in float32.
struct RankingData {
  std::vector<BoundBatch> batches;
  std::vector<c10::IValue> expected;
  std::string origin;  ///< where the batches come from, in words
};

/// The layers at `indices` of `layers`, which are `module`'s, by the error that each alone brings into the outputs, all
/// batches together, the worst first.
///
/// A layer's own error is measured on the input it has in float32. Runs the module once operator by operator, and once
/// more for each layer; `module` itself stays as it is, and has not run in libtorch's sense. Calls `done` after each
/// layer.
std::vector<LayerSensitivity> rank_layers(const torch::jit::Module& module, const std::vector<UsedLayer>& layers,
                                          const std::vector<size_t>& indices, const RewriteOptions& options,
                                          const RankingData& data, const std::function<void()>& done);

}  // namespace bertjit
