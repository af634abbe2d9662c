#include "bench/bench.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include <ATen/Version.h>

#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "source/source.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

constexpr int kFirstRuns = 3;
constexpr int64_t kDefaultBatch = 1;
constexpr int64_t kDefaultSeq = 128;

/// A model that is open, and what it runs on: one batch a round.
struct Contestant {
  Source source;
  std::unique_ptr<ModuleRunner> module;  ///< what TorchScript's executor runs; nullptr for what runs untraced
  std::vector<BoundBatch> batches;

  Runner& runner() {
    return module ? static_cast<Runner&>(*module) : *source.program;
  }
};

/// One model on one batch.
struct Lane {
  Contestant* contestant;
  const BoundBatch* batch;
  BenchRow row;
};

bool names_shapes(const BenchOptions& options) {
  return !options.batch.empty() || !options.seq.empty();
}

std::vector<std::vector<int64_t>> shapes_of(const BenchOptions& options) {
  std::vector<std::vector<int64_t>> shapes;
  for (const int64_t batch : options.batch.empty() ? std::vector{kDefaultBatch} : options.batch) {
    for (const int64_t seq : options.seq.empty() ? std::vector{kDefaultSeq} : options.seq) {
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

/// The batches of all rounds: one where inputs are given or written, else one for each shape.
std::vector<BoundBatch> batches_for(Contestant& contestant, const BenchOptions& options) {
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
  for (const auto& shape : shapes_of(options)) {
    Batch batch = shape_batch(shape, runner.signature(), options.inputs.seed, written ? &*written : nullptr);
    batch.origin = "shape " + std::to_string(shape[0]) + "x" + std::to_string(shape[1]);
    batches.push_back(runner.bind(batch));
  }
  return batches;
}

Contestant open_contestant(const SourceOptions& model, const BenchOptions& options) {
  Contestant contestant{open_source(model, options.inputs.seed, options.inputs.tokenizer), nullptr, {}};
  if (contestant.source.compiled) {
    contestant.module = std::make_unique<ModuleRunner>(*contestant.source.compiled, model.path);
  }
  contestant.batches = batches_for(contestant, options);
  return contestant;
}

std::vector<int64_t> first_shape(const BoundBatch& batch) {
  const auto tensor = std::ranges::find_if(batch.values, [](const c10::IValue& value) { return value.isTensor(); });
  return tensor == batch.values.end() ? std::vector<int64_t>() : tensor->toTensor().sizes().vec();
}

double seconds_of_a_run(Runner& runner, const BoundBatch& batch) {
  const BoundBatch copy = batch.copy();
  const auto begin = std::chrono::steady_clock::now();
  const c10::IValue outputs = runner.run(copy, GradMode::kInference);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// The models that have a batch in that round.
std::vector<Lane> lanes_of(std::vector<Contestant>& contestants, size_t round, int threads) {
  std::vector<Lane> lanes;
  for (Contestant& contestant : contestants) {
    if (round < contestant.batches.size()) {
      const BoundBatch& batch = contestant.batches[round];
      lanes.push_back({&contestant,
                       &batch,
                       {contestant.source.name,
                        contestant.module ? "torchscript" : "eager",
                        batch.origin,
                        first_shape(batch),
                        threads,
                        {},
                        {}}});
    }
  }
  return lanes;
}

void measure(std::vector<Lane> lanes, int runs, std::vector<BenchRow>& rows) {
  for (int run = 0; run < kFirstRuns + runs; ++run) {
    for (Lane& lane : lanes) {
      const double seconds = seconds_of_a_run(lane.contestant->runner(), *lane.batch);
      (run < kFirstRuns ? lane.row.first_s : lane.row.runs_s).push_back(seconds);
    }
  }
  for (Lane& lane : lanes) {
    rows.push_back(std::move(lane.row));
  }
}

}  // namespace

BenchResult bench(const BenchOptions& options) {
  if (names_inputs(options.inputs) && names_shapes(options)) {
    throw Error(ErrorKind::kInvalidArgument,
                "--batch and --seq make inputs up: not together with inputs that are given");
  }
  std::vector<Contestant> contestants;
  size_t rounds = 0;
  for (const auto& model : options.models) {
    contestants.push_back(open_contestant(model, options));
    rounds = std::max(rounds, contestants.back().batches.size());
  }
  BenchResult result;
  result.cpu_capability = at::get_cpu_capability();
  for (const int threads : options.threads) {
    const ThreadGuard guard(threads);
    for (size_t round = 0; round < rounds; ++round) {
      measure(lanes_of(contestants, round, threads), options.runs, result.rows);
    }
  }
  return result;
}

}  // namespace bertjit
