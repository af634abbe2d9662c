// Flags that take one of a few words.
#pragma once

#include <map>
#include <string>

#include <CLI/CLI.hpp>

namespace bertjit {

/// A flag that takes one of a few words; the help lists them, others are refused.
template <typename Enum>
CLI::Option* add_choice(CLI::App& command, const std::string& flag, Enum& field,
                        const std::map<std::string, Enum>& words, const std::string& help) {
  std::string names;
  std::string chosen;
  for (const auto& [word, value] : words) {
    names += (names.empty() ? "" : "|") + word;
    chosen = value == field ? word : chosen;
  }
  return command
      .add_option_function<std::string>(
          flag,
          [&field, words, names, flag](const std::string& word) {
            const auto it = words.find(word);
            if (it == words.end()) {
              throw CLI::ValidationError(flag, "'" + word + "' is not one of " + names);
            }
            field = it->second;
          },
          help)
      ->option_text(names + " [" + chosen + "]");
}

}  // namespace bertjit
