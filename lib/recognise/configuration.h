// The fields of config.json from shapes and code.
#pragma once

#include "recognise/subject.h"

namespace bertjit {

/// What the fields are called: DistilBERT has names of its own.
struct FieldNames {
  const char* hidden;
  const char* layers;
  const char* heads;
  const char* intermediate;
  const char* activation;
};
FieldNames field_names(const std::string& model_type);

/// Sets every field that the network of `subject` reads. Sets why_not where one cannot be told.
void configure(Subject& subject);

/// The fields of DeBERTa's relative positions and convolution.
void configure_deberta(Subject& subject);

/// Sets the fields of activations; `layers` as Subject::layers().
void configure_activations(Subject& subject, const std::vector<std::string>& layers);

/// Sets what stands for a text in ELECTRA's multiple choice, and what is done to it where no dense layer follows.
void configure_summary(Subject& subject);

/// Reads how the file's attention is computed: fused or eager, scale, what padding is filled with.
void configure_attention(Subject& subject, int64_t head_size);

/// The last two sizes that a linear layer's output is split into for its heads, {heads, head size}; 0 where the code
/// leaves one open.
std::optional<std::pair<int64_t, int64_t>> head_split(const ModuleCode& code, const CodeValue* output);

}  // namespace bertjit
