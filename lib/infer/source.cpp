#include "infer/source.h"

#include "checkpoint/checkpoint.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

Source open_source(const SourceOptions& options, uint64_t seed, const std::string& tokenizer_directory) {
  if (!options.init.empty() && options.init != "random") {
    throw Error(ErrorKind::kInvalidArgument, "--init " + options.init + ": not known (known: random)");
  }
  const Checkpoint checkpoint = open_checkpoint(options.path);
  ModelOptions model_options = options.model;
  if (options.init == "random") {
    model_options.random_seed = seed;
  }
  auto tokenizer =
      tokenizer_directory.empty() ? find_tokenizer(checkpoint.directory) : load_tokenizer(tokenizer_directory);
  return {options.path, build_model(checkpoint, model_options), std::move(tokenizer)};
}

std::unique_ptr<Tokenizer> find_tokenizer(const fs::path& directory) {
  const bool found = fs::exists(directory / "vocab.txt") || fs::exists(directory / "tokenizer.json");
  return found ? load_tokenizer(directory) : nullptr;
}

}  // namespace bertjit
