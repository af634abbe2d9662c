// Hidden states and attention probabilities beside a head's own outputs, where flags or config.json ask for them.
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>

#include "models/model.h"

namespace bertjit {

struct ExtraOutputs {
  explicit ExtraOutputs(const ModelParts& parts);

  bool hidden_states;
  bool attentions;
  /// What was asked for, or eager: the fused operator does not give its probabilities away.
  AttentionKind attention;
};

/// Appends "name.0", "name.1" … to `outputs`, if `wanted`.
void append_names(bool wanted, const std::string& name, int64_t count, std::vector<std::string>& outputs);

/// Appends one tuple of `tensors` to `items`, if `wanted`.
void append_tuple(bool wanted, const std::vector<at::Tensor>& tensors, std::vector<c10::IValue>& items);

}  // namespace bertjit
