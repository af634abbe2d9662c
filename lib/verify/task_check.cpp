// `task`: does the file answer a task of GLUE as its source does?
//
// Proves that on the rows of a task's file the answers and the metric are the source's. Does not prove that the source
// answers rightly, nor anything of other rows.
//
// A float file may answer otherwise only where two of the source's logits are as good as equal: no further apart than
// two honest implementations are. int8 moves logits by far more, and a few answers with them; what it may move is
// the user's to say (--max-flips, --max-f1-drop). If nobody says it, the file is accused where chance does not explain
// the answers that it lost, or where so many changed that it is hardly the same model: per-tensor int8 of a MiniLM,
// which is as coarse as honest files come, changes 7% of the answers to MRPC, and McNemar's p is .8 there.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <utility>

#include "glue/exam.h"
#include "glue/model_facts.h"
#include "module/copy.h"
#include "source/checkpoint_source.h"
#include "support/error.h"
#include "support/file_status.h"
#include "tokenize/load.h"
#include "verify/check.h"
#include "verify/file_weights.h"
#include "verify/located.h"

namespace bertjit {

namespace {

constexpr const char* kId = "task";

// For an int8 file without limits.
constexpr double kLeastP = 0.05;
constexpr double kMostChanged = 0.125;    ///< of all answers
constexpr double kMostMetricDrop = 0.02;  ///< of a regression
/// Evidence has so many layers, the noisiest first.
constexpr size_t kShownLayers = 8;

/// The source, asked as the module is: with its arguments, in its order.
class AskedSource : public Runner {
 public:
  AskedSource(Reference& source, const Signature& signature) : source_(source), signature_(signature) {
    signature_.owner = source.name();
  }
  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return source_.output_names();
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override {
    return source_.run(batch, grad);
  }

 private:
  Reference& source_;
  Signature signature_;
};

/// The folder that has the tokenizer: --tokenizer, else the checkpoint. Empty if there is none.
std::filesystem::path tokenizer_folder(const VerifyContext& context) {
  if (!context.options.inputs.tokenizer.empty()) {
    return context.options.inputs.tokenizer;
  }
  const bool is_checkpoint = context.source != nullptr && !context.source->is_program();
  return is_checkpoint ? checkpoint_folder(context.source->name()) : std::filesystem::path();
}

std::filesystem::path config_path(const VerifyContext& context, const std::filesystem::path& folder) {
  const std::filesystem::path source = context.source->name();
  return !context.source->is_program() && !path_is_folder(source) ? source : folder / "config.json";
}

/// Both sides' answers to the task, and what sets them apart.
struct Answered {
  ExamSetting setting;
  EvalAnswers expected;
  EvalAnswers actual;
  EvalComparison comparison;
  double expected_metric = 0;
  double actual_metric = 0;
  int64_t beyond_ties = 0;  ///< other answers where the source's logits are not as good as equal
  Batch sample;

