// The best way to cut a text into scored pieces: one pass from left to right that keeps, for each place, the best piece
// that ends there (Viterbi; EncodeOptimized of SentencePiece's unigram_model.cc, which tokenizers took over).
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "support/error.h"
#include "tokenize/piece_trie.h"

namespace bertjit {

/// `Score` is double as in tokenizers or float as in SentencePiece: sums round differently, and paths that are equally
/// good but for that ("2" "22" and "22" "2") are common.
template <typename Score>
class UnigramLattice {
 public:
  static constexpr int32_t kNone = -1;

  struct Node {
    Score score;
    uint32_t begin;  ///< of the best piece that ends here
    int32_t id;      ///< of that piece; kNone: none ends here yet
  };

  /// `pieces` are texts, all different, and ids; `scores` goes by id. `unk_id` stands for a character that no piece
  /// begins and ends with, at `unk_score`; kNone: there must be no such character.
  UnigramLattice(std::vector<std::pair<std::string_view, int32_t>> pieces, std::vector<Score> scores, int32_t unk_id,
                 Score unk_score)
      : trie_(std::move(pieces)), scores_(std::move(scores)), unk_id_(unk_id), unk_score_(unk_score) {}

  int32_t unk_id() const {
    return unk_id_;
  }

  /// Fills nodes, one for each byte of `text` (well-formed UTF-8) and one more. The best path is read from the end: the
  /// last piece ends at the last node and begins where that says, and so on to 0.
  ///
  /// Throws Error(kUnsupported) at an unknown character if there is no unk_id, or if the text has 4 GiB.
  void find_best_path(std::string_view text, std::vector<Node>& nodes) const {
    if (text.size() >= std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kUnsupported, "a text is " + std::to_string(text.size()) + " bytes long");
    }
    nodes.assign(text.size() + 1, Node{0, 0, kNone});
    for (size_t begin = 0; begin < text.size();) {
      const Score score_here = nodes[begin].score;
      const size_t one_character = character_bytes(text[begin]);
      bool has_one_character = false;
      const auto offer = [&](size_t length, int32_t id, Score score) {
        Node& node = nodes[begin + length];
        const Score total = score + score_here;
        if (node.id == kNone || total > node.score) {
          node = {total, static_cast<uint32_t>(begin), id};
        }
      };
      trie_.visit_prefixes(text.substr(begin), [&](size_t length, int32_t id) {
        has_one_character |= length == one_character;
        offer(length, id, scores_[static_cast<size_t>(id)]);
      });
      if (!has_one_character) {
        if (unk_id_ == kNone) {
          throw Error(ErrorKind::kUnsupported, "text has '" + std::string(text.substr(begin, one_character)) +
                                                   "', which is no piece, and the tokenizer has no unk_id");
        }
        offer(one_character, unk_id_, unk_score_);
      }
      begin += one_character;
    }
  }

 private:
  static size_t character_bytes(char lead) {
    const auto byte = static_cast<uint8_t>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
  }

  PieceTrie trie_;
  std::vector<Score> scores_;
  int32_t unk_id_;
  Score unk_score_;
};

}  // namespace bertjit
