// Normalization as SentencePiece itself does it (normalizer.cc there), before it looks for pieces.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenize/charsmap.h"
#include "tokenize/piece_trie.h"
#include "tokenize/sentencepiece_model.h"

namespace bertjit {

/// The texts of the user-defined pieces, each with value 0.
std::vector<std::pair<std::string_view, int32_t>> user_defined_pieces(const SentencePieceModel& model);

class SentencePieceText {
 public:
  /// `name` stands first in messages. Throws Error(kCorrupt) for a precompiled_charsmap that Charsmap refuses.
  SentencePieceText(const SentencePieceModel& model, const std::string& name);

  /// The normal form of `text`, which is well-formed UTF-8: at each place the longest key of the character map is
  /// replaced (a user-defined piece stays as it is), then spaces are made single, marked with "▁", and one is put in
  /// front, as the model says.
  std::string normalize(std::string_view text) const;

 private:
  struct Prefix {
    std::string_view normal;
    size_t length;  ///< of what it was in the text
  };
  Prefix normalize_prefix(std::string_view text) const;
  std::string_view skip_spaces(std::string_view text) const;

  NormalizerSpec spec_;
  bool space_is_suffix_;
  std::optional<Charsmap> map_;
  PieceTrie user_defined_;
};

}  // namespace bertjit
