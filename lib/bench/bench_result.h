// What `bench` measured, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "infer/environment.h"

namespace bertjit {

/// Seconds of many runs in few numbers. A percentile is there if at least one run lies beyond it: p90 from 10 runs, p95
/// from 20, p99 from 100; between two runs it is interpolated, as numpy.quantile does.
struct RunFigures {
  double mean = 0;
  double median = 0;
  double min = 0;
  double max = 0;
  double stddev = 0;     ///< of the runs as a sample (n - 1); 0 of a single one
  double quartiles = 0;  ///< upper quartile minus lower
  std::optional<double> p10;
  std::optional<double> p90;
  std::optional<double> p95;
  std::optional<double> p99;
  double drift = 0;             ///< median of the second half of the runs over that of the first, minus 1
  std::optional<bool> settled;  ///< absent below kRunsToSettle runs; see summarize_runs()
};

/// One model on one batch of inputs and number of threads.
struct BenchRow {
  std::string model;           ///< path as given
  std::string kind;            ///< "eager" for what runs untraced, "torchscript" for what TorchScript's executor runs
  std::string inputs;          ///< where they come from: "shape 8x128", "--input"
  std::vector<int64_t> shape;  ///< of the first tensor among the inputs; [batch, length] for texts
  int threads = 0;
  std::vector<double> first_s;         ///< seconds of runs 1, 2 and 3, in which TorchScript still profiles and rewrites
  std::vector<double> runs_s;          ///< seconds of the runs that count, in order
  RunFigures figures;                  ///< of runs_s
  std::optional<uint64_t> peak_bytes;  ///< what the model held at most while runs 1 to 3 ran; absent if not known
  double speedup = 1;  ///< time of the first model over this one's in the same turn, on the same inputs: the median

  bool is_of_sequences() const {
    return shape.size() == 2;
  }
};

struct BenchModel {
  std::string name;                      ///< path as given
  std::string kind;                      ///< as BenchRow::kind
  std::string dtype;                     ///< most of its weights: "float32", "int8"; empty if it has none
  uint64_t size_bytes = 0;               ///< of the file; of a checkpoint, of its weights in that dtype
  double open_s = 0;                     ///< reading, checking, building
  std::optional<uint64_t> opened_bytes;  ///< what it held in memory then; absent if not known
  std::vector<std::string> notes;        ///< what was assumed or passed over, one line each
};

/// What it takes to run texts in batches of one size, padded in one way.
struct PaddingPlan {
  int64_t batch = 0;
  std::string padding;    ///< "max": all to the greatest length; "longest": each batch to its longest text
  bool sorted = false;    ///< texts of like length together
  int64_t positions = 0;  ///< tokens and padding
  struct Cost {
    std::string model;
    int threads = 0;
    double seconds = 0;  ///< by the measured medians, see estimate_seconds()
  };
  std::vector<Cost> costs;  ///< none for models that were not measured at this batch size
};

struct BenchTexts {
  std::string path;
  std::string tokenizer;         ///< folder
  int64_t max_length = 0;        ///< longer texts were cut to it
  int64_t cut = 0;               ///< how many were
  std::vector<int64_t> lengths;  ///< tokens of each, in the order of the file
  int64_t tokens = 0;
  std::vector<PaddingPlan> plans;
};

struct BenchResult {
  Environment environment;
  std::string int8_engine;  ///< what ran int8 layers: "x86"
  int64_t warmup = 0;       ///< runs between the first three and those that count
  std::vector<BenchModel> models;
  std::vector<BenchRow> rows;      ///< threads outermost, then inputs, models
  std::vector<BenchTexts> texts;   ///< one for each file of texts
  std::vector<std::string> notes;  ///< what a reader should know of the whole, one line each
};

}  // namespace bertjit
