// The weights of a file beside those it should have: which differ, and as what. One cause is one line, however many
// tensors it touches: exchanged layers, a detour through float16, another checkpoint.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <ATen/core/Tensor.h>

#include "support/evidence.h"

namespace bertjit {

/// In the order of the network: the first of several is the first to be blamed.
using OrderedWeights = std::vector<std::pair<std::string, at::Tensor>>;

/// Whether a change of weights can leave the function as it is.
enum class ChangeEffect {
  kNone,         ///< is what was asked for: honest quantization
  kPerhapsNone,  ///< one factor, another order, a name that is gone: where outputs agree it is the same model
  kChanges,      ///< other weights, whatever the outputs on one example are
};

/// One cause.
struct WeightFinding {
  std::string id;  ///< frozen: "exchanged", "another-checkpoint", or a word of weight_relation_name()
  ChangeEffect effect = ChangeEffect::kChanges;
  /// Module of the first tensor to blame, or what holds all of them and nothing else; empty: the whole model.
  std::string where;
  std::string summary;  ///< one line
  std::string advice;
  std::vector<std::string> tensors;  ///< in the order of the network
};

struct WeightChanges {
  int64_t compared = 0;   ///< names that both have
  int64_t equal = 0;      ///< the same bits, or the same numbers in another dtype
  int64_t quantized = 0;  ///< honest int8: within half a step
  std::vector<std::string> different;
  std::vector<WeightFinding> findings;  ///< most telling first; without any all weights are what they should be
  std::vector<std::string> absent;      ///< expected, under no such name in the file, and not tied to what is
  std::vector<std::string> extra;       ///< in the file alone
  EvidenceRows rows;                    ///< one for each of `different`

  bool has(ChangeEffect effect) const;
};

/// What is asked of the weights.
struct WeightRules {
  bool may_be_quantized = false;  ///< the file says it is int8: numbers within half a step of their grid are right
};

/// Compares tensors of one name, and looks where those that differ come from.
///
/// All on the CPU. What is missing by name is no finding where another of the expected tensors has the same bits and is
/// there (tied weights), and is one with kPerhapsNone else. Memory: as relate_weights(), tensor by tensor.
WeightChanges compare_weights(const OrderedWeights& expected, const std::map<std::string, at::Tensor>& actual,
                              const WeightRules& rules = {});

/// "encoder.layer.0.output.dense" of "encoder.layer.0.output.dense.weight"; empty for a name without dots.
std::string module_of_weight(const std::string& name);

/// What to blame for a weight: its module, or its own name where the root holds it, since empty is the whole model.
std::string place_of_weight(const std::string& name);

/// A name without the end that it shares with another: "encoder.layer.0" for "encoder.layer.0.output.bias" beside
/// "encoder.layer.1.output.bias".
std::string head_of_weight(const std::string& name, const std::string& other);

/// One number for tensors that hold the same bits, from few of them: equal ones have equal keys, unequal ones may.
/// For dense tensors on the CPU.
uint64_t weight_key(const at::Tensor& tensor);

}  // namespace bertjit
