#include "glue/comparison.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "glue/metrics.h"

namespace bertjit {

namespace {

/// The output of the second model that is for the same class, for each output of the first.
std::vector<size_t> matching_outputs(std::span<const size_t> first, std::span<const size_t> second, size_t outputs) {
  std::vector<size_t> matching(outputs);
  for (size_t i = 0; i < outputs; ++i) {
    const bool is_class = i < first.size();
    matching[i] = is_class ? static_cast<size_t>(std::ranges::find(second, first[i]) - second.begin()) : i;
  }
  return matching;
}

void compare_logits(const EvalAnswers& first, const EvalAnswers& second, const std::vector<size_t>& matching,
                    EvalComparison& comparison) {
  double sum = 0;
  for (size_t i = 0; i < first.logits.size(); ++i) {
    const size_t output = i % matching.size();
    const double difference = std::abs(second.logits[i - output + matching[output]] - first.logits[i]);
    sum += difference;
    comparison.max_abs_logit_difference = std::max(comparison.max_abs_logit_difference, difference);
  }
  if (std::isnan(sum)) {
    comparison.max_abs_logit_difference = sum;  // std::max passes NaN over
  }
  comparison.mean_abs_logit_difference = sum / static_cast<double>(first.logits.size());
}

}  // namespace

EvalComparison compare_answers(const EvalAnswers& first, const EvalAnswers& second, std::span<const int64_t> labels,
                               std::span<const size_t> first_order, std::span<const size_t> second_order) {
  EvalComparison comparison;
  compare_logits(first, second, matching_outputs(first_order, second_order, static_cast<size_t>(first.outputs)),
                 comparison);
  for (size_t row = 0; row < first.answers.size(); ++row) {
    comparison.changed += first.answers[row] != second.answers[row] ? 1 : 0;
    if (labels.empty()) {
      continue;
    }
    const bool was_right = first.answers[row] == labels[row];
    const bool is_right = second.answers[row] == labels[row];
    comparison.only_first += was_right && !is_right ? 1 : 0;
    comparison.only_this += is_right && !was_right ? 1 : 0;
  }
  comparison.mcnemar_p = mcnemar_p(comparison.only_first, comparison.only_this);
  if (first.score && second.score) {
    for (size_t i = 0; i < first.score->metrics.size(); ++i) {
      const EvalMetric& metric = second.score->metrics[i];
      comparison.metric_differences.push_back({metric.name, metric.value - first.score->metrics[i].value});
    }
  }
  return comparison;
}

}  // namespace bertjit
