#include "glue/exam.h"

#include <algorithm>
#include <cstdio>

#include <ATen/Parallel.h>

#include "glue/comparison.h"
#include "glue/examples.h"
#include "glue/metrics.h"
#include "support/error.h"
#include "support/stopwatch.h"

namespace bertjit {

Exam::Exam(const TaskOptions& options, EvalPadding padding, const Tokenizer& tokenizer, LabelOrder order, int threads)
    : task_(find_glue_task(options.task)), batch_size_(options.batch_size), order_(std::move(order)) {
  setting_ = {.task = task_.name,
              .max_seq_length = options.max_seq_length,
              .batch_size = options.batch_size,
              .padding = padding == EvalPadding::kMax ? "max" : "longest"};
  for (const GlueClass& one : task_.classes) {
    setting_.classes.push_back(one.word);
  }
  for (const ExampleSet& set : read_examples(task_, {options.data, options.split}, options.limit)) {
    RowLabels labels = labels_of(task_, set);
    labels_.classes.insert(labels_.classes.end(), labels.classes.begin(), labels.classes.end());
    labels_.scores.insert(labels_.scores.end(), labels.scores.begin(), labels.scores.end());
    setting_.files.push_back(set.path);
    setting_.rows += static_cast<int64_t>(set.examples.size());
    Part part{encode_examples(tokenizer, set, options.max_seq_length, threads), {}};
    part.batches = plan_batches(part.examples, padding, batch_size_);
    parts_.push_back(std::move(part));
  }
  setting_.metric =
      main_metric_of(
          answers_of(task_, at::zeros({setting_.rows, logits_shape(task_).labels}, at::kDouble), order_, labels_, ""))
          .name;
}

void Exam::try_once(Runner& runner) const {
  EvalPass(runner, parts_.front().examples, parts_.front().batches, logits_shape(task_)).try_once();
}

EvalAnswers Exam::ask(Runner& runner, const std::function<void(size_t)>& count) const {
  const Stopwatch watch;
  std::vector<at::Tensor> logits;
  for (const Part& part : parts_) {
    logits.push_back(EvalPass(runner, part.examples, part.batches, logits_shape(task_)).run(count));
  }
  const double seconds = watch.seconds();
  EvalAnswers answers = answers_of(task_, at::cat(logits), order_, labels_, "");
  answers.timings.push_back({.threads = at::get_num_threads(), .seconds = seconds});
  return answers;
}

EvalComparison Exam::compare(const EvalAnswers& first, const EvalAnswers& second) const {
  return compare_answers(first, second, labels_.classes, order_.classes, order_.classes);
}

const EvalMetric& Exam::main_metric_of(const EvalAnswers& answers) const {
  return main_metric(task_, answers.score.value());
}

std::vector<Batch> Exam::sample(const Signature& signature, size_t count) const {
  std::vector<std::pair<const Part*, RowBatch>> all;
  for (const Part& part : parts_) {
    for (RowBatch& batch : plan_batches(part.examples, EvalPadding::kLongest, batch_size_)) {
      all.emplace_back(&part, std::move(batch));
    }
  }
  const size_t taken = std::min(count, all.size());
  std::vector<Batch> sample;
  for (size_t i = 0; i < taken; ++i) {
    const auto& [part, rows] = all[(2 * i + 1) * all.size() / (2 * taken)];
    sample.push_back(make_rows(part->examples, rows, signature));
  }
  return sample;
}

std::string broken_limits(const TaskLimits& limits, int64_t changed, double drop, const std::string& metric) {
  std::string text;
  if (limits.max_flips && changed > *limits.max_flips) {
    text = std::to_string(changed) + (changed == 1 ? " answer" : " answers") + " changed, at most " +
           std::to_string(*limits.max_flips) + " may";
  }
  if (limits.max_metric_drop && !(drop <= *limits.max_metric_drop)) {
    char words[96];
    std::snprintf(words, sizeof words, "%s fell by %.4f, by at most %.4f it may", metric.c_str(), drop,
                  *limits.max_metric_drop);
    text += (text.empty() ? "" : "; ") + std::string(words);
  }
  return text;
}

void refuse_limits(const GlueTask& task, const TaskLimits& limits) {
  if (limits.max_flips && task.classes.empty()) {
    throw Error(ErrorKind::kInvalidArgument,
                "--max-flips: the answers of " + task.name + " are numbers, which do not flip; take --max-f1-drop");
  }
}

}  // namespace bertjit
