// BERT: Devlin et al. 2018, "BERT: Pre-training of Deep Bidirectional Transformers for Language Understanding".
//
// Reference: transformers 4.57 `modeling_bert.py`. Submodules and parameters carry the names of that file, which are
// the names in published checkpoints.
#pragma once

#include <string>
#include <vector>

#include "models/body.h"
#include "models/model.h"

namespace bertjit {

/// What BERT calls its parts; architectures that differ in rules alone (RoBERTa) use the same names under classes that
/// start with another `prefix` ("Bert").
BodyPlaces bert_places(const std::string& prefix, const BodyConfig& config);

/// The heads of BERT by their class names in transformers, for the registry.
std::vector<HeadEntry> bert_heads();

}  // namespace bertjit
