#include "glue/label_order.h"

#include <algorithm>
#include <cctype>
#include <numeric>
#include <optional>

#include "support/error.h"
#include "support/file_status.h"
#include "support/json.h"
#include "support/words.h"

namespace bertjit {

namespace {

/// "Not-Entailment" -> "not_entailment".
std::string plain_word(const std::string& word) {
  std::string plain;
  for (const char c : word) {
    plain += c == '-' || c == ' ' ? '_' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return plain;
}

std::optional<size_t> find_class(const GlueTask& task, const std::string& word) {
  const auto found = std::ranges::find_if(task.classes, [&](const GlueClass& one) {
    return one.word == word || std::ranges::find(one.aliases, word) != one.aliases.end();
  });
  return found == task.classes.end() ? std::nullopt : std::optional(static_cast<size_t>(found - task.classes.begin()));
}

bool is_permutation_of_classes(const GlueTask& task, std::vector<size_t> classes) {
  std::vector<size_t> all(task.classes.size());
  std::iota(all.begin(), all.end(), size_t{0});
  std::ranges::sort(classes);
  return classes == all;
}

std::vector<size_t> given_order(const GlueTask& task, const std::vector<std::string>& given) {
  std::vector<size_t> classes;
  for (const std::string& word : given) {
    if (const auto found = find_class(task, plain_word(word))) {
      classes.push_back(*found);
    }
  }
  if (classes.size() != given.size() || !is_permutation_of_classes(task, classes)) {
    throw Error(ErrorKind::kInvalidArgument, "--labels " + joined(given) + ": expected each class of " + task.name +
                                                 " once, in the order of the model's outputs (" + class_words(task) +
                                                 ")");
  }
  return classes;
}

/// id2label by output, label2id turned round without it. Empty if the file has neither, or labels with gaps.
std::vector<std::string> named_labels(const nlohmann::json& config) {
  std::vector<std::pair<std::string, std::string>> pairs;
  if (config.contains("id2label") && config["id2label"].is_object()) {
    for (const auto& [id, label] : config["id2label"].items()) {
      pairs.emplace_back(id, label.is_string() ? label.get<std::string>() : label.dump());
    }
  } else if (config.contains("label2id") && config["label2id"].is_object()) {
    for (const auto& [label, id] : config["label2id"].items()) {
      pairs.emplace_back(id.is_string() ? id.get<std::string>() : id.dump(), label);
    }
  }
  std::vector<std::string> labels(pairs.size());
  for (const auto& [id, label] : pairs) {
    const auto output = std::ranges::find_if(
        labels, [&, i = size_t{0}](const std::string&) mutable { return std::to_string(i++) == id; });
    if (output == labels.end()) {
      return {};
    }
    *output = plain_word(label);
  }
  return labels;
}

/// nullopt if the file leaves it open: no labels, as many as another task has, or none that is a class of this one.
std::optional<std::vector<size_t>> configured_order(const GlueTask& task, const std::filesystem::path& path) {
  const std::vector<std::string> labels = named_labels(read_json_file(path));
  if (labels.size() != task.classes.size()) {
    return std::nullopt;
  }
  std::vector<size_t> classes;
  for (const std::string& label : labels) {
    if (const auto found = find_class(task, label)) {
      classes.push_back(*found);
    }
  }
  if (classes.empty()) {
    return std::nullopt;
  }
  if (!is_permutation_of_classes(task, classes)) {
    throw Error(ErrorKind::kUnsupported, path.string() + ": id2label names " + joined(labels) + ", " + task.name +
                                             " has " + class_words(task) + "; say with --labels which output is which");
  }
  return classes;
}

}  // namespace

LabelOrder order_labels(const GlueTask& task, const LabelFacts& facts) {
  if (!facts.given.empty()) {
    return {given_order(task, facts.given), "--labels"};
  }
  if (task.classes.empty()) {
    return {{}, "one score"};
  }
  if (!facts.config.empty() && path_exists(facts.config)) {
    if (const auto configured = configured_order(task, facts.config)) {
      return {*configured, "id2label of " + facts.config.string()};
    }
  }
  std::vector<size_t> classes(task.classes.size());
  std::iota(classes.begin(), classes.end(), size_t{0});
  if (task.name == "mnli" && (facts.model_type == "roberta" || facts.model_type == "xlm-roberta")) {
    std::swap(classes[1], classes[2]);
    return {classes, "RoBERTa's order"};
  }
  return {classes, "GLUE's order"};
}

}  // namespace bertjit
