// SentencePiece's BPE: joins the two neighbours that make the best piece, again and again (bpe_model.cc there). Unlike
// tokenizers' BPE (bpe.h) it has no merges, only pieces and scores.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tokenize/piece_trie.h"
#include "tokenize/sentencepiece_text.h"
#include "tokenize/vocabulary.h"

namespace bertjit {

class ScoreBpe {
 public:
  /// Throws Error(kUnsupported) if the model has pieces of type UNUSED; `file` stands first in the message.
  ScoreBpe(const SentencePieceModel& model, const std::string& file);

  struct Segment {
    std::string_view text;
    bool is_known;
  };
  /// The segments of normalized text, in order. Of pairs that are equally good the leftmost is joined first;
  /// user-defined pieces are found before and join nothing. Time is n log n.
  std::vector<Segment> segment(std::string_view normalized) const;

 private:
  Vocabulary pieces_;  ///< those found in text
  std::vector<float> scores_;
  PieceTrie user_defined_;
};

}  // namespace bertjit
