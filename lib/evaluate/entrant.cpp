#include "evaluate/entrant.h"

#include <algorithm>
#include <utility>

#include "glue/model_facts.h"
#include "source/stored_weights.h"
#include "support/error.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// Digits of a digest that a message shows.
constexpr size_t kShownDigits = 16;

[[noreturn]] void refuse_without_tokenizer(const Source& source, const std::string& why) {
  throw Error(ErrorKind::kInvalidArgument,
              source.name + ": " + why + "; name the folder of its tokenizer with --tokenizer DIR");
}

/// Of a model that brings none: that of the first checkpoint beside it.
fs::path borrowed_tokenizer(const Source& source, const EvalOptions& options, std::vector<std::string>& notes) {
  std::string other;
  for (const SourceOptions& model : options.models) {
    if (!names_checkpoint(model.path) || !has_tokenizer(checkpoint_folder(model.path))) {
      continue;
    }
    if (fits_tokenizer(claims_of(source), checkpoint_folder(model.path))) {
      notes.push_back(source.name + ": with the tokenizer of " + model.path);
      return checkpoint_folder(model.path);
    }
    other = model.path;
  }
  if (!other.empty()) {
    refuse_without_tokenizer(source, "was made with another tokenizer than that of " + other + " (its claims say " +
                                         claims_of(source)->tokenizer_sha512.substr(0, kShownDigits) + "…)");
  }
  refuse_without_tokenizer(source, "has no tokenizer of its own, and no checkpoint that has one is among the models");
}

fs::path tokenizer_folder(const Source& source, const EvalOptions& options, std::vector<std::string>& notes) {
  if (!options.tokenizer.empty()) {
    if (!fits_tokenizer(claims_of(source), options.tokenizer)) {
      notes.push_back(source.name + ": was made with other tokenizer files than those of " + options.tokenizer);
    }
    return options.tokenizer;
  }
  if (!source.checkpoint) {
    return borrowed_tokenizer(source, options, notes);
  }
  if (source.tokenizer() == nullptr) {
    refuse_without_tokenizer(source, "has no tokenizer");
  }
  return checkpoint_folder(source.name);
}

void describe(Entrant& entrant, const GlueTask& task) {
  EvalModel& description = entrant.description;
  description.kind = entrant.module ? "torchscript" : "eager";
  const StoredWeights weights = describe_weights(entrant.source);
  description.dtype = weights.dtype;
  description.size_bytes = weights.size_bytes;
  for (const size_t one : entrant.order.classes) {
    description.labels.push_back(task.classes[one].word);
  }
  description.labels_from = entrant.order.from;
}

}  // namespace

const Tokenizer& TokenizerShelf::get(const fs::path& folder) {
  auto& tokenizer = tokenizers_[fs::weakly_canonical(folder)];
  if (!tokenizer) {
    tokenizer = load_tokenizer(folder);
  }
  return *tokenizer;
}

void TokenizerShelf::put(const fs::path& folder, std::unique_ptr<Tokenizer> tokenizer) {
  tokenizers_.try_emplace(fs::weakly_canonical(folder), std::move(tokenizer));
}

Entrant open_entrant(const SourceOptions& model, const EvalOptions& options, const GlueTask& task,
                     TokenizerShelf& shelf) {
  Entrant entrant{open_source(model, options.seed, options.tokenizer), nullptr, nullptr, {}, {.name = model.path}};
  Source& source = entrant.source;
  std::vector<std::string>& notes = entrant.description.notes;
  notes = source.checkpoint ? source.checkpoint->choice.notes : source.notes;
  const fs::path folder = tokenizer_folder(source, options, notes);
  if (source.checkpoint && source.checkpoint->tokenizer) {
    shelf.put(folder, std::move(source.checkpoint->tokenizer));
  }
  entrant.tokenizer = &shelf.get(folder);
  entrant.description.tokenizer = folder.string();
  if (source.compiled) {
    name_arguments(*source.compiled, model.path, notes);
    entrant.module = std::make_unique<ModuleRunner>(*source.compiled, model.path);
  }
  entrant.order = order_of(source, options.labels, task, folder);
  describe(entrant, task);
  return entrant;
}

}  // namespace bertjit
