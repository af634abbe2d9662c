#include "tokenize/config_files.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <system_error>

#include "support/error.h"
#include "support/json.h"
#include "tokenize/json_members.h"

namespace bertjit {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

json read_optional(const fs::path& path) {
  std::error_code ignored;
  if (!fs::exists(path, ignored)) {
    return json::object();
  }
  json object = read_json_file(path);
  if (!object.is_object()) {
    throw Error(ErrorKind::kCorrupt, path.string() + ": is " + object.type_name() + ", expected an object");
  }
  return object;
}

int64_t parse_id(const std::string& digits, const std::string& file) {
  int64_t id = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), id);
  if (error != std::errc() || end != digits.data() + digits.size() || id < 0) {
    throw Error(ErrorKind::kCorrupt, file + ": 'added_tokens_decoder' has id '" + digits + "', expected a number");
  }
  return id;
}

}  // namespace

ConfigFiles::ConfigFiles(const fs::path& directory)
    : directory_(directory),
      file_((directory / "tokenizer_config.json").string()),
      config_(read_optional(file_)),
      special_map_(json::object()),
      legacy_added_tokens_(json::object()) {
  if (find_member(config_, "added_tokens_decoder") == nullptr) {
    special_map_ = read_optional(directory / "special_tokens_map.json");
    legacy_added_tokens_ = read_optional(directory / "added_tokens.json");
  }
}

ConfigFiles::NamedClass ConfigFiles::find_class() const {
  std::string name = string_member(config_, "tokenizer_class", "", file_);
  std::string model_type;
  if (name.empty()) {
    const std::string file = (directory_ / "config.json").string();
    const json model_config = read_optional(file);
    name = string_member(model_config, "tokenizer_class", "", file);
    model_type = string_member(model_config, "model_type", "", file);
  }
  for (const std::string suffix : {"Fast", "Tokenizer"}) {
    if (name.ends_with(suffix)) {
      name.erase(name.size() - suffix.size());
    }
  }
  for (const TokenizerClass& of : tokenizer_classes()) {
    if (name.empty() ? model_type == of.model_type : name == of.name) {
      return {&of, "class " + std::string(of.name)};
    }
  }
  if (!name.empty()) {
    return {nullptr, "class " + name};
  }
  return {nullptr, model_type.empty() ? "" : "model type " + model_type};
}

AddedToken ConfigFiles::parse_role_token(const json& value, const std::string& role, const TokenizerClass* of,
                                         TokenizerSource source) const {
  if (value.is_string()) {
    return make_role_token(of, source, role, value.get<std::string>());
  }
  AddedToken token = parse_added_token(value, directory_.string() + ": special token '" + role + "'");
  token.special = true;
  return token;
}

std::optional<AddedToken> ConfigFiles::role_token(const std::string& role, const TokenizerClass* of,
                                                  TokenizerSource source) const {
  for (const json* file : {&special_map_, &config_}) {
    if (file->contains(role)) {
      const json* value = find_member(*file, role);
      return value == nullptr ? std::nullopt : std::optional(parse_role_token(*value, role, of, source));
    }
  }
  const char* content = of == nullptr ? nullptr : default_content(*of, role);
  return content == nullptr ? std::nullopt : std::optional(make_role_token(of, source, role, content));
}

std::vector<AddedToken> ConfigFiles::additional_tokens(const TokenizerClass* of, TokenizerSource source) const {
  const std::string key = "additional_special_tokens";
  std::vector<AddedToken> tokens;
  if (of != nullptr && !special_map_.contains(key) && !config_.contains(key)) {
    for (const std::string& content : default_additional_tokens(*of)) {
      tokens.push_back(make_role_token(of, source, key, content));
    }
  }
  for (const json* file : {&special_map_, &config_}) {
    if (const json* list = find_member(*file, key); list != nullptr && list->is_array()) {
      for (const json& value : *list) {
        tokens.push_back(parse_role_token(value, key, of, source));
      }
    }
  }
  return tokens;
}

std::vector<AddedToken> ConfigFiles::added_tokens(const TokenizerClass* of, TokenizerSource source) const {
  std::multimap<int64_t, AddedToken> by_id;
  if (const json* decoder = find_member(config_, "added_tokens_decoder")) {
    for (const auto& [id, token] : decoder->items()) {
      by_id.emplace(parse_id(id, file_), parse_added_token(token, file_));
    }
  }
  const auto is_role = [&](const std::string& content) {
    return std::any_of(std::begin(kRoles), std::end(kRoles), [&](const char* role) {
      const auto token = role_token(role, of, source);
      return token && token->content == content;
    });
  };
  for (const auto& [content, id] : legacy_added_tokens_.items()) {
    const bool special = is_role(content);
    by_id.emplace(require_count(id, content, (directory_ / "added_tokens.json").string()),
                  AddedToken{.content = content, .normalized = !special, .special = special});
  }
  std::vector<AddedToken> tokens;
  for (auto& [id, token] : by_id) {
    tokens.push_back(std::move(token));
  }
  return tokens;
}

std::optional<int64_t> ConfigFiles::model_max_length() const {
  const std::string key = config_.contains("model_max_length") ? "model_max_length" : "max_len";
  const json* member = find_member(config_, key);
  if (member == nullptr || (member->is_number() && member->get<double>() > 1e18)) {
    return std::nullopt;
  }
  return count_member(config_, key, 0, file_);
}

}  // namespace bertjit
