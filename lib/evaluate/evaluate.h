// `bertjit eval`: how well models answer a task of GLUE, and how long they take, side by side.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "evaluate/evaluate_result.h"
#include "glue/task_options.h"
#include "source/source_options.h"
#include "support/progress.h"

namespace bertjit {

struct EvalOptions {
  /// Checkpoints (run eagerly, untraced), TorchScript files, names of Python files.
  std::vector<SourceOptions> models;
  std::string task = "mrpc";
  /// A folder with the split's .tsv, or with the task's own folder in it; or one such file.
  std::string data;
  std::string split = "dev";  ///< "train", "dev", "test"
  /// Folder of the tokenizer for all models. Empty: a checkpoint's own, and for a TorchScript file that of the first
  /// checkpoint among the models.
  std::string tokenizer;
  int64_t max_seq_length = 128;
  int64_t batch_size = 8;
  std::vector<int> threads = {1};  ///< inside one operator; a pass over all rows for each
  EvalPadding padding = EvalPadding::kMax;
  std::string engine;               ///< of int8 layers: "x86", "fbgemm", "onednn", "qnnpack"; empty: the fastest
  std::optional<int64_t> limit;     ///< the first rows only
  std::vector<std::string> labels;  ///< class of each output; empty: as label_order.h says
  uint64_t seed = 0;                ///< of random weights
  Progress* progress = nullptr;     ///< counts rows; nullptr: nobody watches
};

/// Runs every model over all rows in inference mode, once for each number of threads. Each is tried on one batch
/// before the first pass, so that a model which does not fit the task is found at once.
///
/// Answers and figures are of the first pass. Throws what read_examples, open_source, load_tokenizer, order_labels,
/// bind_batch, Int8EngineGuard and the runners throw; Error(kInvalidArgument) if a model has no tokenizer, no logits
/// [batch, labels], or another number of labels than the task.
EvalResult evaluate(const EvalOptions& options);

}  // namespace bertjit
