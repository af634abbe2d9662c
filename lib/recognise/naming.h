// Architecture and head from the names of weights and classes.
#pragma once

#include "recognise/subject.h"

namespace bertjit {

/// Every tensor of a module under its dotted name: parameters, buffers, plain attributes, and the weights and biases of
/// quantised layers, dequantised. Sets `is_quantized` if there are any of these.
std::map<std::string, at::Tensor> stored_tensors(const torch::jit::Module& module, bool& is_quantized);

/// Finds the network among `tensors`: its root, its architecture, its weights, its body's prefix. Sets why_not if there
/// is none.
void find_network(Subject& subject, const std::map<std::string, at::Tensor>& tensors);

/// Chooses among architectures whose weights have the same names, and the head; sets model_type and architectures.
void find_head(Subject& subject);

/// The architecture and head that the claims name, by class ("BertForMaskedLM") or by word ("mlm"); nullopt if they do
/// not, or name one that bertjit does not know.
std::optional<ClassName> class_of_claims(const std::optional<Claims>& claims);

/// Whether the code lets a token attend to those before it alone, and where that is seen; empty if not.
std::string causal_operator(const Subject& subject);

}  // namespace bertjit
