// WordPiece: words to the longest pieces of the vocabulary (Wu et al. 2016, section 4.1; tokenizers' WordPiece).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenize/vocabulary.h"
#include "tokenize/word_model.h"

namespace bertjit {

/// Named as in tokenizer.json.
struct WordPieceOptions {
  std::string unk_token = "[UNK]";
  std::string continuing_subword_prefix = "##";
  int64_t max_input_chars_per_word = 100;  ///< code points; a longer word is one unk_token
};

class WordPiece final : public WordModel {
 public:
  /// Throws Error(kInvalidArgument) if the vocabulary has no unk_token.
  WordPiece(std::shared_ptr<const Vocabulary> vocabulary, const WordPieceOptions& options);

  void append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const override;

  /// Appends the pieces of one word, the longest first match at each step; the unk_token alone if a step finds none.
  /// `hashes` is scratch space.
  void append_pieces(std::string_view word, std::vector<uint64_t>& hashes, std::vector<int32_t>& ids) const;

 private:
  bool is_too_long(std::string_view word) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  WordPieceOptions options_;
  uint64_t continuing_seed_;  ///< hash state after the prefix
  int32_t unk_id_;
};

}  // namespace bertjit
