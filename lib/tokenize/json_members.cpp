#include "tokenize/json_members.h"

#include <limits>

namespace bertjit {

using nlohmann::json;

Error wrong_member(const std::string& file, const std::string& key, const json& value, const char* expected) {
  return Error(ErrorKind::kCorrupt, file + ": '" + key + "' is " + value.type_name() + ", expected " + expected);
}

Error unsupported_part(const std::string& file, const std::string& part, const std::string& found,
                       const std::string& supported) {
  return Error(ErrorKind::kUnsupported, file + ": " + part + " is " + found + "; supported: " + supported);
}

const json* find_member(const json& object, const std::string& key) {
  if (!object.is_object()) {
    return nullptr;
  }
  const auto member = object.find(key);
  return member == object.end() || member->is_null() ? nullptr : &*member;
}

const json& require_member(const json& object, const std::string& key, const std::string& file) {
  const json* member = find_member(object, key);
  if (member == nullptr) {
    throw Error(ErrorKind::kCorrupt, file + ": has no '" + key + "' where there must be one");
  }
  return *member;
}

std::string require_string(const json& object, const std::string& key, const std::string& file) {
  const json& value = require_member(object, key, file);
  if (!value.is_string()) {
    throw wrong_member(file, key, value, "a string");
  }
  return value.get<std::string>();
}

const json& require_array(const json& object, const std::string& key, const std::string& file) {
  const json& value = require_member(object, key, file);
  if (!value.is_array()) {
    throw wrong_member(file, key, value, "an array");
  }
  return value;
}

int64_t require_count(const json& value, const std::string& key, const std::string& file) {
  const bool fits = value.is_number_integer() &&
                    (value.is_number_unsigned() ? value.get<uint64_t>() <= std::numeric_limits<int64_t>::max()
                                                : value.get<int64_t>() >= 0);
  if (!fits) {
    throw wrong_member(file, key, value, "an integer of at least 0");
  }
  return value.get<int64_t>();
}

int32_t require_token_id(const json& value, const std::string& file) {
  const int64_t id = require_count(value, "id", file);
  if (id > std::numeric_limits<int32_t>::max()) {
    throw Error(ErrorKind::kCorrupt, file + ": token id " + std::to_string(id) + " does not fit 31 bits");
  }
  return static_cast<int32_t>(id);
}

bool bool_member(const json& object, const std::string& key, bool fallback, const std::string& file) {
  const json* member = find_member(object, key);
  if (member != nullptr && !member->is_boolean()) {
    throw wrong_member(file, key, *member, "true or false");
  }
  return member == nullptr ? fallback : member->get<bool>();
}

std::string string_member(const json& object, const std::string& key, const std::string& fallback,
                          const std::string& file) {
  return find_member(object, key) == nullptr ? fallback : require_string(object, key, file);
}

int64_t count_member(const json& object, const std::string& key, int64_t fallback, const std::string& file) {
  const json* member = find_member(object, key);
  return member == nullptr ? fallback : require_count(*member, key, file);
}

AddedToken parse_added_token(const json& object, const std::string& file) {
  AddedToken token;
  token.content = require_string(object, "content", file);
  token.special = bool_member(object, "special", false, file);
  token.single_word = bool_member(object, "single_word", false, file);
  token.lstrip = bool_member(object, "lstrip", false, file);
  token.rstrip = bool_member(object, "rstrip", false, file);
  token.normalized = bool_member(object, "normalized", !token.special, file);
  return token;
}

}  // namespace bertjit
