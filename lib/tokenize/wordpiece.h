// WordPiece: words to the longest pieces of the vocabulary (Wu et al. 2016, section 4.1; tokenizers' WordPiece and
// BertPreTokenizer).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/bert_normalizer.h"
#include "tokenize/text_model.h"
#include "tokenize/vocabulary.h"

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

/// Named as in tokenizer.json.
struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  int64_t max_input_chars_per_word = 100;  ///< code points; a longer word is one unk_token
};

class WordPiece final : public TextModel {
 public:
  /// Throws Error(kInvalidArgument) if the vocabulary has no unk_token.
  WordPiece(std::shared_ptr<const Vocabulary> vocabulary, const WordPieceOptions& options,
            const BertNormalizerOptions& normalizer);

  void append_normalized(std::string_view text, std::string& out) const override;
  void append_ids(std::string_view normalized, std::vector<int32_t>& ids) const override;

  /// Appends the pieces of one word, the longest first match at each step; the unk_token alone if a step finds none.
  /// `hashes` is scratch space.
  void append_pieces(std::string_view word, std::vector<uint64_t>& hashes, std::vector<int32_t>& ids) const;

 private:
  bool is_too_long(std::string_view word) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  WordPieceOptions options_;
  BertNormalizer normalizer_;
  uint64_t continuing_seed_;  ///< hash state after the prefix
  int32_t unk_id_;
};

}  // namespace bertjit