  double drop() const {
    return expected_metric - actual_metric;
  }
};

double allowed(const Tolerance& tolerance, double logit) {
  return tolerance.atol.value_or(0) + tolerance.rtol.value_or(0) * std::abs(logit);
}

/// Rows that are answered otherwise for another reason than rounding.
int64_t count_beyond_ties(const Answered& answered, const Tolerance& tolerance) {
  const auto outputs = static_cast<size_t>(answered.expected.outputs);
  int64_t count = 0;
  for (size_t row = 0; row * outputs < answered.expected.logits.size(); ++row) {
    const double* expected = &answered.expected.logits[row * outputs];
    const double* actual = &answered.actual.logits[row * outputs];
    const size_t chosen = static_cast<size_t>(std::max_element(actual, actual + outputs) - actual);
    const double most = *std::max_element(expected, expected + outputs);
    const bool is_same = answered.expected.answers.empty()
                             ? std::abs(actual[0] - expected[0]) <= allowed(tolerance, expected[0])
                             : answered.expected.answers[row] == answered.actual.answers[row] ||
                                   most - expected[chosen] <= 2 * allowed(tolerance, most);
    count += is_same ? 0 : 1;
  }
  return count;
}

Answered answer_task(const VerifyContext& context, const Tokenizer& tokenizer, const std::filesystem::path& folder,
                     std::vector<std::string>& notes) {
  const TaskOptions& options = context.options.task;
  const GlueTask& task = find_glue_task(options.task);
  refuse_limits(task, context.options.limits);
  LoadedModule loaded{copy_module(context.module.module()), context.claims};
  name_arguments(loaded, context.options.module, notes);
  ModuleRunner module(loaded, context.options.module);
  AskedSource source(*context.source, module.signature());
  const std::string model_type = context.claims ? context.claims->architecture : "";
  const EvalPadding padding =
      options.padding.value_or(context.is_quantized ? EvalPadding::kMax : EvalPadding::kLongest);
  const Exam exam(options, padding, tokenizer,
                  order_labels(task, {options.labels, config_path(context, folder), model_type}),
                  context.options.threads);
  exam.try_once(source);
  exam.try_once(module);
  Answered answered{.setting = exam.setting(), .expected = exam.ask(source), .actual = exam.ask(module)};
  answered.comparison = exam.compare(answered.expected, answered.actual);
  answered.expected_metric = exam.metric(answered.expected);
  answered.actual_metric = exam.metric(answered.actual);
  answered.beyond_ties = count_beyond_ties(answered, context.tolerance);
  answered.sample = exam.sample(module.signature(), 1).front();
  return answered;
}

std::string number(double value, const char* form = "%.4f") {
  char text[32];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

/// What is wrong with the answers; empty if nothing is.
std::string complaint(const VerifyContext& context, const Answered& answered) {
  const EvalComparison& comparison = answered.comparison;
  const TaskLimits& limits = context.options.limits;
  if (limits.any()) {
    return broken_limits(limits, comparison.changed, answered.drop(), answered.setting.metric);
  }
  if (!context.is_quantized) {
    return answered.beyond_ties == 0 ? ""
                                     : std::to_string(answered.beyond_ties) +
                                           " rows are answered otherwise, and "
                                           "not for rounding";
  }
  if (answered.setting.classes.empty()) {
    return answered.drop() <= kMostMetricDrop ? "" : answered.setting.metric + " fell by " + number(answered.drop());
  }
  const auto rows = static_cast<double>(answered.setting.rows);
  if (!(static_cast<double>(comparison.changed) <= std::max(1.0, kMostChanged * rows))) {
    return "more than an eighth of the answers changed";
  }
  const bool is_worse = comparison.only_first > comparison.only_this && comparison.mcnemar_p < kLeastP;
  return is_worse ? "the answers it lost are more than chance" : "";
}

std::string figures(const Answered& answered) {
  const EvalComparison& comparison = answered.comparison;
  std::string text;
  if (!answered.setting.classes.empty()) {
    text = std::to_string(comparison.changed) + " of " + std::to_string(answered.setting.rows) + " answers changed (" +
           std::to_string(comparison.only_this) + " for the better, " + std::to_string(comparison.only_first) +
           " for the worse, McNemar p " + number(comparison.mcnemar_p, "%.3g") + "), ";
  }
  return text + answered.setting.metric + " " + number(answered.actual_metric) + ", the source's " +
         number(answered.expected_metric);
}

/// One layer's part in the noise: what its output has more of than its input.
struct NoisyLayer {
  LayerError error;
  double share = 0;
};

/// The noise that each layer adds, the greatest first.
std::vector<NoisyLayer> noisy_layers(const Location& location) {
  const auto noise = [](double sqnr_db) { return std::pow(10, -sqnr_db / 10); };
  std::vector<NoisyLayer> layers;
  double sum = 0;
  for (const LayerError& error : location.layers) {
    if (error.input_sqnr_db) {
      layers.push_back({error, std::max(0.0, noise(error.sqnr_db) - noise(*error.input_sqnr_db))});
      sum += layers.back().share;
    }
  }
  std::erase_if(layers, [](const NoisyLayer& layer) { return !(layer.share > 0); });
  for (NoisyLayer& layer : layers) {
    layer.share /= sum;
  }
  std::ranges::stable_sort(layers, std::greater<>(), &NoisyLayer::share);
  return layers;
}

/// Where the error of an int8 file comes from, on one batch of the rows.
void add_noise(const VerifyContext& context, const Answered& answered, CheckResult& result) {
  const BoundBatch batch = AskedSource(*context.source, context.module.signature()).bind(answered.sample);
  const std::vector<NoisyLayer> layers = noisy_layers(locate_against_source(context, batch, /*always_measure=*/true));
  if (layers.empty()) {
    return;
  }
  const LayerError& worst = layers.front().error;
  const std::string module = checkpoint_path(context, worst.module);
  result.summary += "; of the noise that layers add most comes from " + module + " (" +
                    number(100 * layers.front().share, "%.0f") + "%: " + number(*worst.input_sqnr_db, "%.1f") +
                    " dB go in, " + number(worst.sqnr_db, "%.1f") + " come out)";
  result.where = result.verdict == Verdict::kFail ? module : "";
  EvidenceRows rows;
  for (size_t i = 0; i < std::min(layers.size(), kShownLayers); ++i) {
    rows.push_back({{"module", checkpoint_path(context, layers[i].error.module)},
                    {"share", layers[i].share},
                    {"input_sqnr_db", *layers[i].error.input_sqnr_db},
                    {"sqnr_db", layers[i].error.sqnr_db}});
  }
  result.evidence.push_back({"noise", rows});
}

EvidenceFields evidence_of(const VerifyContext& context, const Answered& answered, std::vector<std::string> notes) {
  const ExamSetting& setting = answered.setting;
  const EvalComparison& comparison = answered.comparison;
  EvidenceFields evidence = {{"task", setting.task},
                             {"files", setting.files},
                             {"rows", setting.rows},
                             {"padding", setting.padding},
                             {"metric", setting.metric},
                             {"expected_metric", answered.expected_metric},
                             {"actual_metric", answered.actual_metric}};
  const auto add = [&](const char* key, auto value) { evidence.push_back({key, value}); };
  if (!setting.classes.empty()) {
    add("expected_accuracy", answered.expected.score->accuracy);
    add("actual_accuracy", answered.actual.score->accuracy);
    add("changed", comparison.changed);
    add("only_source_right", comparison.only_first);
    add("only_module_right", comparison.only_this);
    add("mcnemar_p", comparison.mcnemar_p);
  }
  if (!context.is_quantized) {
    add("beyond_ties", answered.beyond_ties);
  }
  if (context.options.limits.max_flips) {
    add("max_flips", *context.options.limits.max_flips);
  }
  if (context.options.limits.max_metric_drop) {
    add("max_f1_drop", *context.options.limits.max_metric_drop);
  }
  add("max_abs_logit_difference", comparison.max_abs_logit_difference);
  add("mean_abs_logit_difference", comparison.mean_abs_logit_difference);
  if (!notes.empty()) {
    add("notes", std::move(notes));
  }
  return evidence;
}

}  // namespace

CheckResult check_task(const VerifyContext& context) {
  if (context.options.task.data.empty()) {
    return skipped(kId, "no --data DIR given");
  }
  if (context.source == nullptr) {
    return skipped(kId, "no --source SOURCE given, whose answers these are to be");
  }
  const std::filesystem::path folder = tokenizer_folder(context);
  const std::unique_ptr<Tokenizer> tokenizer = folder.empty() ? nullptr : find_tokenizer(folder);
  if (!tokenizer) {
    throw Error(ErrorKind::kInvalidArgument, "--data needs a tokenizer, and " + context.source->name() +
                                                 " has none; name the folder of its tokenizer with --tokenizer DIR");
  }
  std::vector<std::string> notes;
  const Answered answered = answer_task(context, *tokenizer, folder, notes);
  CheckResult result{kId, Verdict::kPass, figures(answered), "", evidence_of(context, answered, std::move(notes))};
  if (const std::string wrong = complaint(context, answered); !wrong.empty()) {
    result.verdict = Verdict::kFail;
    result.summary = wrong + ": " + result.summary;
  }
  if (context.is_quantized) {
    add_noise(context, answered, result);
  } else if (result.verdict == Verdict::kFail) {
    const BoundBatch batch = AskedSource(*context.source, context.module.signature()).bind(answered.sample);
    add_location(context, locate_against_source(context, batch), result);
  }
  return result;
}

}  // namespace bertjit
