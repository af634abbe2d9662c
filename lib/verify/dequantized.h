// The same program with its int8 layers computed in floats, for checks that ask how outputs depend on inputs.
//
// quantized::linear_dynamic has one scale for a whole activation: a token more, a row less, or another id under the
// mask moves every element of an honest int8 file by a part of an int8 step, which is more than many a fault does. That
// is rounding, and not what those checks ask. With the weights that the packed ones stand for, and float activations,
// the code around the layers (mask, positions, reshapes) is what it was, and its relations hold as they do in float32.
#pragma once

#include <cstdint>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// Puts float linear layers in place of those that quantize their input, in the code of `module` and of all its parts,
/// which must not have run yet. Returns how many operators still quantize something while they run.
int64_t dequantize_linear_layers(const torch::jit::Module& module);

/// Whether something of the code quantizes while it runs: what torch.jit.freeze left holds its packed weights in the
/// code, not in its modules.
bool computes_in_integers(const torch::jit::Module& module);

}  // namespace bertjit
