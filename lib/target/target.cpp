#include "target/target.h"

#include <algorithm>
#include <filesystem>

#include "support/error.h"
#include "support/file.h"
#include "support/json.h"
#include "support/words.h"
#include "target/profiles.h"

namespace bertjit {

namespace {

constexpr const char* kSchema = "bertjit.target/1";
constexpr size_t kLargestFile = 16u << 20;

/// Whether `name` is meant by `pattern`: "aten::add", "quantized::*".
bool is_meant(const std::string& pattern, std::string_view name) {
  return pattern.ends_with('*') ? name.starts_with(std::string_view(pattern).substr(0, pattern.size() - 1))
                                : name == pattern;
}

/// The entry for an operator: its own before one for many.
const std::string* find_entry(const std::map<std::string, std::string>& entries, const std::string& name) {
  if (const auto own = entries.find(name); own != entries.end()) {
    return &own->second;
  }
  const auto many = std::ranges::find_if(entries, [&](const auto& entry) { return is_meant(entry.first, name); });
  return many == entries.end() ? nullptr : &many->second;
}

/// Reads the fields of one object and, at the end, refuses those that nobody asked for.
class Fields {
 public:
  Fields(const nlohmann::json& json, std::string file, std::string prefix)
      : json_(json), file_(std::move(file)), prefix_(std::move(prefix)) {
    if (!json_.is_object()) {
      throw Error(ErrorKind::kCorrupt, file_ + ": " + (prefix_.empty() ? "" : "'" + prefix_ + "' ") + "is a JSON " +
                                           json_.type_name() + ", expected an object");
    }
  }

  std::string text(const char* key) {
    const nlohmann::json* value = find(key);
    return value == nullptr ? "" : text_of(*value, key);
  }

  /// One of `words`; empty if the field is not there.
  std::string word(const char* key, const std::vector<std::string>& words) {
    const std::string found = text(key);
    if (!found.empty() && std::ranges::find(words, found) == words.end()) {
      fail(key, "is '" + found + "', expected " + joined(words));
    }
    return found;
  }

  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> found;
    if (const nlohmann::json* value = find(key)) {
      if (!value->is_array()) {
        fail(key, std::string("is a JSON ") + value->type_name() + ", expected a list of texts");
      }
      for (const auto& item : *value) {
        found.push_back(text_of(item, key));
      }
    }
    return found;
  }

  std::map<std::string, std::string> map(const char* key) {
    std::map<std::string, std::string> found;
    if (const nlohmann::json* value = find(key)) {
      if (!value->is_object()) {
        fail(key, std::string("is a JSON ") + value->type_name() + ", expected an object of operators and reasons");
      }
      for (const auto& [name, reason] : value->items()) {
        found.emplace(name, text_of(reason, key));
      }
    }
    return found;
  }

  const nlohmann::json* find(const char* key) {
    known_.push_back(key);
    const auto it = json_.find(key);
    return it == json_.end() || it->is_null() ? nullptr : &*it;
  }

  void refuse_others() const {
    for (const auto& [key, value] : json_.items()) {
      if (std::ranges::find(known_, key) == known_.end()) {
        throw Error(ErrorKind::kCorrupt, file_ + ": '" + prefix_ + (prefix_.empty() ? "" : ".") + key +
                                             "' is no field of a target (known: " + joined(known_) + ")");
      }
    }
  }

  [[noreturn]] void fail(const std::string& key, const std::string& what) const {
    throw Error(ErrorKind::kCorrupt, file_ + ": '" + prefix_ + (prefix_.empty() ? "" : ".") + key + "' " + what);
  }

 private:
  std::string text_of(const nlohmann::json& value, const char* key) const {
    if (!value.is_string()) {
      fail(key, std::string("holds a JSON ") + value.type_name() + ", expected a text");
    }
    return value.get<std::string>();
  }

  const nlohmann::json& json_;
  std::string file_;
  std::string prefix_;
  std::vector<std::string> known_;
};

void read_operators(const nlohmann::json& json, const std::string& file, Target& target) {
  Fields fields(json, file, "operators");
  target.operators_from = fields.text("from");
  target.operators = fields.texts("known");
  target.refused = fields.map("refused");
  target.conditional = fields.map("conditional");
  target.kernels = fields.word("kernels", {"CPU"});
  fields.refuse_others();
  std::ranges::sort(target.operators);
}

/// `file` stands in messages.
Target read_target(const std::string& text, const std::string& file) {
  const nlohmann::json json = parse_json(text, file);
  Fields fields(json, file, "");
  if (const std::string schema = fields.text("schema"); schema != kSchema) {
    fields.fail("schema", "is '" + schema + "', expected '" + kSchema + "'");
  }
  Target target;
  target.name = fields.text("name");
  if (target.name.empty()) {
    fields.fail("name", "is missing");
  }
  target.about = fields.text("about");
  if (const nlohmann::json* operators = fields.find("operators")) {
    read_operators(*operators, file, target);
  }
  target.devices = fields.texts("devices");
  target.dtypes = fields.texts("dtypes");
  target.fixed_shapes = fields.word("shapes", {"any", "fixed"}) == "fixed";
  target.pads_to_longest = fields.word("pad_to", {"longest"}) == "longest";
  target.lite_interpreter = fields.word("interpreter", {"full", "lite"}) == "lite";
  fields.refuse_others();
  if (target.pads_to_longest && !target.fixed_shapes) {
    fields.fail("pad_to", "is for a target whose 'shapes' are 'fixed'");
  }
  return target;
}

bool holds(const std::vector<std::string>& words, std::string_view word) {
  return words.empty() || std::ranges::find(words, word) != words.end();
}

}  // namespace

bool Target::takes_device(std::string_view device_type) const {
  return holds(devices, device_type);
}

bool Target::takes_dtype(std::string_view dtype) const {
  return holds(dtypes, dtype);
}

OperatorFit fit_operator(const Target& target, const std::string& name) {
  if (const std::string* why = find_entry(target.refused, name)) {
    return {false, *why};
  }
  if (const std::string* note = find_entry(target.conditional, name)) {
    return {true, *note};
  }
  const bool is_known =
      target.operators.empty() || std::ranges::binary_search(target.operators, name) ||
      std::ranges::any_of(target.operators, [&](const std::string& pattern) { return is_meant(pattern, name); });
  return is_known ? OperatorFit{} : OperatorFit{false, "is not among the operators of " + target.name};
}

std::vector<std::string> target_names() {
  std::vector<std::string> names;
  for (const auto& profile : target_profiles()) {
    names.push_back(std::filesystem::path(profile.path).stem().string());
  }
  return names;
}

Target load_target(const std::string& name_or_file) {
  if (std::filesystem::path(name_or_file).extension() == ".json") {
    return read_target(read_text_file(name_or_file, kLargestFile), name_or_file);
  }
  const auto profiles = target_profiles();
  const auto it = std::ranges::find(profiles, name_or_file + ".json", &EmbeddedFile::path);
  if (it == profiles.end()) {
    throw Error(ErrorKind::kInvalidArgument, "--target " + name_or_file + ": no target has that name (known: " +
                                                 joined(target_names()) + "; or a FILE.json)");
  }
  return read_target(std::string(it->text), std::string(it->path));
}

}  // namespace bertjit
