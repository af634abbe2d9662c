#include "bench/contestant.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "glue/model_facts.h"
#include "infer/batch.h"
#include "source/stored_weights.h"
#include "support/stopwatch.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

constexpr int64_t kDefaultBatch = 1;
constexpr int64_t kDefaultSeq = 128;
constexpr int64_t kShortestDefault = 16;

bool has_texts(const BenchOptions& options) {
  return !options.texts.file.empty() || !options.texts.data.empty();
}

std::vector<std::vector<int64_t>> shapes_of(const std::vector<int64_t>& lengths, const BenchOptions& options) {
  std::vector<std::vector<int64_t>> shapes;
  for (const int64_t batch : options.batch.empty() ? std::vector{kDefaultBatch} : options.batch) {
    for (const int64_t seq : lengths) {
      shapes.push_back({batch, seq});
    }
  }
  return shapes;
}

Batch given_batch(const Contestant& contestant, const Signature& signature, const InputOptions& options) {
  const Tokenizer* own = contestant.source.tokenizer();
  const std::unique_ptr<Tokenizer> named =
      own != nullptr || options.tokenizer.empty() ? nullptr : load_tokenizer(options.tokenizer);
  return make_batch(options, signature, own != nullptr ? own : named.get());
}

std::vector<BoundBatch> batches_for(Contestant& contestant, const std::vector<std::vector<int64_t>>& shapes,
                                    const BenchOptions& options) {
  const Runner& runner = contestant.runner();
  if (names_inputs(options.inputs)) {
    return {runner.bind(given_batch(contestant, runner.signature(), options.inputs))};
  }
  std::optional<BoundBatch> written;
  if (contestant.source.written.example) {
    written = runner.bind(*contestant.source.written.example);
  }
  if (written && !names_shapes(options)) {
    return {*written};
  }
  std::vector<BoundBatch> batches;
  for (const auto& shape : shapes) {
    Batch batch = shape_batch(shape, runner.signature(), options.inputs.seed, written ? &*written : nullptr);
    batch.origin = "shape " + std::to_string(shape[0]) + "x" + std::to_string(shape[1]);
    batches.push_back(runner.bind(batch));
  }
  return batches;
}

}  // namespace

Contestant open_contestant(const SourceOptions& model, const BenchOptions& options) {
  ModelMemory memory;
  memory.begin();
  const Stopwatch watch;
  Contestant contestant{
      open_source(model, options.inputs.seed, options.inputs.tokenizer), nullptr, nullptr, {}, memory, {}};
  Source& source = contestant.source;
  contestant.description = {.name = model.path,
                            .kind = source.compiled ? "torchscript" : "eager",
                            .notes = source.checkpoint ? source.checkpoint->choice.notes : source.notes};
  if (source.compiled) {
    if (!names_inputs(options.inputs)) {
      name_arguments(*source.compiled, model.path, contestant.description.notes);
    }
    contestant.module = std::make_unique<ModuleRunner>(*source.compiled, model.path);
  }
  contestant.description.open_s = watch.seconds();
  contestant.memory.end();
  contestant.description.opened_bytes = contestant.memory.held();
  const StoredWeights weights = describe_weights(source);
  contestant.description.dtype = weights.dtype;
  contestant.description.size_bytes = weights.size_bytes;
  return contestant;
}

bool names_shapes(const BenchOptions& options) {
  return !options.batch.empty() || !options.seq.empty() || has_texts(options);
}

std::vector<int64_t> lengths_of(const std::vector<Contestant>& contestants, const BenchOptions& options) {
  if (!options.seq.empty()) {
    return options.seq;
  }
  int64_t longest = kDefaultSeq;
  for (const Contestant& contestant : contestants) {
    const int64_t positions = contestant.runner().signature().max_positions;
    longest = positions > 0 ? std::min(longest, positions) : longest;
  }
  std::vector<int64_t> lengths;
  for (int64_t length = kShortestDefault; has_texts(options) && length < longest; length *= 2) {
    lengths.push_back(length);
  }
  lengths.push_back(longest);
  return lengths;
}

void make_batches(std::vector<Contestant>& contestants, const BenchOptions& options) {
  const auto shapes = shapes_of(lengths_of(contestants, options), options);
  for (Contestant& contestant : contestants) {
    contestant.batches = batches_for(contestant, shapes, options);
  }
}

}  // namespace bertjit
