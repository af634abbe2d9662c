// Float weights to int8, packed as PyTorch's quantized operators take them.
//
// Weights are rounded as torch.ao.quantization does it, in the same order of float32 operations, so that the numbers
// are the same bit for bit: MinMaxObserver (per tensor) and PerChannelMinMaxObserver (per row), qint8, symmetric, -128
// to 127. Tables are quint8, affine, row by row, as torch.ao.nn.quantized.Embedding has them, but with zero points that
// are whole numbers: zero stays zero, and every number is a whole multiple of its row's scale. That costs one of 255
// steps.
//
// What a file holds does not depend on the engine: packed parameters are written as the quantized weight and its bias,
// and packed anew where it is loaded.
#pragma once

#include <optional>
#include <string>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "quantize/quantize_scheme.h"

namespace bertjit {

/// `weight` [out, in] as qint8: with one scale, or with one for each row.
at::Tensor quantize_weight(const at::Tensor& weight, QuantizeScheme scheme);

/// `table` [rows, width] as quint8 with a scale and a zero point for each row.
at::Tensor quantize_table(const at::Tensor& table);

/// A qint8 weight packed for `quantized::linear_dynamic`; `bias` may be undefined.
c10::IValue pack_linear(const at::Tensor& weight, const at::Tensor& bias);

/// A quint8 table packed for `quantized::embedding_byte`.
c10::IValue pack_embedding(const at::Tensor& table);

/// Least and greatest scale of a quantized tensor.
std::pair<double, double> scale_range(const at::Tensor& quantized);

/// Whether this CPU sums products of int8 in 32 bits, so that activations need not be rounded to 7 bits.
bool has_int8_instructions();

}  // namespace bertjit
