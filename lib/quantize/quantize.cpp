#include "quantize/quantize.h"

#include <fnmatch.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <tuple>
#include <utility>

#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/random_state.h"
#include "infer/runner.h"
#include "module/save.h"
#include "quantize/fidelity.h"
#include "quantize/packing.h"
#include "quantize/rewrite.h"
#include "quantize/sensitivity.h"
#include "quantize/size_groups.h"
#include "source/origin.h"
#include "source/source.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

/// A table of fewer rows takes no space worth a rounding error.
constexpr int64_t kFewestRows = 16;

/// The module in float32, what is said of it, and how it is run.
struct Subject {
  Source source;
  torch::jit::Module module;
  Claims claims;
  uint64_t size_bytes = 0;  ///< of its file
};

uint64_t serialized_bytes(const torch::jit::Module& module, const std::string& archive_name) {
  uint64_t bytes = 0;
  serialize_module(module, {archive_name, {}}, [&](std::span<const std::byte> piece) { bytes += piece.size(); });
  return bytes;
}

/// `named` is where a tokenizer of another folder is kept.
Batch example_batch(const Source& source, const InputOptions& inputs, std::unique_ptr<Tokenizer>& named) {
  if (source.written.example && !names_inputs(inputs)) {
    return *source.written.example;
  }
  if (source.tokenizer() == nullptr && !inputs.tokenizer.empty()) {
    named = load_tokenizer(inputs.tokenizer);
  }
  return make_batch(inputs, source.program->signature(), named ? named.get() : source.tokenizer());
}

/// The batch to compare on; nullopt where the command line names none and none can be made up.
std::optional<BoundBatch> example_of(const Source& source, const InputOptions& inputs) {
  std::unique_ptr<Tokenizer> named;
  try {
    return source.program->settle(source.program->bind(example_batch(source, inputs, named)));
  } catch (const Error&) {
    if (names_inputs(inputs)) {
      throw;
    }
    return std::nullopt;
  }
}

torch::jit::Module record(const Source& source, const std::optional<BoundBatch>& example, const std::string& name) {
  if (!example) {
    throw Error(ErrorKind::kInvalidArgument, name + ": is traced before it is quantized; give its inputs (--input)");
  }
  return source.program->record(example->copy(), RecordOptions{}).module;
}

Claims claims_of(const Subject& subject, const std::optional<BoundBatch>& example, const QuantizeOptions& options) {
  Claims claims;
  const Source& source = subject.source;
  if (source.compiled && source.compiled->claims) {
    claims = *source.compiled->claims;
  } else if (source.checkpoint) {
    claims = checkpoint_claims(*source.checkpoint, /*dynamic_shapes=*/true);
    const Origin origin = digest_origin(source, options.source, options.inputs.tokenizer).get();
    claims.source_sha512 = origin.source_sha512;
    claims.tokenizer_sha512 = origin.tokenizer_sha512;
  }
  if (claims.inputs.empty() && (source.compiled || example)) {
    for (const auto& input : source.program->signature().inputs) {
      claims.inputs.push_back(input.name);
    }
  }
  if (claims.outputs.empty()) {
    claims.outputs = source.program->output_names();
  }
  claims.dtype = "int8";
  return claims;
}

Subject open_subject(const QuantizeOptions& options, std::optional<BoundBatch>& example) {
  Subject subject{.source = open_source(options.source, options.inputs.seed, options.inputs.tokenizer)};
  Source& source = subject.source;
  // What was traced already is quantized as it is, with its own code.
  example = example_of(source, options.inputs);
  subject.module = source.compiled ? source.compiled->module : record(source, example, source.name);
  subject.size_bytes = source.kind == SourceKind::kArchive
                           ? std::filesystem::file_size(options.source.path)
                           : serialized_bytes(subject.module, default_archive_name(options.output));
  subject.claims = claims_of(subject, example, options);
  return subject;
}

