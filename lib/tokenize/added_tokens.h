// Tokens that are found in the text before the model sees it: "[MASK]" inside a sentence (tokenizers' AddedVocabulary).
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/vocabulary.h"

namespace bertjit {

/// Named as in tokenizer.json.
struct AddedToken {
  std::string content;
  bool single_word = false;  ///< not inside a word: neighbours must not be word characters
  bool lstrip = false;       ///< takes the white space before it
  bool rstrip = false;       ///< takes the white space after it
  bool normalized = true;    ///< looked for, in normal form, in normalized text; else, as it is, in the raw text
  bool special = false;

  bool operator==(const AddedToken&) const = default;
};

/// A stretch of text: an added token, or what lies between two.
struct TextPiece {
  std::string_view text;  ///< empty for a token
  int32_t id = Vocabulary::kAbsent;
};

/// Finds the leftmost of several patterns, and of those that start there the longest.
class PatternMatcher {
 public:
  struct Pattern {
    std::string text;
    size_t number;  ///< the caller's
  };
  struct Match {
    size_t begin;
    size_t end;
    size_t number;
  };

  /// An empty text is never found; of equal texts the first counts.
  explicit PatternMatcher(std::vector<Pattern> patterns = {});

  /// The first match at or after `from`. The time is at most that of the longest pattern at each position.
  std::optional<Match> find(std::string_view text, size_t from) const;

  bool empty() const {
    return patterns_.empty();
  }

 private:
  const Pattern* longest_at(std::string_view text) const;

  std::vector<Pattern> patterns_;  ///< sorted by text
  std::array<bool, 256> starts_{};
};

/// The added tokens of a tokenizer, in two passes: those not normalized split the raw text, the others each normalized
/// stretch between them.
class AddedTokens {
 public:
  /// Adds tokens in the order of the file. A token the vocabulary has keeps its id there; another gets the next one
  /// after the vocabulary and all added tokens. A token that comes again changes flags, not id nor the pass it is
  /// looked for in. An empty one is ignored.
  void add(const AddedToken& token, const Vocabulary& vocabulary);

  /// Call once, after the last add() and before split_*(). `normalize` is the model's normalization.
  void build_matchers(const std::function<std::string(std::string_view)>& normalize);

  /// Appends the pieces of a text, in order; empty stretches are left out.
  void split_raw(std::string_view text, std::vector<TextPiece>& pieces) const;
  void split_normalized(std::string_view text, std::vector<TextPiece>& pieces) const;
  bool has_normalized() const {
    return !normalized_.empty();
  }

  std::optional<int32_t> find(std::string_view content) const;
  std::optional<std::string_view> token(int64_t id) const;
  /// Whether it is an added token that was special when it was added last.
  bool is_special(std::string_view content) const;
  std::vector<std::string> contents() const;
  /// How many tokens the vocabulary does not have.
  size_t count_new() const {
    return count_new_;
  }

 private:
  struct Entry {
    AddedToken token;
    int32_t id;
    bool match_normalized;
  };
  int32_t next_id(const Vocabulary& vocabulary) const;
  void split(std::string_view text, const PatternMatcher& matcher, std::vector<TextPiece>& pieces) const;

  std::vector<Entry> entries_;
  std::map<std::string, size_t, std::less<>> by_content_;  ///< index of the entry
  std::map<int64_t, size_t> by_id_;
  size_t count_new_ = 0;
  PatternMatcher raw_;
  PatternMatcher normalized_;
};

}  // namespace bertjit
