#include "glue/answers.h"

#include "glue/metrics.h"

namespace bertjit {

namespace {

std::vector<double> to_vector(const at::Tensor& tensor) {
  const at::Tensor plain = tensor.contiguous();
  return {plain.const_data_ptr<double>(), plain.const_data_ptr<double>() + plain.numel()};
}

/// The class of each row's largest logit; -1 where one is NaN: there is no largest.
std::vector<int64_t> largest_classes(const at::Tensor& logits, const LabelOrder& order) {
  const at::Tensor largest = logits.argmax(1);
  const at::Tensor is_nan = logits.isnan().any(1);
  std::vector<int64_t> answers;
  for (int64_t row = 0; row < logits.size(0); ++row) {
    const auto output = static_cast<size_t>(largest[row].item<int64_t>());
    answers.push_back(is_nan[row].item<bool>() ? -1 : static_cast<int64_t>(order.classes[output]));
  }
  return answers;
}

}  // namespace

RowLabels labels_of(const GlueTask& task, const ExampleSet& set) {
  RowLabels labels;
  for (const Example& example : set.examples) {
    if (set.has_labels && task.classes.empty()) {
      labels.scores.push_back(example.score);
    } else if (set.has_labels) {
      labels.classes.push_back(example.label);
    }
  }
  return labels;
}

EvalAnswers answers_of(const GlueTask& task, const at::Tensor& logits, const LabelOrder& order, const RowLabels& labels,
                       const std::string& prefix) {
  EvalAnswers answers{.outputs = logits.size(1), .logits = to_vector(logits)};
  if (!task.classes.empty()) {
    answers.answers = largest_classes(logits, order);
  }
  if (!labels.scores.empty()) {
    answers.score = score_regression(labels.scores, answers.logits, prefix);
  } else if (!labels.classes.empty()) {
    answers.score = score_classes(task, labels.classes, answers.answers, prefix);
  }
  return answers;
}

}  // namespace bertjit
