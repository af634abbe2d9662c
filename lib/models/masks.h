// Which tokens attend to which.
#pragma once

#include <ATen/ATen.h>

namespace bertjit {

/// The lowest finite number of a floating dtype: what is added to the scores of tokens that are not attended.
double lowest_of(at::ScalarType dtype);

/// Turns a mask [batch, seq] of ones and zeros into what is added to attention scores: 0 where attended, the lowest
/// finite number of `dtype` where not. [batch, 1, 1, seq] of `dtype`.
///
/// Reference: transformers 4.57 `ModuleUtilsMixin.get_extended_attention_mask`.
at::Tensor additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype);

/// The same for a decoder, where a token attends to itself and those before it: [batch, 1, seq, seq].
at::Tensor causal_additive_mask(const at::Tensor& attention_mask, at::ScalarType dtype);

}  // namespace bertjit
