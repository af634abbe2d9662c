// MarianMT: the encoder-decoder of Junczys-Dowmunt et al. 2018, "Marian: Fast Neural Machine Translation in C++", a
// post-norm Transformer (Vaswani et al. 2017) with sinusoidal positions.
//
// Reference: transformers 4.57 `modeling_marian.py`. forward takes input_ids, attention_mask and decoder_input_ids,
// whose length is its own; the decoder sees every token of it up to the current one, padding included. Outputs are
// those of use_cache=False whatever config.json says of use_cache: a trace has no cache to hand on.
//
// Also as there: normalize_before, normalize_embedding, add_final_layer_norm, static_position_embeddings and
// add_bias_logits, which stand in published configurations, are not read.
#pragma once

#include <vector>

#include "models/model.h"

namespace bertjit {

/// MarianModel and MarianMTModel, for the registry.
std::vector<HeadEntry> marian_heads();

/// The table of sinusoidal positions, [rows, size] float32: sines of all frequencies in the first half of a row,
/// cosines in the second (MarianSinusoidalPositionalEmbedding).
at::Tensor sinusoidal_positions(int64_t rows, int64_t size);

}  // namespace bertjit
