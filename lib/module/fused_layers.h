// Linear layers as oneDNN's operators, each with the activation after it: the same answers in less time.
//
// aten::linear in float32 is a product of MKL's, which on CPUs that are not Intel's has kernels for AVX2 alone, and an
// activation after it reads and writes a layer's widest tensor once more. mkldnn::_linear_pointwise, which PyTorch's
// own compiler emits too, is one pass with kernels for what the CPU has; with weights that lie by columns it is faster
// still (docs/performance.md has the figures). Weights keep their names, shapes and numbers, and torch.jit.load runs
// the file, for inference: the operator has no gradient, and a libtorch without oneDNN (a phone's) does not have it.
#pragma once

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

struct FusedLayers {
  int64_t linear = 0;       ///< operators in the code that were replaced
  int64_t activations = 0;  ///< of these, with their activation
};

/// Rewrites the code of `module`, of a recording, in place, and gives it weights of its own; it must not have run yet:
/// libtorch keeps the code of what ran.
///
/// An activation (gelu, relu, silu, tanh) goes along where it is all that its layer's output is used for, in one graph
/// or after the call of a module: this module then returns what the activation did. One that is a module of its own
/// stays by itself, unless all is inlined (torch.jit.freeze). Throws Error(kUnsupported) if nothing can be fused: the
/// module has no linear layer, or other weights than float32's, which oneDNN computes anyway.
FusedLayers fuse_linear_layers(const torch::jit::Module& module);

/// The other way round, for what reads code: every fused layer in `block` becomes aten::linear and its activation
/// again. Fused with what fuse_linear_layers does not write, it stays.
void unfuse_linear_layers(torch::jit::Block& block);

/// In all code of `module`, in place; it must not have run yet.
void unfuse_linear_layers(const torch::jit::Module& module);

}  // namespace bertjit
