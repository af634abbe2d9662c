// What `bench` measured, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertjit {

/// One model on one batch of inputs and number of threads.
struct BenchRow {
  std::string model;           ///< path as given
  std::string kind;            ///< "eager" for what runs untraced, "torchscript" for what TorchScript's executor runs
  std::string inputs;          ///< where they come from: "shape 8x128", "--input"
  std::vector<int64_t> shape;  ///< of the first tensor among the inputs; [batch, length] for texts
  int threads = 0;
  std::vector<double> first_s;  ///< seconds of runs 1, 2 and 3, in which TorchScript still profiles and rewrites
  std::vector<double> runs_s;   ///< seconds of each run after them, in order
};

struct BenchResult {
  std::string cpu_capability;  ///< the instructions libtorch uses: "AVX512"
  std::vector<BenchRow> rows;  ///< threads outermost, then inputs, models
};

}  // namespace bertjit
