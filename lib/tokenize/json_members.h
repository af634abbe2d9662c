// Members of a tokenizer's JSON files, with messages that name file and field.
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "support/error.h"
#include "tokenize/added_tokens.h"

namespace bertjit {

/// The member `key`, or nullptr where it is absent, null, or `object` is no object.
const nlohmann::json* find_member(const nlohmann::json& object, const std::string& key);

/// In all of these `file` stands first in messages, and Error(kCorrupt) is thrown if the member is of another type or,
/// where one is required, absent or null.
const nlohmann::json& require_member(const nlohmann::json& object, const std::string& key, const std::string& file);
std::string require_string(const nlohmann::json& object, const std::string& key, const std::string& file);
const nlohmann::json& require_array(const nlohmann::json& object, const std::string& key, const std::string& file);

/// The member `key`, or `fallback` where it is absent or null.
bool bool_member(const nlohmann::json& object, const std::string& key, bool fallback, const std::string& file);
std::string string_member(const nlohmann::json& object, const std::string& key, const std::string& fallback,
                          const std::string& file);
/// The same for a number that must be an integer of at least 0.
int64_t count_member(const nlohmann::json& object, const std::string& key, int64_t fallback, const std::string& file);

/// The value itself, which `key` names in messages.
int64_t require_count(const nlohmann::json& value, const std::string& key, const std::string& file);
int32_t require_token_id(const nlohmann::json& value, const std::string& file);

/// Reads an added token from the JSON of tokenizer.json, tokenizer_config.json or special_tokens_map.json.
AddedToken parse_added_token(const nlohmann::json& object, const std::string& file);

/// "F: 'K' is string, expected E": kCorrupt.
Error wrong_member(const std::string& file, const std::string& key, const nlohmann::json& value, const char* expected);
/// "F: normalizer is X; supported: A, B": kUnsupported.
Error unsupported_part(const std::string& file, const std::string& part, const std::string& found,
                       const std::string& supported);

}  // namespace bertjit
