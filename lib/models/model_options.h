// How a network is built, in plain data: what the command line fills in.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "container/tensors.h"

namespace bertjit {

enum class AttentionKind {
  kSdpa,   ///< one fused operator, torch.nn.functional.scaled_dot_product_attention
  kEager,  ///< matmul, softmax, matmul: what every TorchScript consumer knows
};

/// What becomes of a decoder whose weight is the word embeddings.
enum class Tie {
  kClone,  ///< a copy of its own, as transformers does with torchscript=True; the file holds it twice
  kShare,  ///< one storage under two names; the file holds it once
};

struct ModelOptions {
  /// Class name in transformers; empty: the first of config.json's `architectures`.
  std::string head;
  /// Relative position embeddings are always computed eagerly.
  AttentionKind attention = AttentionKind::kSdpa;
  Tie tie = Tie::kClone;
  /// Every layer's hidden states, and its attention probabilities (which makes attention eager), besides what
  /// config.json asks for.
  bool output_hidden_states = false;
  bool output_attentions = false;
  /// Floating dtype of parameters and arithmetic; weights stored otherwise are converted.
  DType dtype = DType::kFloat32;
  /// Seed of random weights; absent: the checkpoint's own weights.
  std::optional<uint64_t> random_seed;
};

/// "sdpa", "eager": attn_implementation's words.
const char* attention_name(AttentionKind kind);
/// "clone", "share".
const char* tie_name(Tie tie);

}  // namespace bertjit
