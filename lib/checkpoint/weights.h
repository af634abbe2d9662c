// Where a network's parameters come from: a checkpoint's tensors, or random numbers.
//
// The networks in models/ ask for each parameter by name and shape while they are built. The asking is the only list
// of names there is, so a checkpoint is compared with exactly what the network uses.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "container/tensors.h"

namespace bertjit {

/// How a parameter starts when there is no checkpoint (transformers' `_init_weights`).
enum class Init {
  kNormal,          ///< normal, mean 0, standard deviation `initializer_range`
  kNormalRow0Zero,  ///< the same, but row 0 is zero: an embedding whose padding_idx is 0
  kZeros,           ///< biases
  kOnes,            ///< LayerNorm weights
  kSinusoids,       ///< positions: sine and cosine by turns, of wavelengths that grow from column to column
};

class Weights {
 public:
  virtual ~Weights() = default;

  /// The parameter `name` of `shape`, in dtype(): a leaf without gradient whose memory nobody else writes.
  /// A missing or wrongly shaped one is noted, and a tensor without memory is returned so that the network can be
  /// asked for the rest; finish() then throws.
  virtual at::Tensor take(const std::string& name, at::IntArrayRef shape, Init init) = 0;

  /// Whether `name` can be had at all: a decoder that is absent from the file is tied to the embeddings.
  virtual bool has(const std::string& name) const = 0;

  /// Ends the building. Throws Error(kCorrupt) listing every missing and every wrongly shaped tensor (and the unused
  /// ones, which often explain them).
  virtual void finish() {}

  /// After finish(): names in the file that the network does not use, sorted. The buffers that transformers keeps in
  /// its embeddings (`position_ids`, `token_type_ids`) are not among them: the network makes them anew.
  virtual std::vector<std::string> unused() const {
    return {};
  }
};

/// Parameters from published weights.
///
/// Accepts what transformers accepts: names with or without the base model's prefix ("bert."), and the names of the
/// first BERT release ("LayerNorm.gamma" and "beta"). Tensors of another floating dtype are converted to `dtype`;
/// float32 ones are used in place, without a copy.
class CheckpointWeights : public Weights {
 public:
  /// `prefix` is the base model's name in its heads, with the dot, e.g. "bert.".
  CheckpointWeights(TensorFile file, std::string prefix, at::ScalarType dtype);

  at::Tensor take(const std::string& name, at::IntArrayRef shape, Init init) override;
  bool has(const std::string& name) const override;
  void finish() override;
  std::vector<std::string> unused() const override;

 private:
  struct Missing {
    std::string name;
    std::string text;  ///< with its shape
  };

  /// Names under which the file may hold the parameter, in order of preference.
  std::vector<std::string> candidates(const std::string& name) const;
  const TensorView* find(const std::string& name) const;
  /// What stands before most of the missing names in the file, with the dot ("module."); empty if nothing does.
  std::string hidden_behind() const;

  TensorFile file_;
  std::string prefix_;
  at::ScalarType dtype_;
  std::set<std::string> used_;
  std::vector<Missing> missing_;
  std::vector<std::string> wrong_;
};

/// Random parameters: the same bits for the same seed, on every machine and with every libtorch.
///
/// A value depends on the seed, the parameter's name and its index alone, so one more layer leaves the others as they
/// were. Normal numbers are sums of eight 16-bit uniform ones (Irwin-Hall): integer arithmetic, no libm.
class RandomWeights : public Weights {
 public:
  RandomWeights(uint64_t seed, double initializer_range, at::ScalarType dtype);

  at::Tensor take(const std::string& name, at::IntArrayRef shape, Init init) override;
  bool has(const std::string& name) const override;

 private:
  uint64_t seed_;
  double initializer_range_;
  at::ScalarType dtype_;
};

/// libtorch's dtype for a container's.
at::ScalarType scalar_type(DType dtype);
/// Throws Error(kUnsupported) for dtypes that containers do not hold.
DType container_dtype(at::ScalarType type);

/// A tensor over borrowed bytes: no copy where they are aligned; the tensor keeps view.storage alive.
at::Tensor tensor_from_view(const TensorView& view);

/// A copy of a tensor's elements, row-major, on the CPU.
Array array_from_tensor(const std::string& name, const at::Tensor& tensor);

}  // namespace bertjit
