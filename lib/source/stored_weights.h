// What a module's weights are stored in, for a table: a word and a size.
#pragma once

#include <cstdint>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "source/source.h"

namespace bertjit {

struct StoredWeights {
  std::string dtype;        ///< that most bytes have, "int8" where weights are packed for int8; empty without weights
  uint64_t size_bytes = 0;  ///< of all that are tensors, each storage once; packed ones are not counted
};

/// Of attributes and, since a frozen module keeps its weights there, of constants of forward.
StoredWeights describe_weights(const torch::jit::Module& module);

/// Of what is run: the dtype is the claimed one where the file has claims, and the size of a file that is no checkpoint
/// is the file's. Both empty for a function of a Python file.
StoredWeights describe_weights(const Source& source);

}  // namespace bertjit
