#include "tokenize/unigram.h"

#include <algorithm>
#include <limits>

#include "support/error.h"
#include "tokenize/sentencepiece_model.h"

namespace bertjit {

namespace {

/// How much less probable than the least probable piece an unknown character is.
constexpr double kUnknownPenalty = 10.0;

std::vector<std::pair<std::string_view, int32_t>> distinct(const ScoredPieces& pieces, const Vocabulary& vocabulary) {
  std::vector<std::pair<std::string_view, int32_t>> found;
  found.reserve(pieces.size());
  for (size_t id = 0; id < pieces.size(); ++id) {
    if (vocabulary.find(pieces[id].first) == static_cast<int32_t>(id)) {
      found.emplace_back(pieces[id].first, static_cast<int32_t>(id));
    }
  }
  return found;
}

int32_t check_unk_id(const std::optional<int64_t>& unk_id, size_t count, const std::string& file) {
  if (count == 0) {
    throw Error(ErrorKind::kCorrupt, file + ": has no pieces");
  }
  if (unk_id && (*unk_id < 0 || *unk_id >= static_cast<int64_t>(count))) {
    throw Error(ErrorKind::kCorrupt,
                file + ": 'unk_id' is " + std::to_string(*unk_id) + ", expected 0 to " + std::to_string(count - 1));
  }
  return unk_id ? static_cast<int32_t>(*unk_id) : UnigramLattice<double>::kNone;
}

UnigramLattice<double> make_lattice(const ScoredPieces& pieces, const Vocabulary& vocabulary,
                                    const std::optional<int64_t>& unk_id, const std::string& file) {
  const int32_t unk = check_unk_id(unk_id, pieces.size(), file);
  std::vector<double> scores;
  scores.reserve(pieces.size());
  double least = std::numeric_limits<double>::infinity();
  for (const auto& [text, score] : pieces) {
    scores.push_back(score);
    least = score < least ? score : least;
  }
  return {distinct(pieces, vocabulary), std::move(scores), unk, least - kUnknownPenalty};
}

}  // namespace

Unigram::Unigram(std::shared_ptr<const Vocabulary> vocabulary, const ScoredPieces& pieces,
                 const UnigramOptions& options, const std::string& file)
    : vocabulary_(std::move(vocabulary)), lattice_(make_lattice(pieces, *vocabulary_, options.unk_id, file)) {
  for (size_t byte = 0; byte < byte_ids_.size(); ++byte) {
    const std::string name = byte_piece(static_cast<uint8_t>(byte));
    byte_ids_[byte] = options.byte_fallback ? vocabulary_->find(name) : Vocabulary::kAbsent;
  }
}

void Unigram::append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const {
  std::vector<Lattice::Node> nodes;
  for (const std::string_view word : words) {
    lattice_.find_best_path(word, nodes);
    append_path(word, nodes, ids);
  }
}

void Unigram::append_path(std::string_view word, const std::vector<Lattice::Node>& nodes,
                          std::vector<int32_t>& ids) const {
  const int32_t unk_id = lattice_.unk_id();
  const auto first = static_cast<std::ptrdiff_t>(ids.size());
  for (size_t end = word.size(); end > 0;) {
    size_t begin = nodes[end].begin;
    if (nodes[end].id != unk_id) {
      ids.push_back(nodes[end].id);
    } else {
      while (begin > 0 && nodes[begin].id == unk_id) {
        begin = nodes[begin].begin;
      }
      append_unknown(word.substr(begin, end - begin), ids);
    }
    end = begin;
  }
  std::reverse(ids.begin() + first, ids.end());
}

void Unigram::append_unknown(std::string_view text, std::vector<int32_t>& ids) const {
  if (const int32_t id = vocabulary_->find(text); id != Vocabulary::kAbsent) {
    ids.push_back(id);
    return;
  }
  const size_t before = ids.size();
  for (size_t i = text.size(); i-- > 0;) {
    const int32_t id = byte_ids_[static_cast<uint8_t>(text[i])];
    if (id == Vocabulary::kAbsent) {
      ids.resize(before);
      ids.push_back(lattice_.unk_id());
      return;
    }
    ids.push_back(id);
  }
}

}  // namespace bertjit
