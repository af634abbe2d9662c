// The libtorch that runs, as a bug report needs it, in plain data.
#pragma once

#include <string>
#include <vector>

#include "infer/environment.h"

namespace bertjit {

struct LibtorchFacts {
  Environment environment;
  bool has_mkl = false;
  bool has_mkldnn = false;  ///< oneDNN
  bool has_openmp = false;
  bool has_lapack = false;
  std::vector<std::string> quantized_engines;  ///< "fbgemm", "onednn"
  std::string quantized_engine;                ///< the one at work: its own choice for this CPU
  std::string config;                          ///< at::show_config(): compiler, libraries and flags; several lines
};

LibtorchFacts describe_libtorch();

}  // namespace bertjit
