// One model over all rows of a file.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "glue/encoded.h"
#include "infer/runner.h"

namespace bertjit {

/// What a model must return for a task.
struct LogitsShape {
  int64_t labels = 0;   ///< 1 for a regression
  std::string task;     ///< for messages: "mrpc"
  std::string classes;  ///< "0, 1"; empty for a regression
};

LogitsShape logits_shape(const GlueTask& task);

class EvalPass {
 public:
  /// Borrows all that it is given.
  EvalPass(Runner& runner, const EncodedExamples& examples, const std::vector<RowBatch>& batches, LogitsShape shape)
      : runner_(runner), examples_(examples), batches_(batches), shape_(std::move(shape)) {}

  /// The first batch alone: whether the model does what the task needs. Warms it up, too.
  void try_once();

  /// Logits in the order of the file, float64 [rows, labels]. `count` is told the rows of each batch when it is done.
  ///
  /// Throws RunError if the model does not run on a batch, Error(kInvalidArgument) if its outputs hold no logits of
  /// the shape that is wanted, naming what they hold.
  at::Tensor run(const std::function<void(size_t)>& count);

  /// Whether a smaller last batch had to be filled up, for a module that takes one batch size only.
  bool was_filled_up() const {
    return fills_up_;
  }

 private:
  at::Tensor run_batch(const RowBatch& batch);
  at::Tensor run_rows(const RowBatch& batch);
  at::Tensor find_logits(const c10::IValue& outputs, int64_t rows) const;

  Runner& runner_;
  const EncodedExamples& examples_;
  const std::vector<RowBatch>& batches_;
  LogitsShape shape_;
  bool fills_up_ = false;
};

}  // namespace bertjit
