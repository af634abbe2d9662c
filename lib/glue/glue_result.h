// Answers to a task of GLUE and what they are worth, as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// Named as transformers' glue_compute_metrics names it: "acc", "f1", "mnli/acc".
struct EvalMetric {
  std::string name;
  double value = 0;
};

/// One class among the answers.
struct ClassScore {
  std::string name;
  int64_t labelled = 0;  ///< rows with this label
  int64_t answered = 0;  ///< rows with this answer
  int64_t right = 0;
  double precision = 0;
  double recall = 0;
  double f1 = 0;
};

/// How answers fit labels. A regression has `metrics` alone.
struct EvalScore {
  std::vector<EvalMetric> metrics;
  int64_t right = 0;
  double accuracy = 0;
  std::vector<ClassScore> classes;
  std::vector<std::vector<int64_t>> confusion;  ///< [label][answer]
};

/// One pass over all rows.
struct EvalTiming {
  int threads = 0;
  double seconds = 0;             ///< making batches, running the model, collecting answers; not tokenizing
  double max_abs_difference = 0;  ///< of any logit from the first pass's
};

/// A model beside the first one.
struct EvalComparison {
  std::vector<EvalMetric> metric_differences;  ///< this one's minus the first one's; none without labels
  double max_abs_logit_difference = 0;
  double mean_abs_logit_difference = 0;
  /// Of classes only, and the second and third only with labels.
  int64_t changed = 0;     ///< rows with another answer
  int64_t only_first = 0;  ///< right in the first, wrong here
  int64_t only_this = 0;   ///< wrong in the first, right here
  double mcnemar_p = 1;
};

/// One model's answers to one file.
struct EvalAnswers {
  int64_t outputs = 0;           ///< logits a row
  std::vector<double> logits;    ///< [rows, outputs], in the order of the file and of the model's outputs
  std::vector<int64_t> answers;  ///< indices into the classes; -1 where a logit is NaN. Empty for a regression
  int64_t tokens = 0;            ///< of all rows
  int64_t positions = 0;         ///< what the model was run on: tokens and padding
  std::vector<EvalTiming> timings;
  std::optional<EvalScore> score;               ///< absent without labels
  std::optional<EvalComparison> against_first;  ///< absent for the first model
};

/// A task as it is put to models that are compared.
struct ExamSetting {
  std::string task;
  std::vector<std::string> files;
  std::vector<std::string> classes;  ///< words of the label column; none for a regression
  int64_t rows = 0;                  ///< of all files together
  int64_t max_seq_length = 0;
  int64_t batch_size = 0;
  std::string padding;  ///< "max", "longest"
  std::string metric;   ///< the main one: "f1"
};

}  // namespace bertjit
