#include "checkpoint/config.h"

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

int64_t Config::size(const std::string& field, std::optional<int64_t> default_value) const {
  const auto* value = find(field);
  if (value == nullptr) {
    if (!default_value) {
      throw Error(ErrorKind::kCorrupt, name_ + ": has no " + field);
    }
    return *default_value;
  }
  // 2^31 is beyond every published model and keeps products of two sizes within int64.
  if (!value->is_number_integer() || value->get<int64_t>() < 1 || value->get<int64_t>() > (int64_t{1} << 31)) {
    refuse(field, *value, "a positive integer");
  }
  return value->get<int64_t>();
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

int64_t Config::num_labels() const {
  const auto* labels = find("id2label");
  if (labels != nullptr && labels->is_object() && !labels->empty()) {
    return static_cast<int64_t>(labels->size());
  }
  return size("num_labels", 2);
}

}  // namespace bertjit
