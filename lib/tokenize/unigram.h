// Unigram language model: the most probable way to cut a word into pieces (Kudo 2018; tokenizers' Unigram).
//
// It is not what SentencePiece's own unigram model does, which sentencepiece_processor.h is. That adds scores as
// float32, tokenizers as float64, so ties fall differently; that never matches control pieces ("</s>" in a text) and
// prefers user-defined ones, tokenizers takes every piece as it comes; and an unknown stretch that happens to be a
// piece, once fused, gets that piece's id in tokenizers.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tokenize/unigram_lattice.h"
#include "tokenize/vocabulary.h"
#include "tokenize/word_model.h"

namespace bertjit {

/// Named as in tokenizer.json.
struct UnigramOptions {
  std::optional<int64_t> unk_id;
  bool byte_fallback = false;  ///< "<0xE2>" and so on for the bytes of an unknown stretch, if all of them are pieces
};

/// Pieces and their log-probabilities; the id of each is its place.
using ScoredPieces = std::vector<std::pair<std::string, double>>;

class Unigram final : public WordModel {
 public:
  /// A piece that comes twice has the later id and score. `vocabulary` holds the same pieces. `file` stands first in
  /// messages. Throws Error(kCorrupt) if there are no pieces or unk_id is not one of theirs.
  Unigram(std::shared_ptr<const Vocabulary> vocabulary, const ScoredPieces& pieces, const UnigramOptions& options,
          const std::string& file);

  /// Neighbouring unknown characters count as one. Time is linear in the text, times the longest piece.
  /// Throws Error(kUnsupported) at an unknown character if there is no unk_id.
  void append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const override;

 private:
  using Lattice = UnigramLattice<double>;

  void append_path(std::string_view word, const std::vector<Lattice::Node>& nodes, std::vector<int32_t>& ids) const;
  /// Appends the ids of an unknown stretch, last one first.
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;

  std::shared_ptr<const Vocabulary> vocabulary_;
  Lattice lattice_;
  std::array<int32_t, 256> byte_ids_;  ///< kAbsent without byte_fallback
};

}  // namespace bertjit
