// `bertjit bench`: how long models take, by batch size, length and threads, or on inputs that are given.
#pragma once

#include <cstdint>
#include <vector>

#include "bench/bench_result.h"
#include "infer/input_options.h"
#include "source/source_options.h"

namespace bertjit {

struct BenchOptions {
  /// Checkpoints (run eagerly, untraced), TorchScript files, names of Python files (run operator by operator; by
  /// TorchScript what their file scripts or traces).
  std::vector<SourceOptions> models;
  /// What every model runs on. Without any: what a torch.jit.trace(…) in a Python file is given, unless `batch` or
  /// `seq` say a shape; else inputs of every shape, made from inputs.seed, which is that of random weights too.
  InputOptions inputs;
  std::vector<int64_t> batch;  ///< empty: 1
  std::vector<int64_t> seq;    ///< empty: 128
  std::vector<int> threads = {1};
  /// Runs that count, after the first three.
  int runs = 10;
};

/// Runs every model on its inputs and at every number of threads, in inference mode. Each run has a copy of the inputs.
///
/// Models take turns, run by run, so that a slow spell of the machine meets all of them.
/// Throws Error(kInvalidArgument) if both inputs and shapes are given; else as open_source, make_batch, shape_batch,
/// bind_batch and the runners do.
BenchResult bench(const BenchOptions& options);

}  // namespace bertjit
