// BertPreTokenizer of tokenizers: words are parted by white space and punctuation.
#pragma once

#include <memory>
#include <string_view>

#include "tokenize/pre_tokenizers.h"

namespace bertjit {

/// Walks over the words of a text as BertPreTokenizer does: white space parts words and vanishes, each punctuation
/// character is a word of its own.
class BertWords {
 public:
  /// `text` is well-formed UTF-8 and outlives the object.
  explicit BertWords(std::string_view text) : text_(text) {}

  /// Moves to the next word; false at the end.
  bool next(std::string_view& word);

 private:
  std::string_view text_;
  size_t position_ = 0;
};

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer();

}  // namespace bertjit
