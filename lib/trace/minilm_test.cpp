// A real fine-tuned checkpoint on real data: MiniLM on the dev split of MRPC, from text to logits.
//
// Expected logits: transformers 5.23.0, torch 2.13.0, eager attention, padded to 128, batch 8
// (shared/models/minilm-mrpc).
#include <filesystem>
#include <fstream>

#include "checkpoint/weights.h"
#include "container/npy.h"
#include "infer/batch.h"
#include "infer/runner.h"
#include "source/checkpoint_source.h"
#include "testing/testing.h"
#include "trace/trace.h"

namespace bertjit {

namespace {

constexpr int64_t kLength = 128;
constexpr int64_t kBatch = 8;
constexpr double kTolerance = 2e-5;

struct Pair {
  std::string first, second;
};

/// Columns 4 and 5 of a GLUE file: no quoting, one header line.
std::vector<Pair> read_pairs(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<Pair> pairs;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    std::vector<std::string> cells;
    for (size_t begin = 0; begin <= line.size();) {
      const size_t end = std::min(line.find('\t', begin), line.size());
      cells.push_back(line.substr(begin, end - begin));
      begin = end + 1;
    }
    pairs.push_back({cells.at(3), cells.at(4)});
  }
  return pairs;
}

at::Tensor rows(const std::vector<Encoding>& encodings, std::vector<int64_t> Encoding::*field) {
  std::vector<at::Tensor> tensors;
  for (const auto& encoding : encodings) {
    tensors.push_back(at::tensor(encoding.*field, at::kLong));
  }
  return at::stack(tensors);
}

/// Logits of all pairs, [pairs, 2], in batches padded to 128.
at::Tensor logits_of(Runner& runner, const Tokenizer& tokenizer, const std::vector<Pair>& pairs) {
  EncodeOptions options;
  options.max_length = kLength;
  options.padding = Padding::kMaxLength;
  options.truncation = Truncation::kLongestFirst;
  std::vector<at::Tensor> logits;
  for (size_t begin = 0; begin < pairs.size(); begin += kBatch) {
    std::vector<Encoding> encodings;
    for (size_t i = begin; i < std::min(begin + kBatch, pairs.size()); ++i) {
      encodings.push_back(tokenizer.encode(pairs[i].first, pairs[i].second, options));
    }
    const Batch batch{"dev.tsv",
                      {{"input_ids", rows(encodings, &Encoding::input_ids)},
                       {"attention_mask", rows(encodings, &Encoding::attention_mask)},
                       {"token_type_ids", rows(encodings, &Encoding::token_type_ids)}}};
    logits.push_back(runner.run(runner.bind(batch), GradMode::kOff).toTupleRef().elements()[0].toTensor());
  }
  return at::cat(logits);
}

}  // namespace

TEST_CASE("trace: MiniLM gives transformers' logits for all pairs of MRPC's dev split, traced and reloaded") {
  SKIP_WITHOUT_SHARED("models/minilm-mrpc");
  SKIP_WITHOUT_SHARED("data/mrpc/dev.tsv");
  const testing::TempDir folder;
  TraceOptions options;
  options.source.path = testing::shared("models/minilm-mrpc").string();
  options.output = (folder / "traced.pt").string();
  REQUIRE(trace(options).passed);

  const auto pairs = read_pairs(testing::shared("data/mrpc/dev.tsv"));
  REQUIRE(pairs.size() == 408);
  const TensorFile expected_file = read_npy(testing::shared("models/minilm-mrpc/expected_logits_fp32.npy"));
  const at::Tensor expected = tensor_from_view(expected_file.tensors.at(0));

  const CheckpointSource source = open_checkpoint_source(options.source, 0, "");
  ModuleRunner traced(load_module(options.output), options.output);
  const at::Tensor logits = logits_of(traced, *source.tokenizer, pairs);
  REQUIRE(logits.sizes() == expected.sizes());
  const double difference = (logits - expected).abs().max().item<double>();
  WARN("greatest difference over " << logits.numel() << " logits: " << difference);
  CHECK(difference <= kTolerance);
}

}  // namespace bertjit
