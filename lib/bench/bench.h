// `bertjit bench`: how long models take, by batch size, length and threads.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/bench_result.h"
#include "source/source_options.h"

namespace bertjit {

struct BenchOptions {
  /// Checkpoints (run eagerly, untraced) and TorchScript files.
  std::vector<SourceOptions> models;
  std::vector<int64_t> batch = {1};
  std::vector<int64_t> seq = {128};
  std::vector<int> threads = {1};
  /// Runs that count, after the first three.
  int runs = 10;
  /// Of the ids, and of random weights.
  uint64_t seed = 0;
};

/// Runs every model at every shape and number of threads, in inference mode, on ids made from the seed.
///
/// Models take turns, run by run, so that a slow spell of the machine meets all of them.
/// Throws Error as opening a checkpoint, load_module and bind_batch do.
BenchResult bench(const BenchOptions& options);

}  // namespace bertjit
