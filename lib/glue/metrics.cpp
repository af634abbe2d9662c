#include "glue/metrics.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

namespace bertjit {

namespace {

double ratio(double part, double whole) {
  return whole == 0 ? 0 : part / whole;
}

/// Of any number of classes, from counts of rows alone (Gorodkin 2004, as scikit-learn writes it).
double matthews(const EvalScore& score, double rows, double unanswered) {
  double chance = 0;
  double squared_answers = unanswered * unanswered;
  double squared_labels = 0;
  for (const ClassScore& one : score.classes) {
    const auto labelled = static_cast<double>(one.labelled);
    const auto answered = static_cast<double>(one.answered);
    chance += labelled * answered;
    squared_answers += answered * answered;
    squared_labels += labelled * labelled;
  }
  const double covariance = static_cast<double>(score.right) * rows - chance;
  return ratio(covariance, std::sqrt((rows * rows - squared_answers) * (rows * rows - squared_labels)));
}

void count_answers(const GlueTask& task, std::span<const int64_t> labels, std::span<const int64_t> answers,
                   EvalScore& score) {
  for (const GlueClass& one : task.classes) {
    score.classes.push_back({.name = one.word});
  }
  score.confusion.assign(task.classes.size(), std::vector<int64_t>(task.classes.size(), 0));
  for (size_t i = 0; i < labels.size(); ++i) {
    const auto label = static_cast<size_t>(labels[i]);
    ++score.classes[label].labelled;
    if (answers[i] < 0) {
      continue;
    }
    const auto answer = static_cast<size_t>(answers[i]);
    ++score.confusion[label][answer];
    ++score.classes[answer].answered;
    score.classes[label].right += label == answer ? 1 : 0;
    score.right += label == answer ? 1 : 0;
  }
}

/// Ranks from 1; equal values share the middle of theirs.
std::vector<double> average_ranks(std::span<const double> values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, {}, [&](size_t i) { return values[i]; });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (size_t i = begin; i < end; ++i) {
      ranks[order[i]] = 0.5 * static_cast<double>(begin + 1 + end);
    }
  }
  return ranks;
}

bool holds_nan(std::span<const double> values) {
  return std::ranges::any_of(values, [](double value) { return std::isnan(value); });
}

}  // namespace

EvalScore score_classes(const GlueTask& task, std::span<const int64_t> labels, std::span<const int64_t> answers,
                        const std::string& prefix) {
  EvalScore score;
  count_answers(task, labels, answers, score);
  for (ClassScore& one : score.classes) {
    const auto right = static_cast<double>(one.right);
    one.precision = ratio(right, static_cast<double>(one.answered));
    one.recall = ratio(right, static_cast<double>(one.labelled));
    one.f1 = ratio(2 * right, static_cast<double>(one.answered + one.labelled));
  }
  const auto rows = static_cast<double>(labels.size());
  score.accuracy = ratio(static_cast<double>(score.right), rows);
  if (task.metric == GlueMetric::kMatthews) {
    const auto unanswered = static_cast<double>(std::ranges::count_if(answers, [](int64_t i) { return i < 0; }));
    score.metrics.push_back({prefix + "mcc", matthews(score, rows, unanswered)});
    return score;
  }
  score.metrics.push_back({prefix + "acc", score.accuracy});
  if (task.metric == GlueMetric::kAccuracyAndF1) {
    const double f1 = score.classes[task.positive.value()].f1;
    score.metrics.push_back({prefix + "f1", f1});
    score.metrics.push_back({prefix + "acc_and_f1", (score.accuracy + f1) / 2});
  }
  return score;
}

EvalScore score_regression(std::span<const double> labels, std::span<const double> answers, const std::string& prefix) {
  const double pearson = pearson_correlation(labels, answers);
  const double spearman = spearman_correlation(labels, answers);
  EvalScore score;
  score.metrics = {
      {prefix + "pearson", pearson}, {prefix + "spearmanr", spearman}, {prefix + "corr", (pearson + spearman) / 2}};
  return score;
}

const EvalMetric& main_metric(const GlueTask& task, const EvalScore& score) {
  return score.metrics.at(task.metric == GlueMetric::kAccuracyAndF1 ? 1 : 0);
}

double pearson_correlation(std::span<const double> left, std::span<const double> right) {
  const auto rows = static_cast<double>(left.size());
  const double left_mean = std::accumulate(left.begin(), left.end(), 0.0) / rows;
  const double right_mean = std::accumulate(right.begin(), right.end(), 0.0) / rows;
  double product = 0;
  double left_squares = 0;
  double right_squares = 0;
  for (size_t i = 0; i < left.size(); ++i) {
    const double x = left[i] - left_mean;
    const double y = right[i] - right_mean;
    product += x * y;
    left_squares += x * x;
    right_squares += y * y;
  }
  const double scale = std::sqrt(left_squares) * std::sqrt(right_squares);
  return scale == 0 ? std::numeric_limits<double>::quiet_NaN() : std::clamp(product / scale, -1.0, 1.0);
}

double spearman_correlation(std::span<const double> left, std::span<const double> right) {
  if (holds_nan(left) || holds_nan(right)) {
    return std::numeric_limits<double>::quiet_NaN();  // there is no order with a NaN in it
  }
  return pearson_correlation(average_ranks(left), average_ranks(right));
}

double mcnemar_p(int64_t only_first, int64_t only_second) {
  const auto all = static_cast<double>(only_first + only_second);
  double sum = 0;
  for (int64_t i = 0; i <= std::min(only_first, only_second); ++i) {
    const auto chosen = static_cast<double>(i);
    // Through logarithms: 0.5^n is no double for n > 1074.
    sum +=
        std::exp(std::lgamma(all + 1) - std::lgamma(chosen + 1) - std::lgamma(all - chosen + 1) - all * std::log(2.0));
  }
  return std::min(1.0, 2 * sum);
}

}  // namespace bertjit
