#include "quantize/search.h"

#include <malloc.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <limits>
#include <memory>
#include <utility>

#include "glue/exam.h"
#include "glue/model_facts.h"
#include "infer/runner.h"
#include "module/copy.h"
#include "quantize/chosen_layers.h"
#include "quantize/packing.h"
#include "quantize/sensitivity.h"
#include "support/error.h"
#include "support/stopwatch.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;

/// Batches that layers are ranked on, and that speed is measured on.
constexpr size_t kSampleBatches = 4;
constexpr int kTurns = 3;
/// Turns in which TorchScript's executor makes itself ready.
constexpr int kIdleTurns = 2;
/// A file of which more of the linear weights is float32 saves too little to be called int8.
constexpr double kMostKept = 0.75;
/// Layers that are tried to be given back.
constexpr size_t kMostGivenBack = 6;

struct Setting {
  RewriteOptions rewrite;
  std::set<size_t> kept;
};

/// A setting that was tried.
struct Tried {
  Setting setting;
  EvalAnswers answers;
  EvalComparison comparison;
  size_t trial = 0;  ///< index into QuantizeTask::trials
};

EvalPadding padding_of(const QuantizeOptions& options) {
  const bool rows_are_alone = options.scheme == QuantizeScheme::kPerToken;
  return options.task.padding.value_or(rows_are_alone ? EvalPadding::kLongest : EvalPadding::kMax);
}

/// The module as it runs on the rows: arguments with names of their own are told what they mean.
LoadedModule runnable(const QuantizeSubject& subject, std::vector<std::string>& notes) {
  LoadedModule loaded{copy_module(subject.module),
                      subject.source.compiled ? subject.source.compiled->claims : std::optional(subject.claims)};
  name_arguments(loaded, subject.source.name, notes);
  return loaded;
}

/// The folder of the tokenizer, for its config.json and its digest.
std::filesystem::path tokenizer_folder(const QuantizeSubject& subject, const QuantizeOptions& options) {
  const Source& source = subject.source;
  if (!options.inputs.tokenizer.empty()) {
    return options.inputs.tokenizer;
  }
  if (source.tokenizer() == nullptr) {
    throw Error(ErrorKind::kInvalidArgument, source.name +
                                                 ": --data needs a tokenizer, and it has none; name the folder of its "
                                                 "tokenizer with --tokenizer DIR");
  }
  return checkpoint_folder(source.name);
}

Exam make_exam(const QuantizeSubject& subject, const QuantizeOptions& options, std::vector<std::string>& notes) {
  const std::filesystem::path folder = tokenizer_folder(subject, options);
  const GlueTask& task = find_glue_task(options.task.task);
  refuse_limits(task, options.limits);
  if (!fits_tokenizer(claims_of(subject.source), folder)) {
    notes.push_back(subject.source.name + ": was made with other tokenizer files than those of " + folder.string());
  }
  std::unique_ptr<Tokenizer> named;
  const Tokenizer* tokenizer = subject.source.tokenizer();
  if (tokenizer == nullptr) {
    named = load_tokenizer(folder);
    tokenizer = named.get();
  }
  return Exam(options.task, padding_of(options), *tokenizer,
              order_of(subject.source, options.task.labels, task, folder), options.threads);
}

class Search {
 public:
  Search(const QuantizeSubject& subject, const std::vector<UsedLayer>& layers, const std::vector<QuantizedLayer>& rows,
         const QuantizeOptions& options)
      : subject_(subject),
        layers_(layers),
        rows_(rows),
        options_(options),
        loaded_(runnable(subject, result_.task.notes)),
        exam_(make_exam(subject, options, result_.task.notes)),
        original_(loaded_, subject.source.name) {}

  SearchResult run() {
    result_.task.setting = exam_.setting();
    result_.task.limits = options_.limits;
    exam_.try_once(original_);
    // A clone has a file of code for each class, since their names are made anew.
    clone_bytes_ = file_bytes(copy_module(subject_.module)) - file_bytes(subject_.module);
    expected_ = ask(original_);
    Tried best = try_schemes();
    const bool is_open = options_.limits.any() && !holds(best);
    if (is_open || options_.sensitivity) {
      rank(best.setting.rewrite);
    }
    if (is_open) {
      best = keep_layers(std::move(best));
    }
    finish(best);
    return std::move(result_);
  }

