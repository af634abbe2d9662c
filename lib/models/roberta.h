// RoBERTa: Liu et al. 2019, "RoBERTa: A Robustly Optimized BERT Pretraining Approach"; and XLM-RoBERTa (Conneau et al.
// 2019) and CamemBERT (Martin et al. 2019), the same network under other class names.
//
// Reference: transformers 4.57 `modeling_roberta.py`, `modeling_xlm_roberta.py`, `modeling_camembert.py`.
#pragma once

#include <string>
#include <vector>

#include "models/heads.h"
#include "models/model.h"

namespace bertjit {

/// Scores over the vocabulary by `lm_head`, whose activation is gelu whatever hidden_act says. `prefix` begins the
/// class names: "Roberta".
LanguageHead roberta_language_head(const std::string& prefix);

/// Scores for a text from its first token: classifier.dense, tanh, classifier.out_proj.
SentenceHead roberta_sentence_head(const std::string& prefix);

/// The heads of all three by their class names in transformers, for the registry.
std::vector<HeadEntry> roberta_heads();

}  // namespace bertjit
