// DeBERTa, versions 2 and 3: He et al. 2020, "DeBERTa: Decoding-enhanced BERT with Disentangled Attention", and
// He et al. 2021, "DeBERTaV3" (arXiv:2111.09543), which share one network.
//
// Reference: transformers 4.57 `modeling_deberta_v2.py`. Attention is always eager, as there: nothing asks for "sdpa".
#pragma once

#include <vector>

#include "models/model.h"

namespace bertjit {

/// The heads of DeBERTa 2 by their class names in transformers, for the registry.
std::vector<HeadEntry> deberta_v2_heads();

}  // namespace bertjit
