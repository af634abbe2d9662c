// Which tensor of one file is which of another.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "diff/contents.h"

namespace bertjit {

/// Two tensors that are to be the same one.
struct TensorPair {
  const ContentsTensor* a = nullptr;
  const ContentsTensor* b = nullptr;
};

struct PairedTensors {
  std::vector<TensorPair> pairs;  ///< in the order of A's names
  std::vector<const ContentsTensor*> only_in_a;
  std::vector<const ContentsTensor*> only_in_b;
  /// What stands before the names in A, or in B, and is left out where they are paired: "bert."; empty as a rule.
  std::string prefix_a, prefix_b;
  std::vector<std::string> notes;  ///< what was left out of the comparison
};

/// What is to be paired.
enum class PairingRule {
  kNames,    ///< tensors by their names; constants of the code by theirs, or by what they hold if the code differs
  kWeights,  ///< what the weights of a checkpoint and a trace have in common (digest/weight_names.h); no constants
};

/// Pairs tensors by name. If that leaves more of the smaller side's alone than it pairs, one prefix of most names of
/// one side is taken off.
PairedTensors pair_tensors(const Contents& a, const Contents& b, PairingRule rule, int threads);

/// Whether dtype, shape and quantization are the same.
bool same_form(const ContentsTensor& a, const ContentsTensor& b);
bool same_quantization(const ContentsTensor& a, const ContentsTensor& b);

/// Finds tensors again under other names.
class TensorFinder {
 public:
  /// Borrows both.
  TensorFinder(const Contents& contents, const std::vector<const ContentsTensor*>& candidates);
  /// The first of the candidates with the dtype, shape and elements that `tensor` of `owner` has; nullptr if there is
  /// none, or it has no elements.
  const ContentsTensor* find(const Contents& owner, const ContentsTensor& tensor) const;

 private:
  const Contents& contents_;
  std::multimap<std::string, const ContentsTensor*> by_key_;
};

}  // namespace bertjit
