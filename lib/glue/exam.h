// A task put to several models on the same rows: their answers, and what sets them apart.
//
// MNLI's two files count as one: all of their rows together.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "glue/answers.h"
#include "glue/encoded.h"
#include "glue/pass.h"
#include "glue/task_options.h"

namespace bertjit {

class Exam {
 public:
  /// Reads and encodes the rows, on up to `threads` threads (0: one per core). `order` is that of the models' outputs.
  ///
  /// Throws what find_glue_task, read_examples and encode_examples throw.
  Exam(const TaskOptions& options, EvalPadding padding, const Tokenizer& tokenizer, LabelOrder order, int threads);

  const GlueTask& task() const {
    return task_;
  }
  const ExamSetting& setting() const {
    return setting_;
  }

  /// Runs the model on the first batch, to see whether it does what the task needs. Throws as EvalPass does.
  void try_once(Runner& runner) const;

  /// The model's answers to all rows, with one timing. `count` is told the rows of each batch when it is done.
  EvalAnswers ask(
      Runner& runner, const std::function<void(size_t)>& count = [](size_t) {}) const;

  EvalComparison compare(const EvalAnswers& first, const EvalAnswers& second) const;

  /// Value of the task's main metric.
  double metric(const EvalAnswers& answers) const {
    return main_metric_of(answers).value;
  }

  /// `count` batches or, if there are fewer, all: spread over the lengths, each padded to its longest row.
  std::vector<Batch> sample(const Signature& signature, size_t count) const;

 private:
  struct Part {
    EncodedExamples examples;
    std::vector<RowBatch> batches;
  };

  const EvalMetric& main_metric_of(const EvalAnswers& answers) const;

  const GlueTask& task_;
  int64_t batch_size_;
  LabelOrder order_;
  RowLabels labels_;  ///< of all parts
  std::vector<Part> parts_;
  ExamSetting setting_;
};

/// What of `limits` is not held, in words ("9 answers changed, at most 8 may"); empty if all is. `drop`: by how much
/// the main metric, `metric`, is lower. A NaN holds nothing.
std::string broken_limits(const TaskLimits& limits, int64_t changed, double drop, const std::string& metric);

/// Throws Error(kInvalidArgument) for a limit that the task cannot have: answers of a regression do not flip.
void refuse_limits(const GlueTask& task, const TaskLimits& limits);

}  // namespace bertjit
