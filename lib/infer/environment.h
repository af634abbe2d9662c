// The machine and the library that a number was measured with, in plain data.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

struct Environment {
  std::string libtorch;                   ///< version
  std::string cpu;                        ///< its name, or the architecture where the system gives none
  std::string cpu_capability;             ///< the instructions that libtorch's own kernels use: "AVX512"
  std::vector<std::string> cpu_features;  ///< beyond these, what its libraries choose kernels by: "avx512_vnni"
  int cores = 0;                          ///< that this process may use
  int interop_threads = 0;                ///< that run operators side by side
  std::string parallel_info;              ///< at::get_parallel_info(): OpenMP, MKL, their variables; several lines
};

Environment describe_environment();

/// Lets operators run one after the other: one inter-op thread. libtorch takes that once in a process, and not after
/// operators ran side by side in it; then it stays as it is, as describe_environment() says.
void use_one_interop_thread();

}  // namespace bertjit
