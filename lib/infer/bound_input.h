// How an argument of a model's forward was given, in plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// A tensor, or another value that holds no tensors: an argument, or what lies in one, "states.0", "options.scale".
struct BoundInput {
  std::string name;
  std::string dtype;           ///< "int64"; of another value its type: "int", "str", "NoneType"
  std::vector<int64_t> shape;  ///< of a tensor
  std::string source;          ///< "given", "given, in order", "made of ones", "made of zeros", "default"
  /// As Python writes it: "3", "'sum'", "None"; absent for a tensor.
  std::optional<std::string> value = std::nullopt;
};

}  // namespace bertjit
