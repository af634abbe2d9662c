// Answers and labels to figures: GLUE's own metrics, and whether two models really differ.
//
// Formulas: scikit-learn 1.9 (precision_recall_fscore_support with zero_division 0, matthews_corrcoef) and scipy 1.17
// (pearsonr, spearmanr with average ranks), which transformers' glue_compute_metrics calls; McNemar 1947, in the exact
// form (the binomial test of the pairs that only one model answers rightly).
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "glue/glue_result.h"
#include "glue/glue_task.h"

namespace bertjit {

/// Figures of a task with classes. `answers` are indices into its classes; -1, a model's NaN, is right nowhere and
/// counts as an answer that is no class. Both spans have the same length, and labels none that is -1.
/// `prefix` goes before the metrics' names ("mnli/").
EvalScore score_classes(const GlueTask& task, std::span<const int64_t> labels, std::span<const int64_t> answers,
                        const std::string& prefix);

/// Figures of a regression; NaN where one side is constant or holds a NaN.
EvalScore score_regression(std::span<const double> labels, std::span<const double> answers, const std::string& prefix);

/// The one figure that stands for the task: F1 where GLUE has it, Matthews' correlation for CoLA, Pearson's for STS-B,
/// else accuracy. `score` is one of the task's.
const EvalMetric& main_metric(const GlueTask& task, const EvalScore& score);

/// From -1 to 1, 0 where neither tells of the other; of values, and of their ranks. NaN if one side is constant.
double pearson_correlation(std::span<const double> left, std::span<const double> right);
double spearman_correlation(std::span<const double> left, std::span<const double> right);

/// Two-sided p of McNemar's exact test: how likely a split at least as uneven is if neither model is better.
/// `only_first` and `only_second` are the counts of what one of them alone answers rightly. 1 if there are none.
double mcnemar_p(int64_t only_first, int64_t only_second);

}  // namespace bertjit
