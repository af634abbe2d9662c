// How one argument of a model's forward was given, in plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertjit {

struct BoundInput {
  std::string name;
  std::string dtype;  ///< "int64"
  std::vector<int64_t> shape;
  std::string source;  ///< "given", "given, in order", "made of ones", "made of zeros"
};

}  // namespace bertjit
