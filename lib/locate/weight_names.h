// Which weight a value is: the names of a tree's tensors and packed weights, found again by identity.
#pragma once

#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include <ATen/ATen.h>
#include <ATen/core/ivalue.h>
#include <torch/csrc/jit/api/module.h>

namespace bertjit {

class WeightNames {
 public:
  /// Parameters, buffers and packed weights of `module`, and `further` tensors. What is told must outlive this.
  WeightNames(const torch::jit::Module& module, const std::map<std::string, at::Tensor>& further);

  /// Name of a tensor that begins where a weight does (a transposed weight does too), or of packed weights, which have
  /// the name of the weight in them; empty for others. Of a weight with several names the first by the alphabet.
  const std::string& of(const c10::IValue& value) const;
  /// All names of each weight.
  std::vector<std::vector<std::string>> groups() const;

 private:
  void add(const std::string& name, const c10::IValue& value);

  std::unordered_map<const void*, std::vector<std::string>> names_;
};

/// What the names of two trees have to do with each other.
class NameMatch {
 public:
  /// Tells the prefix by which the two differ ("model." before every name of the file) from the names themselves.
  NameMatch(const WeightNames& module, const WeightNames& reference);

  /// A word for a weight that is the same on both sides; tied weights are one.
  std::string of_module(const std::string& name) const;
  std::string of_reference(const std::string& name) const;
  /// A path of the reference as the file would have it.
  std::string path_in_module(const std::string& reference_path) const;

 private:
  std::string joined(const std::string& name) const;

  std::string module_prefix_;
  std::string reference_prefix_;
  std::map<std::string, std::string> parents_;  ///< of tied names, towards the one that stands for all
};

/// "encoder.layer.0.query.weight" -> "encoder.layer.0.query"; "" for a name without a dot.
std::string parent_path(const std::string& path);
/// Whether `path` is `above` or lies below it; everything lies below "".
bool is_within(const std::string& path, const std::string& above);
/// The longest path that both lie below.
std::string common_path(const std::string& a, const std::string& b);

}  // namespace bertjit
