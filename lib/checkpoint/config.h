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
  /// The same for one that may be 0.
  int64_t count(const std::string& field, int64_t default_value) const;
  /// One where a negative number, or any below 1, means "none".
  int64_t signed_count(const std::string& field, int64_t default_value) const;
  /// Words: a list, as they are, or one text with `|` between them ("p2c|c2p"), in lower case. Absent: none.
  std::vector<std::string> words(const std::string& field) const;
  /// The id of a special token, at least 0. Null is "none", not the default.
  std::optional<int64_t> token_id(const std::string& field, std::optional<int64_t> default_value) const;
  double number(const std::string& field, double default_value) const;
  bool flag(const std::string& field, bool default_value) const;
  std::string text(const std::string& field, const std::string& default_value) const;
  /// Whether the field is there and null, where that means "none" and not the default.
  bool is_null(const std::string& field) const;
  /// Whether the field is a list or an object that is not empty.
  bool has_entries(const std::string& field) const;
  /// Number of entries of id2label, else `num_labels`, else 2, as in transformers.
  int64_t num_labels() const;

 private:
  const nlohmann::json* find(const std::string& field) const;
  int64_t integer(const std::string& field, const nlohmann::json& value, int64_t least,
                  const std::string& expected) const;
  [[noreturn]] void refuse(const std::string& field, const nlohmann::json& found, const std::string& expected) const;

  nlohmann::json json_;
  std::string name_;
};

}  // namespace bertjit
