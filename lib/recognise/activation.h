// Which activation stands behind a linear layer, whatever operators it is spelled with.
//
// gelu_new alone has been written in a dozen ways (0.5 * x * (1 + tanh(…)), x * 0.5 * …, pow or x * x * x, one operator
// since PyTorch 1.12). The expression is evaluated at some points in float64 and compared with every activation there
// is; operators then choose among names of the same function.
#pragma once

#include <string>

#include "recognise/layer_calls.h"

namespace bertjit {

/// The expression over a layer's output.
struct ActivationFound {
  /// Name as in config.json's hidden_act ("linear" if there is none); empty if it is no activation that is known.
  std::string name;
  /// The operators it is spelled with, in order: "pow mul add mul tanh add mul".
  std::string operators;
  /// What the expression gives; nullptr if its end is not one value.
  const CodeValue* output = nullptr;
};

ActivationFound find_activation(const ModuleCode& code, const CodeValue* layer_output);

}  // namespace bertjit
