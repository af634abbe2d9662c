#include "glue/model_facts.h"

#include "checkpoint/checkpoint.h"
#include "checkpoint/config.h"
#include "digest/tokenizer_digest.h"
#include "recognise/recognise.h"
#include "support/file_status.h"
#include "support/words.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

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

std::string model_type_of(const Source& source, const fs::path& config) {
  if (source.checkpoint) {
    return source.checkpoint->choice.architecture;
  }
  if (const Claims* claims = claims_of(source); claims != nullptr && !claims->architecture.empty()) {
    return claims->architecture;
  }
  return path_exists(config) ? Config::read(config).model_type() : "";
}

}  // namespace

fs::path checkpoint_folder(const fs::path& path) {
  return path_is_folder(path) ? path : path.parent_path();
}

const Claims* claims_of(const Source& source) {
  return source.compiled && source.compiled->claims ? &*source.compiled->claims : nullptr;
}

bool fits_tokenizer(const Claims* claims, const fs::path& folder) {
  if (claims == nullptr || claims->tokenizer_sha512.empty()) {
    return true;
  }
  const auto digest = digest_tokenizer(folder);
  return digest && to_hex(*digest) == claims->tokenizer_sha512;
}

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

LabelOrder order_of(const Source& source, const std::vector<std::string>& labels, const GlueTask& task,
                    const fs::path& tokenizer) {
  const fs::path path = source.name;
  const fs::path config = !source.checkpoint     ? tokenizer / "config.json"
                          : path_is_folder(path) ? path / "config.json"
                                                 : path;
  return order_labels(task, {labels, config, model_type_of(source, config)});
}

}  // namespace bertjit
