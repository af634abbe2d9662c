// config.json of a Hugging Face checkpoint, with typed fields.
//
// Reference: transformers `PretrainedConfig.from_json_file`; field names are the file's own.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace bertjit {

/// One config.json. A field that is absent or null takes the default the caller names; a field of the wrong kind is an
/// Error(kCorrupt) that names file, field, value and what was expected.
class Config {
 public:
  /// Reads `path`. Throws Error(kNotFound, kIo, kCorrupt).
  static Config read(const std::filesystem::path& path);
  /// `name` stands first in messages.
  Config(nlohmann::json json, std::string name);

  const std::string& name() const {
    return name_;
  }
  /// Empty if the file has none.
  std::string model_type() const;
  /// Class names of transformers, e.g. "BertForMaskedLM"; empty if the file has none.
  std::vector<std::string> architectures() const;

  /// A count or size: a positive integer. Without a default the field must be there.
  int64_t size(const std::string& field, std::optional<int64_t> default_value = std::nullopt) const;
  double number(const std::string& field, double default_value) const;
  bool flag(const std::string& field, bool default_value) const;
  std::string text(const std::string& field, const std::string& default_value) const;
  /// Number of entries of id2label, else `num_labels`, else 2, as in transformers.
  int64_t num_labels() const;

 private:
  const nlohmann::json* find(const std::string& field) const;
  [[noreturn]] void refuse(const std::string& field, const nlohmann::json& found, const std::string& expected) const;

  nlohmann::json json_;
  std::string name_;
};

}  // namespace bertjit
