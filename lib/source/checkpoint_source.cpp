#include "source/checkpoint_source.h"

#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/stored_dtype.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

DType choose_dtype(const SourceOptions& options, const Checkpoint& checkpoint) {
  if (options.dtype.empty()) {
    return options.model.dtype;
  }
  if (options.dtype == "auto") {
    return options.init != "random" && checkpoint.weights ? stored_dtype(*checkpoint.weights) : DType::kFloat32;
  }
  if (const auto dtype = floating_dtype(options.dtype)) {
    return *dtype;
  }
  throw Error(ErrorKind::kInvalidArgument,
              "--dtype " + options.dtype + ": not known (known: float32, float16, bfloat16, float64, auto)");
}

SourceChoice describe_choice(const SourceOptions& options, const Checkpoint& checkpoint, const Model& model,
                             DType dtype) {
  const ModelDescription& description = model.description();
  SourceChoice choice{.path = options.path, .architecture = description.architecture, .head = description.head};
  const auto listed = checkpoint.config.architectures();
  choice.listed_head = listed.empty() ? "" : listed.front();
  choice.head_origin = !options.model.head.empty() ? HeadOrigin::kOption
                       : listed.empty()            ? HeadOrigin::kAssumed
                                                   : HeadOrigin::kArchitectures;
  if (description.head.find("Classification") != std::string::npos) {
    choice.num_labels = checkpoint.config.num_labels();
  }
  for (const auto& input : description.inputs) {
    choice.inputs.push_back(input.name);
  }
  choice.dtype = dtype_name(dtype);
  if (options.init == "random") {
    choice.weights = "random";
  } else if (checkpoint.weights) {
    choice.weights = checkpoint.weights->path.filename().string();
    choice.stored_dtype = dtype_name(stored_dtype(*checkpoint.weights));
    choice.notes = checkpoint.weights->notes;
    if (const std::string note = conversion_note(*checkpoint.weights, dtype); !note.empty()) {
      choice.notes.push_back(options.path + ": " + note);
    }
  }
  return choice;
}

}  // namespace

std::optional<DType> floating_dtype(const std::string& name) {
  for (const DType dtype : {DType::kFloat32, DType::kFloat16, DType::kBFloat16, DType::kFloat64}) {
    if (name == dtype_name(dtype)) {
      return dtype;
    }
  }
  return std::nullopt;
}

CheckpointSource open_checkpoint_source(const SourceOptions& options, uint64_t seed,
                                        const std::string& tokenizer_directory) {
  if (!options.init.empty() && options.init != "random") {
    throw Error(ErrorKind::kInvalidArgument, "--init " + options.init + ": not known (known: random)");
  }
  const Checkpoint checkpoint = open_checkpoint(options.path);
  ModelOptions model_options = options.model;
  model_options.dtype = choose_dtype(options, checkpoint);
  if (options.init == "random") {
    model_options.random_seed = seed;
  }
  auto tokenizer =
      tokenizer_directory.empty() ? find_tokenizer(checkpoint.directory) : load_tokenizer(tokenizer_directory);
  auto model = build_model(checkpoint, model_options);
  SourceChoice choice = describe_choice(options, checkpoint, *model, model_options.dtype);
  return {options.path, std::move(model), std::move(choice), std::move(tokenizer)};
}

std::unique_ptr<Tokenizer> find_tokenizer(const fs::path& directory) {
  return has_tokenizer(directory) ? load_tokenizer(directory) : nullptr;
}

}  // namespace bertjit
