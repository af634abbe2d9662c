// Logits to answers, and answers to figures.
#pragma once

#include <string>
#include <vector>

#include <ATen/ATen.h>

#include "glue/examples.h"
#include "glue/glue_result.h"
#include "glue/glue_task.h"
#include "glue/label_order.h"

namespace bertjit {

/// What the rows of a file are labelled with.
struct RowLabels {
  std::vector<int64_t> classes;  ///< indices into the task's classes; empty for a regression and without labels
  std::vector<double> scores;    ///< of a regression
};

/// Empty if the set has no labels.
RowLabels labels_of(const GlueTask& task, const ExampleSet& set);

/// `logits` [rows, outputs], float64, as EvalPass gives them: an answer for each row (of classes) and, with labels, the
/// figures. `prefix` goes before the metrics' names.
EvalAnswers answers_of(const GlueTask& task, const at::Tensor& logits, const LabelOrder& order, const RowLabels& labels,
                       const std::string& prefix);

}  // namespace bertjit
