// DistilBERT: Sanh et al. 2019, "DistilBERT, a distilled version of BERT: smaller, faster, cheaper and lighter".
//
// Reference: transformers 4.57 `modeling_distilbert.py`. BERT without segments and pooler, under names of its own in
// checkpoint and config.
#pragma once

#include <vector>

#include "models/model.h"

namespace bertjit {

/// The heads of DistilBERT by their class names in transformers, for the registry.
std::vector<HeadEntry> distilbert_heads();

}  // namespace bertjit
