// Where a file's bytes are: in embeddings, in linear layers, in the rest.
#pragma once

#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "quantize/layers.h"
#include "quantize/quantize_result.h"

namespace bertjit {

/// What a module's tensors take in a file, each storage counted once. Weights that are constants of the code
/// (torch.jit.freeze) are the rest's.
struct GroupBytes {
  uint64_t embeddings = 0;
  uint64_t linear = 0;
};

/// `layers` are those that were found before anything was quantized, also for the module that was made of it.
class SizeGrouper {
 public:
  SizeGrouper(const torch::jit::Module& module, const std::vector<UsedLayer>& layers);
  GroupBytes measure(const torch::jit::Module& module) const;

 private:
  enum class Group { kEmbeddings, kLinear, kRest };
  Group group_of(const std::string& module_path) const;

  std::vector<std::string> linear_;
  std::vector<std::string> embeddings_;
};

/// The three groups of two files of `before_bytes` and `after_bytes`; what no tensor takes is the rest's.
std::vector<ByteGroup> size_groups(const GroupBytes& before, uint64_t before_bytes, const GroupBytes& after,
                                   uint64_t after_bytes);

}  // namespace bertjit
