// `bertjit quantize`: linear layers, and word tables if asked for, to int8.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "glue/task_options.h"
#include "infer/input_options.h"
#include "quantize/quantize_result.h"
#include "quantize/quantize_scheme.h"
#include "source/source_options.h"
#include "support/progress.h"

namespace bertjit {

struct QuantizeOptions {
  /// A TorchScript file, or what becomes one: a checkpoint, a name of a Python file.
  SourceOptions source;
  /// Target; replaced as a whole or not at all.
  std::string output;
  QuantizeScheme scheme = QuantizeScheme::kPerTensor;
  ReduceRange reduce_range = ReduceRange::kAuto;
  /// "x86", "fbgemm", "onednn", "qnnpack": what runs the checks here; empty: the fastest. The file holds no engine's
  /// own form.
  std::string engine;
  EmbeddingScheme embeddings = EmbeddingScheme::kFloat32;
  /// Layers that stay float32: a run of components of their path ("output.dense"), or with * and ? a pattern of the
  /// whole path.
  std::vector<std::string> keep_fp32;
  /// Rows that the result answers beside the original, where task.data names some. Padding: if it is not set, to the
  /// longest of a batch where rows do not know of one another (per token), else to the full length.
  TaskOptions task;
  /// Where the result does not hold them, the layers that bring the most error for their size stay float32 until it
  /// does. Needs task.data.
  TaskLimits limits;
  /// What the result is compared with the original on, and what layers are ranked on; without any, made up.
  InputOptions inputs;
  /// Ranks every layer by the error it brings.
  bool sensitivity = false;
  /// Root folder in the archive; empty: the output's stem, as torch.jit.save.
  std::string archive_name;
  /// Inside one operator; 0 for one per core.
  int threads = 0;
  Progress* progress = nullptr;  ///< counts layers, or rows of task.data; nullptr: nobody watches
};

/// Quantizes, compares with the original on one example and on a task's rows if there are any, and saves unless the
/// outputs are not finite or mean nothing, or limits are not held.
///
/// Throws Error where there is no answer: the source cannot be opened, has no linear layer of float32, or is quantized
/// already; a pattern matches no layer; the engine is not to be had; the rows, or the model's outputs, are not those of
/// the task; the target cannot be written. The target is then as it was.
QuantizeResult quantize(const QuantizeOptions& options);

}  // namespace bertjit
