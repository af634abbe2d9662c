// MPNet: Song et al. 2020, "MPNet: Masked and Permuted Pre-training for Language Understanding".
//
// Reference: transformers 4.57 `modeling_mpnet.py`. A BERT without token types, whose positions skip padding and whose
// attention scores are shifted by how far apart two tokens stand.
#pragma once

#include <vector>

#include <ATen/ATen.h>

#include "models/model.h"

namespace bertjit {

/// The bucket, 0 to 31, of each distance from a token to the one it attends to: relative [...] int64 -> the same
/// shape. Tokens before have 0 to 15, those after 16 to 31; of each 16, 8 are for the distances below 8 and 8 grow
/// logarithmically up to 128, beyond which all share the last.
///
/// Reference: `MPNetEncoder.relative_position_bucket`, after T5 (Raffel et al. 2019, section 2.1).
at::Tensor mpnet_position_buckets(const at::Tensor& relative);

/// The heads of MPNet by their class names in transformers, for the registry.
std::vector<HeadEntry> mpnet_heads();

}  // namespace bertjit
