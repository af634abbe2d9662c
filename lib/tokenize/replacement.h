// The normalizer Replace of tokenizer.json: a text, or one of a few regular expressions, replaced by a text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace bertjit {

/// What the files of the family hold is a literal text, or runs of one character (" {2,}"), so no more is understood: a
/// character, escaped or not, or \s, with nothing, + or {N,} after it.
struct Replacement {
  std::string text;                ///< what is looked for, where there is no run
  std::optional<char32_t> run_of;  ///< a run of this character
  bool run_of_white_space = false;
  size_t least_run = 1;   ///< code points
  bool is_greedy = true;  ///< takes the whole run; else exactly least_run
  std::string content;    ///< what comes in its place

  /// Appends `text` with every match, from left to right, replaced.
  void append(std::string_view text, std::string& out) const;
};

/// Reads {"pattern": {"String": …} or {"Regex": …}, "content": …}. Throws Error(kUnsupported) with the expression if it
/// is another; Error(kCorrupt).
Replacement parse_replacement(const nlohmann::json& object, const std::string& file);

}  // namespace bertjit
