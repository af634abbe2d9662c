#include "tokenize/sentencepiece_bpe.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr size_t kLongestPiece = 512;

struct ScoredMerge {
  std::string_view left;
  std::string_view right;
  double score;
  size_t left_characters;
  size_t right_characters;
  int32_t left_id;
  int32_t right_id;
};

bool starts_character(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
}

size_t count_characters(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), starts_character));
}

using Ids = std::unordered_map<std::string_view, int32_t>;

/// The splits of one piece, in the order of the ids of their parts.
void append_splits(std::string_view piece, double score, const Ids& ids, std::vector<ScoredMerge>& merges) {
  const size_t characters = count_characters(piece);
  const auto first = static_cast<std::ptrdiff_t>(merges.size());
  size_t left_characters = 1;
  for (size_t i = 1; i < piece.size(); ++i) {
    if (!starts_character(piece[i])) {
      continue;
    }
    const auto left = ids.find(piece.substr(0, i));
    const auto right = left == ids.end() ? ids.end() : ids.find(piece.substr(i));
    if (right != ids.end()) {
      merges.push_back({left->first, right->first, score, left_characters, characters - left_characters, left->second,
                        right->second});
    }
    ++left_characters;
  }
  std::stable_sort(merges.begin() + first, merges.end(), [](const ScoredMerge& a, const ScoredMerge& b) {
    return std::pair(a.left_id, a.right_id) < std::pair(b.left_id, b.right_id);
  });
}

}  // namespace

Merges find_merges(const SentencePieceModel& model, const ScoredPieces& pieces, const std::string& file) {
  Ids ids;
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    ids[model.pieces[id].text] = static_cast<int32_t>(id);
  }
  // A piece that comes twice stands where it came first, with the later score, as in a dict of Python.
  std::unordered_map<std::string_view, size_t> places;
  std::vector<std::pair<std::string_view, double>> distinct;
  for (const auto& [text, score] : pieces) {
    if (count_characters(text) > kLongestPiece) {
      throw Error(ErrorKind::kUnsupported, file + ": a piece has " + std::to_string(count_characters(text)) +
                                               " characters; supported in BPE: " + std::to_string(kLongestPiece));
    }
    const auto [place, is_new] = places.emplace(text, distinct.size());
    if (is_new) {
      distinct.emplace_back(text, score);
    } else {
      distinct[place->second].second = score;
    }
  }
  std::vector<ScoredMerge> found;
  for (const auto& [text, score] : distinct) {
    append_splits(text, score, ids, found);
  }
  std::stable_sort(found.begin(), found.end(), [](const ScoredMerge& a, const ScoredMerge& b) {
    if (a.score != b.score) {
      return a.score > b.score;
    }
    return std::pair(a.left_characters, a.right_characters) > std::pair(b.left_characters, b.right_characters);
  });
  Merges merges;
  merges.reserve(found.size());
  for (const ScoredMerge& merge : found) {
    merges.emplace_back(merge.left, merge.right);
  }
  return merges;
}

}  // namespace bertjit
