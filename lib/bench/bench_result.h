// What `bench` measured, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertjit {

/// One model at one shape and number of threads.
struct BenchRow {
  std::string model;  ///< path as given
  std::string kind;   ///< "eager" for a checkpoint, "torchscript" for a .pt
  int64_t batch = 0;
  int64_t seq = 0;
  int threads = 0;
  std::vector<double> first_s;  ///< seconds of runs 1, 2 and 3, in which TorchScript still profiles and rewrites
  std::vector<double> runs_s;   ///< seconds of each run after them, in order
};

struct BenchResult {
  std::string cpu_capability;  ///< the instructions libtorch uses: "AVX512"
  std::vector<BenchRow> rows;  ///< models outermost, then threads, shapes
};

}  // namespace bertjit
