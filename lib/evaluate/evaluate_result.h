// What `evaluate` found, as plain data.
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

/// Always the same answer.
struct EvalBaseline {
  std::string answer;
  EvalScore score;
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

struct EvalModel {
  std::string name;             ///< as given
  std::string kind;             ///< "eager" for what runs untraced, "torchscript" for what TorchScript's executor runs
  std::string dtype;            ///< most of its weights: "float32", "int8"
  uint64_t size_bytes = 0;      ///< of the file; of a checkpoint, of its weights in that dtype
  std::string tokenizer;        ///< folder
  double tokenize_seconds = 0;  ///< 0 if another model had the same tokenizer
  std::vector<std::string> labels;  ///< class of each output, in the model's order
  std::string labels_from;  ///< "--labels", "id2label of DIR/config.json", "GLUE's order", "RoBERTa's order of MNLI"
  std::vector<std::string> notes;  ///< what was assumed, one line each
};

/// One file.
struct EvalData {
  std::string name;  ///< "mrpc", "mnli-mm"
  std::string path;
  bool has_labels = true;
  std::vector<int64_t> lines;   ///< of each row in the file, from 1
  std::vector<int64_t> labels;  ///< indices into the classes; empty for a regression and without labels
  std::vector<double> scores;   ///< of a regression
  std::vector<EvalBaseline> baselines;
  std::vector<EvalAnswers> models;  ///< as EvalResult::models
  std::vector<std::string> notes;
};

struct EvalResult {
  std::string task;
  std::string split;
  std::vector<std::string> classes;  ///< words of the label column; none for a regression
  std::string positive;              ///< the class that "f1" is of; empty if none is special
  int64_t max_seq_length = 0;
  int64_t batch_size = 0;
  std::string padding;         ///< "max", "longest"
  std::string cpu_capability;  ///< the instructions libtorch uses: "AVX512"
  std::vector<EvalModel> models;
  std::vector<EvalData> data;
};

}  // namespace bertjit
