#include "evaluate/entrant.h"

#include <algorithm>
#include <utility>

#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "digest/tokenizer_digest.h"
#include "evaluate/stored_weights.h"
#include "recognise/recognise.h"
#include "support/error.h"
#include "support/words.h"
#include "tokenize/load.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

/// Digits of a digest that a message shows.
constexpr size_t kShownDigits = 16;

fs::path checkpoint_folder(const fs::path& path) {
  return fs::is_directory(path) ? path : path.parent_path();
}

const Claims* claims_of(const Source& source) {
  return source.compiled && source.compiled->claims ? &*source.compiled->claims : nullptr;
}

/// Whether the tokenizer of `folder` has the digest that the model was made with; true where it does not say.
bool fits_claims(const Source& source, const fs::path& folder) {
  const Claims* claims = claims_of(source);
  if (claims == nullptr || claims->tokenizer_sha512.empty()) {
    return true;
  }
  const auto digest = digest_tokenizer(folder);
  return digest && to_hex(*digest) == claims->tokenizer_sha512;
}

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
    if (fits_claims(source, checkpoint_folder(model.path))) {
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
    if (!fits_claims(source, options.tokenizer)) {
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

bool is_usual_name(const std::string& name) {
  return name == "input_ids" || name == "attention_mask" || name == "token_type_ids";
}

/// Whether a value must be given for an argument whose name says nothing.
bool has_unknown_argument(const torch::jit::Module& module, const Claims* claims) {
  const auto forward = module.find_method("forward");
  if (!forward) {
    return false;
  }
  const auto& arguments = forward->function().getSchema().arguments();
  const bool is_claimed = claims != nullptr && claims->inputs.size() + 1 == arguments.size();
  for (size_t i = 1; i < arguments.size(); ++i) {
    const std::string& name = is_claimed ? claims->inputs[i - 1] : arguments[i].name();
    if (!arguments[i].default_value() && !is_usual_name(name)) {
      return true;
    }
  }
  return false;
}

/// Gives arguments such as `x` and `m` their meaning, where the code shows it.
void name_arguments(LoadedModule& loaded, const std::string& owner, std::vector<std::string>& notes) {
  if (!has_unknown_argument(loaded.module, loaded.claims ? &*loaded.claims : nullptr)) {
    return;
  }
  const Recognition recognition = recognise(loaded, loaded.claims);
  if (!recognition.recognised()) {
    return;
  }
  std::vector<std::string> names;
  std::vector<std::string> pairs;
  for (const RecognisedInput& input : recognition.inputs) {
    names.push_back(input.meaning.empty() ? input.argument : input.meaning);
    if (names.back() != input.argument) {
      pairs.push_back(input.argument + " as " + names.back());
    }
  }
  if (!pairs.empty()) {
    notes.push_back(owner + ": takes " + joined(pairs));
    loaded.claims = loaded.claims.value_or(Claims{});
    loaded.claims->inputs = names;
  }
}

std::string model_type_of(const Source& source, const fs::path& config) {
  if (source.checkpoint) {
    return source.checkpoint->choice.architecture;
  }
  if (const Claims* claims = claims_of(source); claims != nullptr && !claims->architecture.empty()) {
    return claims->architecture;
  }
  return fs::exists(config) ? Config::read(config).model_type() : "";
}

LabelOrder order_of(const Source& source, const EvalOptions& options, const GlueTask& task, const fs::path& tokenizer) {
  const fs::path path = source.name;
  const fs::path config = !source.checkpoint       ? tokenizer / "config.json"
                          : fs::is_directory(path) ? path / "config.json"
                                                   : path;
  return order_labels(task, {options.labels, config, model_type_of(source, config)});
}

void describe(Entrant& entrant, const GlueTask& task) {
  EvalModel& description = entrant.description;
  description.kind = entrant.module ? "torchscript" : "eager";
  const auto tree = entrant.module              ? std::optional(entrant.module->module())
                    : entrant.source.checkpoint ? std::optional(entrant.source.checkpoint->model->module())
                                                : entrant.source.program->module();
  if (tree) {
    const StoredWeights weights = describe_weights(*tree);
    description.dtype = weights.dtype;
    description.size_bytes = weights.size_bytes;
  }
  if (const Claims* claims = claims_of(entrant.source); claims != nullptr && !claims->dtype.empty()) {
    description.dtype = claims->dtype;
  }
  if (fs::is_regular_file(description.name) && !entrant.source.checkpoint) {
    description.size_bytes = fs::file_size(description.name);
  }
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
  entrant.order = order_of(source, options, task, folder);
  describe(entrant, task);
  return entrant;
}

}  // namespace bertjit
