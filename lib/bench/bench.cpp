#include "bench/bench.h"

#include <chrono>
#include <memory>
#include <optional>

#include <ATen/Version.h>

#include "checkpoint/checkpoint.h"
#include "infer/batch.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "source/checkpoint_source.h"
#include "support/error.h"

namespace bertjit {

namespace {

constexpr int kFirstRuns = 3;

/// A model that is open, and what it needs to stay so.
struct Contestant {
  std::string name;
  std::string kind;
  std::optional<CheckpointSource> source;
  std::unique_ptr<Runner> runner;
};

Contestant open_contestant(const SourceOptions& options, uint64_t seed) {
  Contestant contestant;
  contestant.name = options.path;
  if (names_checkpoint(options.path)) {
    contestant.kind = "eager";
    contestant.source = open_checkpoint_source(options, seed, "");
    contestant.runner = std::make_unique<EagerRunner>(*contestant.source->model, options.path);
  } else {
    contestant.kind = "torchscript";
    contestant.runner = std::make_unique<ModuleRunner>(load_module(options.path), options.path);
  }
  return contestant;
}

double seconds_of_a_run(Contestant& contestant, const BoundBatch& batch) {
  const auto begin = std::chrono::steady_clock::now();
  const c10::IValue outputs = contestant.runner->run(batch, GradMode::kInference);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

void measure_shape(std::vector<Contestant>& contestants, const BenchOptions& options, const std::vector<int64_t>& shape,
                   int threads, std::vector<BenchRow>& rows) {
  const ThreadGuard guard(threads);
  const size_t first_row = rows.size();
  std::vector<BoundBatch> batches;
  for (auto& contestant : contestants) {
    batches.push_back(contestant.runner->bind(shape_batch(shape, contestant.runner->signature(), options.seed)));
    rows.push_back({contestant.name, contestant.kind, shape[0], shape[1], threads, {}, {}});
  }
  for (int run = 0; run < kFirstRuns + options.runs; ++run) {
    for (size_t i = 0; i < contestants.size(); ++i) {
      BenchRow& row = rows[first_row + i];
      (run < kFirstRuns ? row.first_s : row.runs_s).push_back(seconds_of_a_run(contestants[i], batches[i]));
    }
  }
}

}  // namespace

BenchResult bench(const BenchOptions& options) {
  std::vector<Contestant> contestants;
  contestants.reserve(options.models.size());
  for (const auto& model : options.models) {
    contestants.push_back(open_contestant(model, options.seed));
  }
  BenchResult result;
  result.cpu_capability = at::get_cpu_capability();
  for (const int threads : options.threads) {
    for (const int64_t batch : options.batch) {
      for (const int64_t seq : options.seq) {
        measure_shape(contestants, options, {batch, seq}, threads, result.rows);
      }
    }
  }
  return result;
}

}  // namespace bertjit
