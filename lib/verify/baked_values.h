// What code holds that an example may have left there: tensors, sizes, devices, each with the module whose code it is.
//
// A tracer records what Python computes from shapes as plain numbers, and what it computes without the inputs (position
// ids from a length) as tensors. Both look like what a network has anyway, so nothing here is a fault: it is where to
// look once a shape has failed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

struct BakedValue {
  enum class Kind {
    kData,    ///< a tensor of integers or bools, or one that masks
    kSize,    ///< a number where an operator takes a size
    kDevice,  ///< other than the CPU
  };
  Kind kind = Kind::kSize;
  std::string module;  ///< path in the file of the module whose code holds it; "" the root
  std::string text;    ///< "int64 [1, 12] for embedding", "reshape to [3, -1, 3]", "to cuda:0"
  /// Numbers that may be an example's batch size, and those that may be its length.
  std::vector<int64_t> batches;
  std::vector<int64_t> lengths;
};

struct BakedValues {
  std::vector<BakedValue> values;  ///< in the order in which the code runs
  std::string why_not;             ///< why the rest was not looked at; empty if all was
};

/// Reads the code of `forward` and of what it calls; nothing is run. Stops, and says so, after a million operators.
BakedValues find_baked_values(const torch::jit::Module& module);

}  // namespace bertjit
