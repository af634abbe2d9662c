// Pre-tokenizers of tokenizer.json: normalized text to the words the model sees.
#pragma once

#include <forward_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include "tokenize/text_model.h"

namespace bertjit {

/// Words of a stretch of text, in order. They lie in that text, or in `made` where a step changed them.
struct Words {
  std::vector<std::string_view> texts;         ///< none is empty
  TextPlace first_place = TextPlace::kInside;  ///< of the first word; the others are inside
  std::forward_list<std::string> made;         ///< where texts point to must not move

  /// Appends a word unless it is empty. `place`: where it begins.
  void add(std::string_view text, TextPlace place) {
    if (text.empty()) {
      return;
    }
    if (texts.empty()) {
      first_place = place;
    }
    texts.push_back(text);
  }
};

/// Immutable; split() may be called from several threads at once.
class PreTokenizer {
 public:
  virtual ~PreTokenizer() = default;

  /// Appends the words of `text`, which is well-formed UTF-8 and outlives `words`.
  virtual void split(std::string_view text, TextPlace place, Words& words) const = 0;
};

/// Makes the pre-tokenizer of a tokenizer.json: `object` is its member "pre_tokenizer", or nullptr for none, which
/// gives nullptr: the whole text is one word.
///
/// Known are BertPreTokenizer, ByteLevel, Metaspace, Whitespace, WhitespaceSplit, Punctuation, Split (by GPT-2's
/// regular expression) and Sequence. `add_prefix_space`, where given, overrules that of a ByteLevel that stands alone,
/// not of one within a Sequence. Throws as parse_normalizer().
std::unique_ptr<PreTokenizer> parse_pre_tokenizer(const nlohmann::json* object, const std::string& file,
                                                  std::optional<bool> add_prefix_space = std::nullopt);

}  // namespace bertjit