/// "output.dense" is in "encoder.layer.0.output.dense", and not in "encoder.layer.0.output.dense2".
bool matches(const std::string& pattern, const std::string& name) {
  if (pattern.find_first_of("*?[") != std::string::npos) {
    return ::fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
  }
  return ("." + name + ".").find("." + pattern + ".") != std::string::npos;
}

std::string reason_to_keep(const UsedLayer& layer, const QuantizeOptions& options) {
  if (!layer.obstacle.empty()) {
    return layer.obstacle;
  }
  for (const auto& pattern : options.keep_fp32) {
    if (matches(pattern, layer.name)) {
      return "--keep-fp32 " + pattern;
    }
  }
  if (layer.kind == LayerUseKind::kEmbedding) {
    if (options.embeddings == EmbeddingScheme::kFloat32) {
      return "--embeddings float32";
    }
    return layer.weight.size(0) < kFewestRows ? "has " + std::to_string(layer.weight.size(0)) + " rows" : "";
  }
  return "";
}

std::string some_names(const std::vector<UsedLayer>& layers) {
  constexpr size_t kMost = 6;
  std::string names;
  for (size_t i = 0; i < std::min(layers.size(), kMost); ++i) {
    names += (i == 0 ? "" : ", ") + layers[i].name;
  }
  return names + (layers.size() > kMost ? ", ... (" + std::to_string(layers.size()) + " in all)" : "");
}

void refuse_idle_patterns(const std::vector<UsedLayer>& layers, const QuantizeOptions& options) {
  for (const auto& pattern : options.keep_fp32) {
    if (std::ranges::none_of(layers, [&](const UsedLayer& layer) { return matches(pattern, layer.name); })) {
      throw Error(ErrorKind::kInvalidArgument,
                  "--keep-fp32 " + pattern + ": matches no layer (there are " + some_names(layers) + ")");
    }
  }
}

void refuse_quantized(const ModuleLayers& found, const std::string& name) {
  if (!found.quantized_operator.empty()) {
    throw Error(ErrorKind::kInvalidArgument, name + ": is quantized already (" + found.quantized_operator + " at " +
                                                 (found.quantized_where.empty() ? "its root" : found.quantized_where) +
                                                 ")");
  }
}

void refuse_empty(const std::vector<UsedLayer>& layers, const std::vector<QuantizedLayer>& described,
                  const std::string& name) {
  if (std::ranges::any_of(described, [](const QuantizedLayer& layer) { return layer.quantized; })) {
    return;
  }
  const bool any_linear =
      std::ranges::any_of(layers, [](const UsedLayer& layer) { return layer.kind == LayerUseKind::kLinear; });
  if (!any_linear) {
    throw Error(ErrorKind::kInvalidArgument, name + ": has no linear layer to quantize");
  }
  const auto kept = std::ranges::find_if(described, [](const QuantizedLayer& layer) { return !layer.is_embedding; });
  throw Error(ErrorKind::kInvalidArgument,
              name + ": nothing to quantize: every layer stays as it is (" + kept->name + " " + kept->kept + ")");
}

std::vector<QuantizedLayer> describe(const std::vector<UsedLayer>& layers, const QuantizeOptions& options) {
  std::vector<QuantizedLayer> described;
  for (const auto& layer : layers) {
    QuantizedLayer row{.name = layer.name,
                       .is_embedding = layer.kind == LayerUseKind::kEmbedding,
                       .shape = layer.weight.sizes().vec()};
    row.kept = reason_to_keep(layer, options);
    row.quantized = row.kept.empty();
    described.push_back(std::move(row));
  }
  return described;
}

bool choose_reduce_range(const QuantizeOptions& options) {
  if (options.reduce_range != ReduceRange::kAuto) {
    return options.reduce_range == ReduceRange::kOn;
  }
  return options.scheme != QuantizeScheme::kPerToken || !has_int8_instructions();
}

