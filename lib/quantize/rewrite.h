// A module's layers put to int8, in place: packed weights beside the submodules' names, and the code that uses them.
//
// Per tensor and per channel, a layer is quantized::linear_dynamic, which takes one range for the whole activation. A
// single token with an outlier then costs all others their precision: on a MiniLM fine-tuned for MRPC, per channel
// moves single logits by .12 on average. Per token, each token's numbers are first spread evenly over [-1, 1],
//
//   x' = (x - middle) / half      middle, half: of the token's least and greatest number
//   y  = linear_dynamic(x') * half + middle * sums + bias      sums: of the int8 weight's rows
//
// so that the operator's one range is every token's own, all 8 bits of it, and no token depends on another: padding and
// batch no longer change an answer by more than rounding. Measured there, on the 408 pairs of MRPC's dev set: 3 answers
// changed against 14, single logits moved by .03; mean cosine of the token vectors .9986 against float32's (with int8
// tables), where per channel is known for .968. It costs some 10% of the time. Int8 products by hand (aten::_int_mm)
// are as fast, but keep weights in a form that nothing else reads as a quantized layer.
#pragma once

#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "quantize/layers.h"
#include "quantize/quantize_scheme.h"

namespace bertjit {

struct RewriteOptions {
  QuantizeScheme scheme = QuantizeScheme::kPerTensor;
  bool reduce_range = true;
};

/// What one layer became.
struct RewrittenLayer {
  const UsedLayer* layer = nullptr;
  at::Tensor quantized;  ///< the weight
};

/// Puts `chosen`, layers of `module` that have no obstacle, to int8 and drops the float weights that nothing reads any
/// more. `module` must not have run yet: libtorch keeps the code of what ran.
///
/// Throws Error(kUnsupported) if a class of modules is shared (scripted, not traced) and only some of its instances are
/// chosen: their code is one.
std::vector<RewrittenLayer> rewrite_layers(const torch::jit::Module& module,
                                           const std::vector<const UsedLayer*>& chosen, const RewriteOptions& options);

}  // namespace bertjit
