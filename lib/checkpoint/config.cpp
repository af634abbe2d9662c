#include "checkpoint/config.h"

#include <algorithm>
#include <cctype>
#include <sstream>
#include <utility>

#include "support/error.h"
#include "support/json.h"

namespace bertjit {

Config Config::read(const std::filesystem::path& path) {
  return Config(read_json_file(path), path.string());
}

Config::Config(nlohmann::json json, std::string name) : json_(std::move(json)), name_(std::move(name)) {
  if (!json_.is_object()) {
    throw Error(ErrorKind::kCorrupt, name_ + ": holds a JSON " + json_.type_name() + ", expected an object");
  }
}

const nlohmann::json* Config::find(const std::string& field) const {
  const auto it = json_.find(field);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

void Config::refuse(const std::string& field, const nlohmann::json& found, const std::string& expected) const {
  throw Error(ErrorKind::kCorrupt, name_ + ": " + field + " is " +
                                       found.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
                                       ", expected " + expected);
}

std::string Config::model_type() const {
  return text("model_type", "");
}

std::vector<std::string> Config::architectures() const {
  std::vector<std::string> names;
  if (const auto* value = find("architectures")) {
    if (!value->is_array()) {
      refuse("architectures", *value, "a list of class names");
    }
    for (const auto& entry : *value) {
      if (!entry.is_string()) {
        refuse("architectures", *value, "a list of class names");
      }
      names.push_back(entry.get<std::string>());
    }
  }
  return names;
}

int64_t Config::integer(const std::string& field, const nlohmann::json& value, int64_t least,
                        const std::string& expected) const {
  // 2^31 is beyond every published model and keeps products of two sizes within int64.
  if (!value.is_number_integer() || value.get<int64_t>() < least || value.get<int64_t>() > (int64_t{1} << 31)) {
    refuse(field, value, expected);
  }
  return value.get<int64_t>();
}

int64_t Config::size(const std::string& field, std::optional<int64_t> default_value) const {
  const auto* value = find(field);
  if (value == nullptr) {
    if (!default_value) {
      throw Error(ErrorKind::kCorrupt, name_ + ": has no " + field);
    }
    return *default_value;
  }
  return integer(field, *value, 1, "a positive integer");
}

int64_t Config::count(const std::string& field, int64_t default_value) const {
  const auto* value = find(field);
  return value == nullptr ? default_value : integer(field, *value, 0, "an integer of at least 0");
}

int64_t Config::signed_count(const std::string& field, int64_t default_value) const {
  const auto* value = find(field);
  return value == nullptr ? default_value : integer(field, *value, -(int64_t{1} << 31), "an integer");
}

std::vector<std::string> Config::words(const std::string& field) const {
  const auto* value = find(field);
  if (value == nullptr) {
    return {};
  }
  const bool is_list = value->is_array() &&
                       std::all_of(value->begin(), value->end(), [](const auto& entry) { return entry.is_string(); });
  if (is_list) {
    return value->get<std::vector<std::string>>();
  }
  if (!value->is_string()) {
    refuse(field, *value, "a list of words, or words with | between them");
  }
  std::vector<std::string> found;
  std::istringstream text(value->get<std::string>());
  for (std::string word; std::getline(text, word, '|');) {
    const size_t first = word.find_first_not_of(" \t\n");
    const size_t last = word.find_last_not_of(" \t\n");
    word = first == std::string::npos ? "" : word.substr(first, last - first + 1);
    std::transform(word.begin(), word.end(), word.begin(), [](unsigned char c) { return std::tolower(c); });
    found.push_back(word);
  }
  return found;
}

std::optional<int64_t> Config::token_id(const std::string& field, std::optional<int64_t> default_value) const {
  if (!json_.contains(field)) {
    return default_value;
  }
  const auto* value = find(field);
  return value == nullptr ? std::nullopt : std::make_optional(integer(field, *value, 0, "the id of a token, or null"));
}

double Config::number(const std::string& field, double default_value) const {
  const auto* value = find(field);
  if (value != nullptr && !value->is_number()) {
    refuse(field, *value, "a number");
  }
  return value == nullptr ? default_value : value->get<double>();
}

bool Config::flag(const std::string& field, bool default_value) const {
  const auto* value = find(field);
  if (value != nullptr && !value->is_boolean()) {
    refuse(field, *value, "true or false");
  }
  return value == nullptr ? default_value : value->get<bool>();
}

std::string Config::text(const std::string& field, const std::string& default_value) const {
  const auto* value = find(field);
  if (value != nullptr && !value->is_string()) {
    refuse(field, *value, "a string");
  }
  return value == nullptr ? default_value : value->get<std::string>();
}

bool Config::is_null(const std::string& field) const {
  return json_.contains(field) && find(field) == nullptr;
}

bool Config::has_entries(const std::string& field) const {
  const auto* value = find(field);
  return value != nullptr && value->is_structured() && !value->empty();
}

int64_t Config::num_labels() const {
  const auto* labels = find("id2label");
  if (labels != nullptr && labels->is_object() && !labels->empty()) {
    return static_cast<int64_t>(labels->size());
  }
  return size("num_labels", 2);
}

}  // namespace bertjit