/// Ranks what could be int8, also what --keep-fp32 keeps.
std::vector<LayerSensitivity> rank(const torch::jit::Module& module, const std::vector<UsedLayer>& layers,
                                   const BoundBatch& example, const c10::IValue& expected, const QuantizeResult& result,
                                   const QuantizeOptions& options) {
  QuantizeOptions all = options;
  all.keep_fp32.clear();
  std::vector<size_t> indices;
  for (size_t i = 0; i < layers.size(); ++i) {
    if (reason_to_keep(layers[i], all).empty()) {
      indices.push_back(i);
    }
  }
  auto ranked = rank_layers(module, layers, indices, {.scheme = result.scheme, .reduce_range = result.reduce_range},
                            example, expected, options.progress);
  for (auto& row : ranked) {
    row.quantized = std::ranges::any_of(
        result.layers, [&](const QuantizedLayer& layer) { return layer.name == row.name && layer.quantized; });
  }
  return ranked;
}

/// Rewrites subject.module in place.
void rewrite(const Subject& subject, const std::vector<UsedLayer>& layers, QuantizeResult& result) {
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
  ModuleRunner runner({module.clone(), std::nullopt}, name);
  return runner.run_on_copy(example, GradMode::kInference);
}

/// nullopt where the module does not take what was made up: a trace for one length alone.
std::optional<c10::IValue> run_original(const Subject& subject, const BoundBatch& example, const InputOptions& inputs) {
  try {
    return run_copy(subject.module, subject.source.name, example);
  } catch (const RunError&) {
    if (names_inputs(inputs)) {
      throw;
    }
    return std::nullopt;
  }
}

void save(const Subject& subject, const QuantizeOptions& options, QuantizeResult& result) {
  const SaveOptions save_options{result.archive_name, {{kClaimsRecord, claims_to_json(subject.claims)}}};
  result.size_bytes = save_module(subject.module, options.output, save_options, HashWhileWriting::kNo).size_bytes;
  result.output = options.output;
}

}  // namespace

QuantizeResult quantize(const QuantizeOptions& options) {
  const ThreadGuard threads(options.threads);
  const EngineGuard engine(options.engine);
  const RandomStateGuard random;
  std::optional<BoundBatch> example;
  const Subject subject = open_subject(options, example);
  const ModuleLayers found = find_layers(subject.module);
  refuse_quantized(found, subject.source.name);
  refuse_idle_patterns(found.layers, options);

  QuantizeResult result{.source = subject.source.name, .kind = subject.source.kind, .scheme = options.scheme};
  if (subject.source.checkpoint) {
    result.choice = subject.source.checkpoint->choice;
  }
  result.archive_name = options.archive_name.empty() ? default_archive_name(options.output) : options.archive_name;
  result.engine = engine_name();
  result.reduce_range = choose_reduce_range(options);
  result.before_bytes = subject.size_bytes;
  result.layers = describe(found.layers, options);
  refuse_empty(found.layers, result.layers, subject.source.name);

  std::optional<c10::IValue> expected;
  if (example) {
    expected = run_original(subject, *example, options.inputs);
    if (expected && options.sensitivity) {
      result.sensitivity = rank(subject.module, found.layers, *example, *expected, result, options);
    }
  }
  if (options.sensitivity && !expected) {
    throw Error(ErrorKind::kInvalidArgument, subject.source.name +
                                                 ": --sensitivity needs inputs, and none that the model takes could be "
                                                 "made up; give them (--inputs, --input)");
  }
  result.example = expected ? example->origin : "";
  const SizeGrouper grouper(subject.module, found.layers);
  const GroupBytes before = grouper.measure(subject.module);
  rewrite(subject, found.layers, result);
  result.checks.push_back(expected ? check_fidelity(*expected, run_copy(subject.module, options.output, *example))
                                   : fidelity_skipped());
  result.passed = result.checks.back().verdict != Verdict::kFail;
  if (result.passed) {
    save(subject, options, result);
    result.sizes = size_groups(before, result.before_bytes, grouper.measure(subject.module), result.size_bytes);
  }
  return result;
}

}  // namespace bertjit
