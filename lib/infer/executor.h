// What runs a TorchScript module, as plain data.
#pragma once

namespace bertjit {

enum class Executor {
  kEager,      ///< bertjit's own interpreter: operator by operator, as written, errors with their source lines
  kSimple,     ///< libtorch's interpreter, on a graph optimized once and without regard to the inputs
  kProfiling,  ///< libtorch's default: the first runs are observed, then the graph is specialized to what came
};

/// "eager", "simple", "profiling".
inline const char* executor_name(Executor executor) {
  return executor == Executor::kEager ? "eager" : executor == Executor::kSimple ? "simple" : "profiling";
}

}  // namespace bertjit
