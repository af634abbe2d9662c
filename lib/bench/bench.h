// `bertjit bench`: how long models take and what memory, by batch size, length and threads, or on inputs that are
// given; and what padding costs for texts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/bench_result.h"
#include "infer/input_options.h"
#include "source/source_options.h"
#include "support/progress.h"

namespace bertjit {

/// Texts whose lengths are looked at. At most one of `file` and `data` is given.
struct BenchTextOptions {
  std::string file;  ///< one text a line, a tab splits a pair
  std::string data;  ///< of GLUE: a folder with the split's .tsv, or with the task's own folder in it; or one such file
  std::string task = "mrpc";
  std::string split = "dev";
};

struct BenchOptions {
  /// Checkpoints (run eagerly, untraced), TorchScript files, names of Python files (run operator by operator; by
  /// TorchScript what their file scripts or traces).
  std::vector<SourceOptions> models;
  /// What every model runs on. Without any: what a torch.jit.trace(…) in a Python file is given, unless `batch`, `seq`
  /// or `texts` are; else inputs of every shape, made from inputs.seed, which is that of random weights too.
  InputOptions inputs;
  std::vector<int64_t> batch;  ///< empty: 1
  /// Empty: 128, with texts 16, 32, 64 and 128, as far as the models' positions reach. With texts the greatest is what
  /// they are cut to.
  std::vector<int64_t> seq;
  std::vector<int> threads = {1};    ///< inside one operator; 0: one per core
  std::optional<int64_t> runs;       ///< that count, at least; unset: 10
  std::optional<double> duration_s;  ///< the models' runs together, at least; unset: 0 where `runs` is set, else 1
  int64_t warmup = 0;                ///< runs that do not count, after the first three
  std::string engine;                ///< of int8 layers: "x86", "fbgemm", "onednn", "qnnpack"; empty: the fastest
  BenchTextOptions texts;
  Progress* progress = nullptr;  ///< counts runs; nullptr: nobody watches
};

/// Runs every model on its inputs and at every number of threads, in inference mode, operators one after the other.
/// Each run has a copy of the inputs.
///
/// First come runs 1, 2 and 3 of every row, one row after the other, with the memory they take: a model that does not
/// take one of the shapes is found before the long part begins. Then models take turns, run by run, so that a slow
/// spell of the machine meets all of them. Both times TorchScript's executor starts anew for each row, so no row
/// depends on the order of the others; of the second time, too, the first three runs do not count.
///
/// Throws Error(kInvalidArgument) if there is nothing to measure, inputs are given together with shapes or texts, or
/// texts come without a tokenizer; else as open_source, make_batch, shape_batch, bind_batch, read_examples,
/// Int8EngineGuard and the runners do.
BenchResult bench(const BenchOptions& options);

}  // namespace bertjit
