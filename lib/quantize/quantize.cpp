#include "quantize/quantize.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/int8_engine.h"
#include "infer/random_state.h"
#include "infer/runner.h"
#include "module/copy.h"
#include "module/save.h"
#include "quantize/chosen_layers.h"
#include "quantize/fidelity.h"
#include "quantize/packing.h"
#include "quantize/rewrite.h"
#include "quantize/search.h"
#include "quantize/sensitivity.h"
#include "quantize/size_groups.h"
#include "quantize/subject.h"
#include "support/error.h"

namespace bertjit {

namespace {

void note_quantized(const std::vector<QuantizedLayer>& layers, std::vector<LayerSensitivity>& ranked) {
  for (auto& row : ranked) {
    row.quantized = std::ranges::any_of(
        layers, [&](const QuantizedLayer& layer) { return layer.name == row.name && layer.quantized; });
  }
}

/// Ranks the layers on the example.
std::vector<LayerSensitivity> rank(const QuantizeSubject& subject, const std::vector<UsedLayer>& layers,
                                   const BoundBatch& example, const c10::IValue& expected,
                                   const RewriteOptions& rewrite, const QuantizeOptions& options) {
  const std::vector<size_t> indices = rankable_layers(layers, options);
  if (options.progress != nullptr) {
    options.progress->add_total(indices.size());
  }
  return rank_layers(subject.module, layers, indices, rewrite, {{example}, {expected}}, [&] {
    if (options.progress != nullptr) {
      options.progress->advance(1);
    }
  });
}

std::string limit_flags(const TaskLimits& limits) {
  const std::string drop = limits.max_metric_drop ? "--max-f1-drop" : "";
  return limits.max_flips ? "--max-flips" + (drop.empty() ? "" : ", " + drop) : drop;
}

/// Takes what the search found.
void take(SearchResult searched, const QuantizeOptions& options, QuantizeResult& result) {
  result.scheme = searched.rewrite.scheme;
  result.reduce_range = searched.rewrite.reduce_range;
  for (const size_t index : searched.kept) {
    result.layers[index].quantized = false;
    result.layers[index].kept = limit_flags(options.limits);
  }
  if (options.sensitivity) {
    result.sensitivity = std::move(searched.ranked);
  }
  result.task = std::move(searched.task);
  result.checks.push_back(std::move(searched.check));
}

/// Rewrites subject.module in place.
void rewrite(const QuantizeSubject& subject, const std::vector<UsedLayer>& layers, QuantizeResult& result) {
  std::vector<const UsedLayer*> chosen;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (result.layers[i].quantized) {
      chosen.push_back(&layers[i]);
    }
  }
  const auto rewritten =
      rewrite_layers(subject.module, chosen, {.scheme = result.scheme, .reduce_range = result.reduce_range});
  for (const auto& layer : rewritten) {
    auto& row = result.layers[static_cast<size_t>(layer.layer - layers.data())];
    std::tie(row.least_scale, row.greatest_scale) = scale_range(layer.quantized);
  }
}

c10::IValue run_copy(const torch::jit::Module& module, const std::string& name, const BoundBatch& example) {
  // Of a copy: what has run keeps its optimized code, which must be of what is saved.
  ModuleRunner runner({copy_module(module), std::nullopt}, name);
  return runner.run_on_copy(example, GradMode::kInference);
}

/// nullopt where the module does not take what was made up: a trace for one length alone.
std::optional<c10::IValue> run_original(const QuantizeSubject& subject, const BoundBatch& example,
                                        const InputOptions& inputs) {
  try {
    return run_copy(subject.module, subject.source.name, example);
  } catch (const RunError&) {
    if (names_inputs(inputs)) {
      throw;
    }
    return std::nullopt;
  }
}

/// What would be ignored.
void refuse_idle_limits(const QuantizeOptions& options) {
  if (options.task.data.empty() && options.limits.any()) {
    throw Error(ErrorKind::kInvalidArgument, limit_flags(options.limits) + ": needs --data");
  }
  if (options.scheme == QuantizeScheme::kAuto && !options.limits.any()) {
    throw Error(ErrorKind::kInvalidArgument, "--scheme auto: needs --data, and --max-flips or --max-f1-drop to hold");
  }
}

void refuse_unranked(const QuantizeSubject& subject, const std::optional<c10::IValue>& expected) {
  if (!expected) {
    throw Error(ErrorKind::kInvalidArgument, subject.source.name +
                                                 ": --sensitivity needs inputs, and none that the model takes could be "
                                                 "made up; give them (--inputs, --input)");
  }
}

void save(const QuantizeSubject& subject, const QuantizeOptions& options, QuantizeResult& result) {
  const SaveOptions save_options{result.archive_name, {{kClaimsRecord, claims_to_json(subject.claims)}}};
  result.size_bytes = save_module(subject.module, options.output, save_options, HashWhileWriting::kNo).size_bytes;
  result.output = options.output;
}

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  refuse_idle_limits(options);
  const ThreadGuard threads(options.threads);
  const Int8EngineGuard engine(options.engine);
  const RandomStateGuard random;
  std::optional<BoundBatch> example;
  const QuantizeSubject subject = open_quantize_subject(options, example);
  const ModuleLayers found = find_layers(subject.module);
  refuse_quantized(found, subject.source.name);
  refuse_idle_patterns(found.layers, options);

  QuantizeResult result{.source = subject.source.name, .kind = subject.source.kind, .scheme = options.scheme};
  if (subject.source.checkpoint) {
    result.choice = subject.source.checkpoint->choice;
  }
  result.archive_name = options.archive_name.empty() ? default_archive_name(options.output) : options.archive_name;
  result.engine = int8_engine();
  result.reduce_range = rewrite_options(options.scheme, options).reduce_range;
  result.before_bytes = subject.size_bytes;
  result.layers = describe_layers(found.layers, options);
  refuse_nothing(found.layers, result.layers, subject.source.name);

  std::optional<c10::IValue> expected;
  if (example) {
    expected = run_original(subject, *example, options.inputs);
  }
  if (!options.task.data.empty()) {
    take(search_setting(subject, found.layers, result.layers, options), options, result);
  } else if (options.sensitivity) {
    refuse_unranked(subject, expected);
    result.sensitivity = rank(subject, found.layers, *example, *expected,
                              {.scheme = result.scheme, .reduce_range = result.reduce_range}, options);
  }
  note_quantized(result.layers, result.sensitivity);
  result.example = expected ? example->origin : "";
  const SizeGrouper grouper(subject.module, found.layers);
  const GroupBytes before = grouper.measure(subject.module);
  rewrite(subject, found.layers, result);
  result.checks.push_back(expected ? check_fidelity(*expected, run_copy(subject.module, options.output, *example))
                                   : fidelity_skipped());
  result.passed = std::ranges::find(result.checks, Verdict::kFail, &CheckResult::verdict) == result.checks.end();
  if (result.passed) {
    save(subject, options, result);
    result.sizes = size_groups(before, result.before_bytes, grouper.measure(subject.module), result.size_bytes);
  }
  return result;
}

}  // namespace bertjit
