// How a command names a task of GLUE and what a model may lose of it, in plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

enum class EvalPadding {
  kMax,      ///< every pair to max_seq_length, as the tutorial does
  kLongest,  ///< pairs of like length together, each batch to its longest pair
};

struct TaskOptions {
  std::string task = "mrpc";
  /// A folder with the split's .tsv, or with the task's own folder in it; or one such file. Empty: no task is asked.
  std::string data;
  std::string split = "dev";  ///< "train", "dev"
  int64_t max_seq_length = 128;
  int64_t batch_size = 8;
  std::optional<EvalPadding> padding;  ///< unset: as the operation says
  std::optional<int64_t> limit;        ///< the first rows only
  std::vector<std::string> labels;     ///< class of each output; empty: as label_order.h says
};

/// What a model may lose of the answers of another.
struct TaskLimits {
  std::optional<int64_t> max_flips;       ///< other answers
  std::optional<double> max_metric_drop;  ///< of the task's main metric (main_metric), as a fraction
  bool any() const {
    return max_flips || max_metric_drop;
  }
};

}  // namespace bertjit
