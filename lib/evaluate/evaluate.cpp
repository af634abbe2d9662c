#include "evaluate/evaluate.h"

#include <algorithm>
#include <map>
#include <utility>

#include <ATen/Parallel.h>
#include <ATen/Version.h>

#include "evaluate/entrant.h"
#include "glue/answers.h"
#include "glue/comparison.h"
#include "glue/encoded.h"
#include "glue/examples.h"
#include "glue/metrics.h"
#include "glue/pass.h"
#include "infer/allocator.h"
#include "infer/guards.h"
#include "infer/int8_engine.h"
#include "support/error.h"
#include "support/stopwatch.h"

namespace bertjit {

namespace {

/// One evaluation, step by step.
class Evaluation {
 public:
  explicit Evaluation(const EvalOptions& options)
      : options_(options),
        task_(find_glue_task(options.task)),
        sets_(read_examples(task_, {options.data, options.split}, options.limit)) {}

  EvalResult run() {
    describe_task();
    for (const SourceOptions& model : options_.models) {
      entrants_.push_back(open_entrant(model, options_, task_, shelf_));
    }
    try_models();
    count_work();
    for (const ExampleSet& set : sets_) {
      result_.data.push_back(evaluate_set(set));
    }
    for (Entrant& entrant : entrants_) {
      result_.models.push_back(std::move(entrant.description));
    }
    return std::move(result_);
  }

 private:
  void describe_task() {
    result_.task = task_.name;
    result_.split = options_.split;
    for (const GlueClass& one : task_.classes) {
      result_.classes.push_back(one.word);
    }
    result_.positive = task_.positive ? task_.classes[*task_.positive].word : "";
    result_.max_seq_length = options_.max_seq_length;
    result_.batch_size = options_.batch_size;
    result_.padding = options_.padding == EvalPadding::kMax ? "max" : "longest";
    result_.cpu_capability = at::get_cpu_capability();
    result_.int8_engine = int8_engine();
  }

  const EncodedExamples& encode(Entrant& entrant, const ExampleSet& set) {
    const auto [it, is_new] = encoded_.try_emplace({entrant.tokenizer, &set});
    if (is_new) {
      const Stopwatch watch;
      it->second =
          encode_examples(*entrant.tokenizer, set, options_.max_seq_length, std::ranges::max(options_.threads));
      entrant.description.tokenize_seconds += watch.seconds();
    }
    return it->second;
  }

  std::vector<RowBatch> plan(const EncodedExamples& examples) const {
    return plan_batches(examples, options_.padding, options_.batch_size);
  }

  /// What would fail in the last model after an hour fails now.
  void try_models() {
    const ThreadGuard guard(options_.threads.front());
    for (Entrant& entrant : entrants_) {
      const EncodedExamples& examples = encode(entrant, sets_.front());
      const std::vector<RowBatch> batches = plan(examples);
      EvalPass(entrant.runner(), examples, batches, logits_shape(task_)).try_once();
      const auto& inputs = entrant.runner().signature().inputs;
      if (std::ranges::find(inputs, "attention_mask", &Argument::name) == inputs.end()) {
        entrant.description.notes.push_back(entrant.description.name +
                                            ": takes no attention_mask, so padding is text to it");
      }
    }
  }

  void count_work() const {
    if (options_.progress == nullptr) {
      return;
    }
    for (const ExampleSet& set : sets_) {
      options_.progress->add_total(set.examples.size() * entrants_.size() * options_.threads.size());
    }
  }

  EvalData evaluate_set(const ExampleSet& set) {
    EvalData data{.name = set.name, .path = set.path, .has_labels = set.has_labels, .notes = set.notes};
    for (const Example& example : set.examples) {
      data.lines.push_back(example.line);
    }
    RowLabels labels = labels_of(task_, set);
    data.labels = std::move(labels.classes);
    data.scores = std::move(labels.scores);
    add_baselines(data);
    for (Entrant& entrant : entrants_) {
      data.models.push_back(evaluate_model(entrant, set, data));
    }
    return data;
  }

  std::string prefix(const EvalData& data) const {
    return task_.parts.size() > 1 ? data.name + "/" : "";
  }

  void add_baselines(EvalData& data) const {
    for (size_t i = 0; data.has_labels && i < task_.classes.size(); ++i) {
      const std::vector<int64_t> same(data.labels.size(), static_cast<int64_t>(i));
      data.baselines.push_back({task_.classes[i].word, score_classes(task_, data.labels, same, prefix(data))});
    }
  }

  EvalAnswers evaluate_model(Entrant& entrant, const ExampleSet& set, const EvalData& data) {
    const EncodedExamples& examples = encode(entrant, set);
    const std::vector<RowBatch> batches = plan(examples);
    EvalPass pass(entrant.runner(), examples, batches, logits_shape(task_));
    std::vector<EvalTiming> timings;
    at::Tensor first;
    for (const int threads : options_.threads) {
      const ThreadGuard guard(threads);
      const Stopwatch watch;
      const at::Tensor logits = pass.run([&](size_t rows) {
        if (options_.progress != nullptr) {
          options_.progress->advance(rows);
        }
      });
      const double seconds = watch.seconds();
      first = first.defined() ? first : logits;
      timings.push_back({at::get_num_threads(), seconds, (logits - first).abs().max().item<double>()});
    }
    if (pass.was_filled_up()) {
      entrant.description.notes.push_back(entrant.description.name + ": takes batches of " +
                                          std::to_string(options_.batch_size) +
                                          " only; the last one was filled up with copies of its last row");
    }
    EvalAnswers answers = answers_of(task_, first, entrant.order, {data.labels, data.scores}, prefix(data));
    answers.timings = std::move(timings);
    for (const RowBatch& batch : batches) {
      answers.positions += batch.length * static_cast<int64_t>(batch.rows.size());
    }
    for (const int64_t length : examples.lengths) {
      answers.tokens += length;
    }
    if (!data.models.empty()) {
      answers.against_first = compare_answers(data.models.front(), answers, data.labels,
                                              entrants_.front().order.classes, entrant.order.classes);
    }
    return answers;
  }

  const EvalOptions& options_;
  const GlueTask& task_;
  std::vector<ExampleSet> sets_;
  TokenizerShelf shelf_;
  std::vector<Entrant> entrants_;
  std::map<std::pair<const Tokenizer*, const ExampleSet*>, EncodedExamples> encoded_;
  EvalResult result_;
};

}  // namespace

EvalResult evaluate(const EvalOptions& options) {
  keep_freed_memory();
  const Int8EngineGuard engine(options.engine);
  return Evaluation(options).run();
}

}  // namespace bertjit
