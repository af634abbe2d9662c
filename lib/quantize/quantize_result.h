// What `quantize` made, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "glue/glue_result.h"
#include "glue/task_options.h"
#include "quantize/quantize_scheme.h"
#include "source/source_choice.h"
#include "source/source_kind.h"
#include "support/evidence.h"

namespace bertjit {

/// One linear layer, or one table.
struct QuantizedLayer {
  std::string name;  ///< path of its module
  bool is_embedding = false;
  std::vector<int64_t> shape;  ///< of its weight: [out, in], [rows, width]
  bool quantized = false;
  std::string kept;        ///< why it was not: "--keep-fp32 output.dense"
  double least_scale = 0;  ///< of what was: between two numbers of the int8 weight
  double greatest_scale = 0;
};

/// Bytes of one kind in a file. Those of all groups together are the file's.
struct ByteGroup {
  std::string name;  ///< "embeddings", "linear layers", "rest"
  uint64_t before_bytes = 0;
  uint64_t after_bytes = 0;
};

/// What a layer's int8 costs, if it alone is int8.
struct LayerSensitivity {
  std::string name;
  bool quantized = false;     ///< in what was written
  double layer_sqnr_db = 0;   ///< of its own output, on its float32 input
  double output_sqnr_db = 0;  ///< of the model's outputs, all together
  double max_abs_error = 0;   ///< of the model's outputs
  uint64_t saved_bytes = 0;   ///< what int8 saves
};

/// One setting, as it was tried on a task's rows.
struct QuantizeTrial {
  std::string step;  ///< "all int8", "the worst 4 in float32", "encoder.layer.0.output.dense int8 again"
  QuantizeScheme scheme = QuantizeScheme::kPerTensor;
  std::vector<std::string> kept;  ///< layers that the search left in float32
  int64_t changed = 0;            ///< answers other than the original's
  double metric = 0;
  double metric_drop = 0;   ///< the original's minus this one's
  uint64_t size_bytes = 0;  ///< of its file
  double seconds = 0;       ///< of the pass over all rows
  bool holds = false;       ///< the limits
};

/// What a task's rows say of the result.
struct QuantizeTask {
  ExamSetting setting;
  TaskLimits limits;
  std::vector<QuantizeTrial> trials;  ///< in the order they were tried
  int64_t ranked_layers = 0;          ///< each alone int8, on `ranked_rows`; 0 if there was no need
  int64_t ranked_rows = 0;
  EvalScore expected;  ///< in float32
  EvalScore actual;
  EvalComparison comparison;  ///< of the result with float32
  double expected_seconds = 0;
  double actual_seconds = 0;
  double speed = 0;  ///< float32's time over the result's, some batches run in turns
  std::vector<std::string> notes;
};

struct QuantizeResult {
  std::string source;
  SourceKind kind = SourceKind::kArchive;
  std::optional<SourceChoice> choice;  ///< of a checkpoint: which network was traced
  std::string output;                  ///< file that was written; empty if a check failed and nothing was
  std::string archive_name;
  QuantizeScheme scheme = QuantizeScheme::kPerTensor;
  bool reduce_range = true;
  std::string engine;                  ///< that ran the check
  std::vector<QuantizedLayer> layers;  ///< in the order of the code
  std::vector<ByteGroup> sizes;
  uint64_t before_bytes = 0;  ///< of the file it was made from; of a checkpoint, of its trace
  uint64_t size_bytes = 0;
  std::string example;                        ///< where the example inputs come from; empty if none could be made
  std::vector<LayerSensitivity> sensitivity;  ///< the worst first; empty unless asked for
  std::optional<QuantizeTask> task;           ///< unset unless rows were given
  std::vector<CheckResult> checks;
  bool passed = false;
};

}  // namespace bertjit
