// ALBERT: Lan et al. 2019, "ALBERT: A Lite BERT for Self-supervised Learning of Language Representations".
//
// Reference: transformers 4.57 `modeling_albert.py`. Embeddings are smaller than hidden states, and layers share their
// parameters: num_hidden_layers times one of num_hidden_groups groups of inner_group_num layers is run.
#pragma once

#include <vector>

#include "models/model.h"

namespace bertjit {

/// The heads of ALBERT by their class names in transformers, for the registry.
std::vector<HeadEntry> albert_heads();

}  // namespace bertjit