 private:
  void count(size_t rows) const {
    if (options_.progress != nullptr) {
      options_.progress->advance(rows);
    }
  }
  void expect(int64_t rows) const {
    if (options_.progress != nullptr) {
      options_.progress->add_total(static_cast<uint64_t>(rows));
    }
  }

  EvalAnswers ask(Runner& runner) const {
    expect(exam_.setting().rows);
    return exam_.ask(runner, [this](size_t rows) { count(rows); });
  }

  QuantizeTrial& trial(const Tried& tried) {
    return result_.task.trials[tried.trial];
  }
  bool holds(const Tried& tried) {
    return trial(tried).holds;
  }

  jit::Module rewritten(const Setting& setting) const {
    const jit::Module copy = copy_module(subject_.module);
    const ModuleLayers found = find_layers(copy);
    std::vector<const UsedLayer*> chosen;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (rows_[i].quantized && !setting.kept.contains(i)) {
        chosen.push_back(&found.layers.at(i));
      }
    }
    rewrite_layers(copy, chosen, setting.rewrite);
    return copy;
  }

  uint64_t file_bytes(const jit::Module& module) const {
    const std::string name =
        options_.archive_name.empty() ? default_archive_name(options_.output) : options_.archive_name;
    return serialized_bytes(module, {name, {{kClaimsRecord, claims_to_json(subject_.claims)}}});
  }

  Tried attempt(const std::string& step, Setting setting) {
    ::malloc_trim(0);  // each setting leaves holes as large as the model, which add up to gigabytes
    const jit::Module module = rewritten(setting);
    QuantizeTrial trial{.step = step, .scheme = setting.rewrite.scheme};
    trial.size_bytes = file_bytes(module) - clone_bytes_;
    ModuleRunner runner({module, loaded_.claims}, subject_.source.name);
    exam_.try_once(runner);  // the executor's first run is no part of the time
    Tried tried{std::move(setting), ask(runner), {}, result_.task.trials.size()};
    tried.comparison = exam_.compare(expected_, tried.answers);
    for (const size_t index : tried.setting.kept) {
      trial.kept.push_back(layers_[index].name);
    }
    trial.changed = tried.comparison.changed;
    trial.metric = exam_.metric(tried.answers);
    trial.metric_drop = exam_.metric(expected_) - trial.metric;
    trial.seconds = tried.answers.timings.front().seconds;
    trial.holds = broken_limits(options_.limits, trial.changed, trial.metric_drop, "").empty();
    result_.task.trials.push_back(std::move(trial));
    return tried;
  }

  /// How far from the limits: less is better. What nothing is asked of comes second.
  std::pair<double, double> distance(const Tried& tried) {
    const QuantizeTrial& one = trial(tried);
    const double drop = std::isnan(one.metric_drop) ? std::numeric_limits<double>::infinity() : one.metric_drop;
    const auto changed = static_cast<double>(one.changed);
    return options_.limits.max_flips ? std::pair(changed, drop) : std::pair(drop, changed);
  }

  Tried try_schemes() {
    std::vector<QuantizeScheme> schemes = {options_.scheme};
    if (options_.scheme == QuantizeScheme::kAuto) {
      schemes = {QuantizeScheme::kPerTensor, QuantizeScheme::kPerChannel, QuantizeScheme::kPerToken};
    }
    std::optional<Tried> best;
    for (const QuantizeScheme scheme : schemes) {
      Tried tried = attempt("all int8", {rewrite_options(scheme, options_), {}});
      if (!best || holds(tried) || distance(tried) < distance(*best)) {
        best = std::move(tried);
      }
      if (holds(*best)) {
        break;
      }
    }
    return *std::move(best);
  }

  void rank(const RewriteOptions& rewrite) {
    RankingData data;
    for (const Batch& batch : exam_.sample(original_.signature(), kSampleBatches)) {
      data.batches.push_back(original_.bind(batch));
      data.expected.push_back(original_.run_on_copy(data.batches.back(), GradMode::kInference));
      result_.task.ranked_rows += data.batches.back().tensor(0).size(0);
    }
    const std::vector<size_t> indices = rankable_layers(layers_, options_);
    const int64_t rows = result_.task.ranked_rows;
    result_.task.ranked_layers = static_cast<int64_t>(indices.size());
    expect(rows * result_.task.ranked_layers);
    result_.ranked =
        rank_layers(subject_.module, layers_, indices, rewrite, data, [&] { count(static_cast<size_t>(rows)); });
  }

  /// Indices of the layers that are int8, those first that bring the most noise for their bytes; as many as may stay
  /// float32.
  std::vector<size_t> worst_layers() const {
    std::vector<std::pair<double, size_t>> costs;
    double linear = 0;
    for (const LayerSensitivity& row : result_.ranked) {
      const auto at = static_cast<size_t>(std::ranges::find(rows_, row.name, &QuantizedLayer::name) - rows_.begin());
      if (rows_[at].quantized) {
        const double noise = std::pow(10, -row.output_sqnr_db / 10);
        costs.emplace_back(-noise / static_cast<double>(row.saved_bytes), at);
        linear += linear_bytes(at);
      }
    }
    std::ranges::stable_sort(costs, {}, &std::pair<double, size_t>::first);
    std::vector<size_t> worst;
    double kept = 0;
    for (const auto& [cost, at] : costs) {
      kept += linear_bytes(at);
      if (kept > kMostKept * linear || worst.size() + 1 == costs.size()) {
        break;
      }
      worst.push_back(at);
    }
    return worst;
  }

  double linear_bytes(size_t index) const {
    return rows_[index].is_embedding ? 0 : static_cast<double>(layers_[index].weight.numel());
  }

  Tried keep_worst(const std::vector<size_t>& worst, size_t number, const Setting& all) {
    return attempt("the worst " + std::to_string(number) + " in float32",
                   {all.rewrite, {worst.begin(), worst.begin() + static_cast<ptrdiff_t>(number)}});
  }

  Tried keep_layers(Tried best) {
    const std::vector<size_t> worst = worst_layers();
    const Setting all = best.setting;
    size_t too_few = 0;
    for (size_t number = 1; !holds(best) && too_few < worst.size(); number *= 2) {
      const size_t tried_number = std::min(number, worst.size());
      Tried tried = keep_worst(worst, tried_number, all);
      if (holds(tried)) {
        best = close_in(std::move(tried), worst, too_few, tried_number, all);
      } else {
        too_few = tried_number;
        best = distance(tried) < distance(best) ? std::move(tried) : std::move(best);
      }
    }
    return holds(best) ? give_back(std::move(best)) : best;
  }

  /// `best` keeps `enough` layers, and `too_few` do not do.
  Tried close_in(Tried best, const std::vector<size_t>& worst, size_t too_few, size_t enough, const Setting& all) {
    while (enough - too_few > 1) {
      const size_t middle = (too_few + enough) / 2;
      Tried tried = keep_worst(worst, middle, all);
      if (holds(tried)) {
        enough = middle;
        best = std::move(tried);
      } else {
        too_few = middle;
      }
    }
    return best;
  }

  Tried give_back(Tried best) {
    std::vector<size_t> kept(best.setting.kept.begin(), best.setting.kept.end());
    std::ranges::stable_sort(kept, std::greater<>(), [&](size_t index) { return layers_[index].weight.numel(); });
    kept.resize(kept.size() > 1 ? std::min(kept.size(), kMostGivenBack) : 0);
    for (const size_t index : kept) {
      Setting setting = best.setting;
      setting.kept.erase(index);
      Tried tried = attempt(layers_[index].name + " int8 again", std::move(setting));
      if (holds(tried)) {
        best = std::move(tried);
      }
    }
    return best;
  }

  /// In turns, since a machine that others use is not always as fast.
  double measure_speed(const Setting& setting) {
    ModuleRunner int8({rewritten(setting), loaded_.claims}, subject_.source.name);
    const std::vector<Batch> sample = exam_.sample(original_.signature(), kSampleBatches);
    std::vector<std::array<double, 2>> least(sample.size());
    for (int turn = 0; turn < kIdleTurns + kTurns; ++turn) {
      for (size_t i = 0; i < sample.size(); ++i) {
        Runner* const runners[] = {&original_, &int8};
        for (size_t side = 0; side < 2; ++side) {
          const BoundBatch bound = runners[side]->bind(sample[i]);
          const Stopwatch watch;
          runners[side]->run(bound, GradMode::kInference);
          const double seconds = watch.seconds();
          least[i][side] = turn <= kIdleTurns ? seconds : std::min(seconds, least[i][side]);
        }
      }
    }
    double seconds[2] = {0, 0};
    for (const auto& one : least) {
      seconds[0] += one[0];
      seconds[1] += one[1];
    }
    return seconds[0] / seconds[1];
  }

  void finish(Tried& best) {
    result_.rewrite = best.setting.rewrite;
    result_.kept = best.setting.kept;
    result_.holds = holds(best);
    QuantizeTask& task = result_.task;
    task.expected = expected_.score.value();
    task.actual = best.answers.score.value();
    task.comparison = best.comparison;
    task.expected_seconds = expected_.timings.front().seconds;
    task.actual_seconds = best.answers.timings.front().seconds;
    task.speed = measure_speed(best.setting);
    describe_check(best);
  }

  void describe_check(const Tried& best) {
    const QuantizeTrial& one = trial(best);
    const ExamSetting& setting = exam_.setting();
    CheckResult& check = result_.check;
    check.id = "task";
    check.verdict = one.holds ? Verdict::kPass : Verdict::kFail;
    char figures[128];
    std::snprintf(figures, sizeof figures, "%s %.4f, in float32 %.4f", setting.metric.c_str(), one.metric,
                  one.metric + one.metric_drop);
    if (one.holds) {
      check.summary = (setting.classes.empty() ? ""
                                               : std::to_string(one.changed) + " of " + std::to_string(setting.rows) +
                                                     " answers changed, ") +
                      figures;
      return;
    }
    check.summary = broken_limits(options_.limits, one.changed, one.metric_drop, setting.metric) +
                    "; no setting that was tried came nearer (" + figures + ", " + std::to_string(one.kept.size()) +
                    " of " + std::to_string(std::ranges::count(rows_, true, &QuantizedLayer::quantized)) +
                    " layers in float32)";
    check.advice = options_.scheme == QuantizeScheme::kPerToken || options_.scheme == QuantizeScheme::kAuto
                       ? "raise the limit, or ship it in float32"
                       : "take --scheme per-token or auto, or raise the limit";
  }

  const QuantizeSubject& subject_;
  const std::vector<UsedLayer>& layers_;
  const std::vector<QuantizedLayer>& rows_;
  const QuantizeOptions& options_;
  SearchResult result_;
  LoadedModule loaded_;
  Exam exam_;
  ModuleRunner original_;
  EvalAnswers expected_;
  uint64_t clone_bytes_ = 0;
};

}  // namespace

RewriteOptions rewrite_options(QuantizeScheme scheme, const QuantizeOptions& options) {
  if (options.reduce_range != ReduceRange::kAuto) {
    return {scheme, options.reduce_range == ReduceRange::kOn};
  }
  const bool as_pytorch = options.scheme != QuantizeScheme::kPerToken && options.scheme != QuantizeScheme::kAuto;
  return {scheme, as_pytorch || !has_int8_instructions()};
}

std::vector<size_t> rankable_layers(const std::vector<UsedLayer>& layers, const QuantizeOptions& options) {
  QuantizeOptions all = options;
  all.keep_fp32.clear();
  std::vector<size_t> indices;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (reason_to_keep(layers[i], all).empty()) {
      indices.push_back(i);
    }
  }
  return indices;
}

SearchResult search_setting(const QuantizeSubject& subject, const std::vector<UsedLayer>& layers,
                            const std::vector<QuantizedLayer>& rows, const QuantizeOptions& options) {
  return Search(subject, layers, rows, options).run();
}

}  // namespace bertjit
