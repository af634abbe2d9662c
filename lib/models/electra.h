// ELECTRA: Clark et al. 2020, "ELECTRA: Pre-training Text Encoders as Discriminators Rather Than Generators".
//
// Reference: transformers 4.57 `modeling_electra.py`. BERT without pooler, with embeddings that may be smaller than the
// hidden states, and with two language heads: a generator's and a discriminator's.
#pragma once

#include <vector>

#include "models/model.h"

namespace bertjit {

/// The heads of ELECTRA by their class names in transformers, for the registry.
std::vector<HeadEntry> electra_heads();

}  // namespace bertjit
