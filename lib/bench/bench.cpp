#include "bench/bench.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "bench/contestant.h"
#include "bench/measure.h"
#include "bench/padding.h"
#include "bench/texts.h"
#include "glue/model_facts.h"
#include "infer/allocator.h"
#include "infer/batch.h"
#include "infer/environment.h"
#include "infer/int8_engine.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace {

void refuse_conflicts(const BenchOptions& options) {
  if (options.models.empty()) {
    throw Error(ErrorKind::kInvalidArgument, "there is no model to measure");
  }
  if (options.runs.value_or(1) < 1 || options.warmup < 0 || !(options.duration_s.value_or(0) >= 0)) {
    throw Error(ErrorKind::kInvalidArgument, "at least one run must count, and no number may be negative");
  }
  if (names_inputs(options.inputs) && names_shapes(options)) {
    throw Error(ErrorKind::kInvalidArgument,
                "--batch, --seq, --texts and --data make inputs up: not together with inputs that are given");
  }
}

void add_once(std::vector<std::string>& notes, const std::vector<std::string>& more) {
  for (const std::string& note : more) {
    if (std::ranges::find(notes, note) == notes.end()) {
      notes.push_back(note);
    }
  }
}

/// More threads than cores take turns on them: such times are of the scheduler.
void warn_of_threads(const BenchOptions& options, BenchResult& result) {
  for (const int threads : options.threads) {
    if (threads > result.environment.cores) {
      add_once(result.notes,
               {"--threads " + std::to_string(threads) + ": this process may use " +
                std::to_string(result.environment.cores) + (result.environment.cores == 1 ? " core" : " cores") +
                "; the threads will wait for one another"});
    }
  }
}

/// The tokenizer that counts, and where it is from.
struct NamedTokenizer {
  std::unique_ptr<Tokenizer> loaded;
  const Tokenizer* tokenizer = nullptr;
  std::string folder;
};

NamedTokenizer find_text_tokenizer(const std::vector<Contestant>& contestants, const BenchOptions& options) {
  if (!options.inputs.tokenizer.empty()) {
    auto loaded = load_tokenizer(options.inputs.tokenizer);
    const Tokenizer* tokenizer = loaded.get();
    return {std::move(loaded), tokenizer, options.inputs.tokenizer};
  }
  for (const Contestant& contestant : contestants) {
    if (contestant.source.tokenizer() != nullptr) {
      return {nullptr, contestant.source.tokenizer(), checkpoint_folder(contestant.source.name).string()};
    }
  }
  throw Error(ErrorKind::kInvalidArgument,
              "--texts and --data need a tokenizer, and no checkpoint that has one is among the models; name a folder "
              "with --tokenizer DIR");
}

std::vector<BenchTexts> count_all_tokens(const std::vector<Contestant>& contestants, const BenchOptions& options,
                                         std::vector<std::string>& notes) {
  std::vector<BenchTexts> all;
  const std::vector<ExampleSet> sets = read_bench_texts(options.texts);
  if (sets.empty()) {
    return all;
  }
  const NamedTokenizer tokenizer = find_text_tokenizer(contestants, options);
  const int64_t max_length = std::ranges::max(lengths_of(contestants, options));
  for (const ExampleSet& set : sets) {
    all.push_back(count_tokens(*tokenizer.tokenizer, set, max_length, /*threads=*/0));
    all.back().tokenizer = tokenizer.folder;
    add_once(notes, set.notes);
  }
  return all;
}

/// Batch sizes that were measured, each once, in order.
std::vector<int64_t> batch_sizes_of(const std::vector<BenchRow>& rows) {
  std::vector<int64_t> sizes;
  for (const BenchRow& row : rows) {
    if (row.is_of_sequences() && std::ranges::find(sizes, row.shape[0]) == sizes.end()) {
      sizes.push_back(row.shape[0]);
    }
  }
  return sizes;
}

}  // namespace

BenchResult bench(const BenchOptions& options) {
  refuse_conflicts(options);
  use_one_interop_thread();
  keep_freed_memory();
  const Int8EngineGuard engine(options.engine);
  BenchResult result{.environment = describe_environment(), .int8_engine = int8_engine(), .warmup = options.warmup};
  warn_of_threads(options, result);
  std::vector<Contestant> contestants;
  for (const auto& model : options.models) {
    contestants.push_back(open_contestant(model, options));
    result.models.push_back(contestants.back().description);
  }
  result.texts = count_all_tokens(contestants, options, result.notes);
  make_batches(contestants, options);
  result.rows = measure(contestants, options);
  for (BenchTexts& texts : result.texts) {
    texts.plans = plan_padding(texts, batch_sizes_of(result.rows), result.rows);
  }
  return result;
}

}  // namespace bertjit
