#include "run/generation_rules.h"

#include <string>

#include <nlohmann/json.hpp>

#include "support/error.h"
#include "support/file_status.h"
#include "support/json.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

/// One of the two files, as far as generation reads it.
class Settings {
 public:
  Settings(Json json, std::string name) : json_(std::move(json)), name_(std::move(name)) {
    if (!json_.is_object()) {
      throw Error(ErrorKind::kCorrupt, name_ + ": holds a JSON " + json_.type_name() + ", expected an object");
    }
  }

  const std::string& name() const {
    return name_;
  }
  /// What stands there; null where nothing does.
  Json value(const std::string& field) const {
    return json_.value(field, Json());
  }
  /// For a field that is not there at all; null stays null.
  void set_default(const std::string& field, const Json& value) {
    json_.emplace(field, value);
  }

  std::optional<int64_t> integer(const std::string& field) const {
    const Json found = value(field);
    if (found.is_null()) {
      return std::nullopt;
    }
    if (!found.is_number_integer() || found.get<int64_t>() < 0) {
      refuse(field, "an integer of at least 0");
    }
    return found.get<int64_t>();
  }

  /// One id, or a list of ids.
  std::vector<int64_t> ids(const std::string& field) const {
    return ids_of(value(field), field);
  }

  std::vector<std::vector<int64_t>> lists_of_ids(const std::string& field) const {
    std::vector<std::vector<int64_t>> lists;
    const Json found = value(field);
    if (!found.is_null() && !found.is_array()) {
      refuse(field, "a list of lists of ids");
    }
    for (const auto& item : found) {
      if (!item.is_array() || item.empty()) {
        refuse(field, "a list of lists of ids");
      }
      lists.push_back(ids_of(item, field));
    }
    return lists;
  }

 private:
  std::vector<int64_t> ids_of(const Json& found, const std::string& field) const {
    std::vector<int64_t> ids;
    for (const auto& item : found.is_array() || found.is_null() ? found : Json::array({found})) {
      if (!item.is_number_integer() || item.get<int64_t>() < 0) {
        refuse(field, "the id of a token, or a list of ids");
      }
      ids.push_back(item.get<int64_t>());
    }
    return ids;
  }

  [[noreturn]] void refuse(const std::string& field, const std::string& expected) const {
    throw Error(ErrorKind::kCorrupt, name_ + ": " + field + " is " +
                                         value(field).dump(-1, ' ', false, Json::error_handler_t::replace) +
                                         ", expected " + expected);
  }

  Json json_;
  std::string name_;
};

/// PretrainedConfig._get_global_generation_defaults: a config.json that differs in one of them has settings of its own.
bool has_own_settings(const Settings& config) {
  static const Json defaults = {{"max_length", 20},
                                {"min_length", 0},
                                {"do_sample", false},
                                {"early_stopping", false},
                                {"num_beams", 1},
                                {"temperature", 1.0},
                                {"top_k", 50},
                                {"top_p", 1.0},
                                {"typical_p", 1.0},
                                {"repetition_penalty", 1.0},
                                {"length_penalty", 1.0},
                                {"no_repeat_ngram_size", 0},
                                {"encoder_no_repeat_ngram_size", 0},
                                {"bad_words_ids", nullptr},
                                {"num_return_sequences", 1},
                                {"output_scores", false},
                                {"return_dict_in_generate", false},
                                {"forced_bos_token_id", nullptr},
                                {"forced_eos_token_id", 0},  // MarianConfig's
                                {"remove_invalid_values", false},
                                {"exponential_decay_length_penalty", nullptr},
                                {"suppress_tokens", nullptr},
                                {"begin_suppress_tokens", nullptr},
                                {"num_beam_groups", 1},
                                {"diversity_penalty", 0.0}};
  for (const auto& [field, usual] : defaults.items()) {
    const Json found = config.value(field);
    if (!found.is_null() && found != usual) {
      return true;
    }
  }
  return false;
}

/// Settings that would change what is chosen.
void refuse_unknown_rules(const Settings& settings) {
  static const Json without_effect = {{"repetition_penalty", 1.0},
                                      {"encoder_repetition_penalty", 1.0},
                                      {"no_repeat_ngram_size", 0},
                                      {"encoder_no_repeat_ngram_size", 0},
                                      {"sequence_bias", nullptr},
                                      {"exponential_decay_length_penalty", nullptr},
                                      {"begin_suppress_tokens", nullptr},
                                      {"remove_invalid_values", false},
                                      {"guidance_scale", 1.0},
                                      {"watermarking_config", nullptr},
                                      {"constraints", nullptr},
                                      {"force_words_ids", nullptr},
                                      {"penalty_alpha", nullptr},
                                      {"dola_layers", nullptr},
                                      {"stop_strings", nullptr},
                                      {"max_time", nullptr}};
  for (const auto& [field, harmless] : without_effect.items()) {
    const Json found = settings.value(field);
    if (!found.is_null() && found != harmless) {
      throw Error(ErrorKind::kUnsupported, settings.name() + ": " + field + " " +
                                               found.dump(-1, ' ', false, Json::error_handler_t::replace) +
                                               " is not supported in generation");
    }
  }
}

Settings choose_settings(const fs::path& directory) {
  const fs::path config_path = directory / "config.json";
  Settings config(read_json_file(config_path), config_path.string());
  const fs::path generation_path = directory / "generation_config.json";
  if (path_exists(generation_path)) {
    Settings generation(read_json_file(generation_path), generation_path.string());
    if (generation.value("_from_model_config") != Json(true) || !has_own_settings(config)) {
      return generation;
    }
  }
  if (config.value("model_type") == Json("marian")) {
    // Defaults of MarianConfig.
    config.set_default("decoder_start_token_id", 58100);
    config.set_default("pad_token_id", 58100);
    config.set_default("eos_token_id", 0);
    config.set_default("forced_eos_token_id", 0);
  }
  return config;
}

}  // namespace

GenerationRules read_generation_rules(const fs::path& directory) {
  const Settings settings = choose_settings(directory);
  refuse_unknown_rules(settings);
  const auto start = settings.integer("decoder_start_token_id");
  const auto start_or_bos = start ? start : settings.integer("bos_token_id");
  if (!start_or_bos) {
    throw Error(ErrorKind::kUnsupported,
                settings.name() + ": has no decoder_start_token_id: nothing says what a decoder starts with");
  }
  constexpr int64_t kUsualLength = 20;
  GenerationRules rules;
  rules.decoder_start_token_id = *start_or_bos;
  rules.eos_token_ids = settings.ids("eos_token_id");
  rules.pad_token_id =
      settings.integer("pad_token_id").value_or(rules.eos_token_ids.empty() ? 0 : rules.eos_token_ids.front());
  rules.max_length = settings.integer("max_length").value_or(kUsualLength);
  rules.is_default_length = rules.max_length == kUsualLength;
  rules.max_new_tokens = settings.integer("max_new_tokens");
  rules.min_length = settings.integer("min_length").value_or(0);
  rules.min_new_tokens = settings.integer("min_new_tokens");
  rules.bad_words_ids = settings.lists_of_ids("bad_words_ids");
  rules.suppress_tokens = settings.ids("suppress_tokens");
  rules.forced_bos_token_id = settings.integer("forced_bos_token_id");
  rules.forced_eos_token_ids = settings.ids("forced_eos_token_id");
  return rules;
}

}  // namespace bertjit
