// The arguments a runner takes, and binding a batch to them by name.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "infer/bound_input.h"
#include "models/model.h"

namespace bertjit {

/// Arguments of forward in call order, and what is known of their values.
struct Signature {
  std::string owner;  ///< file or folder, for messages
  std::vector<ModelInput> inputs;
  int64_t max_positions = 0;  ///< longest sequence; 0 if not known
  /// What decoder_input_ids begin with; absent if not known, or where there are none.
  std::optional<int64_t> decoder_start_token_id = std::nullopt;
};

/// One value for an argument; without a name it binds in order.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

/// Inputs for one call, and where they come from ("--text", "inputs.npz", "shape 8x128").
struct Batch {
  std::string origin;
  std::vector<NamedTensor> tensors;
};

/// A batch in call order, with the missing optional arguments made.
struct BoundBatch {
  std::string origin;
  std::vector<at::Tensor> tensors;  ///< one for each argument
  std::vector<std::string>
      sources;  ///< how each was bound: "given", "made of ones", "made of zeros", "given, in order"
};

/// Puts `batch` in call order. A tensor without a name binds to the argument after the one before it, unless that would
/// be a guess between attention_mask and token_type_ids.
///
/// Throws Error(kInvalidArgument), naming argument, value and limit: for an unknown or doubly given name (the known
/// ones are listed), a required one that is missing, one that is not an integer tensor where ids are meant, ids beyond
/// the limit, a sequence longer than max_positions, shapes that differ between arguments, or a nameless tensor that
/// could be mask or segments.
BoundBatch bind_batch(const Batch& batch, const Signature& signature);

/// A bound batch in plain data, for results.
std::vector<BoundInput> describe_inputs(const BoundBatch& batch, const Signature& signature);

}  // namespace bertjit
