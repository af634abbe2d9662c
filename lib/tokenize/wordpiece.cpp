#include "tokenize/wordpiece.h"

#include <algorithm>

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

bool starts_character(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
}

}  // namespace

WordPiece::WordPiece(std::shared_ptr<const Vocabulary> vocabulary, const WordPieceOptions& options)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      continuing_seed_(Vocabulary::hash_bytes(Vocabulary::kHashSeed, options.continuing_subword_prefix)),
      unk_id_(vocabulary_->find(options.unk_token)) {
  if (unk_id_ == Vocabulary::kAbsent) {
    throw Error(ErrorKind::kInvalidArgument, "vocabulary has no '" + options.unk_token + "', the unknown token");
  }
}

void WordPiece::append_ids(std::span<const std::string_view> words, std::vector<int32_t>& ids) const {
  std::vector<uint64_t> hashes;
  for (const std::string_view word : words) {
    append_pieces(word, hashes, ids);
  }
}

bool WordPiece::is_too_long(std::string_view word) const {
  const auto limit = static_cast<size_t>(options_.max_input_chars_per_word);
  return word.size() > limit && static_cast<size_t>(std::count_if(word.begin(), word.end(), starts_character)) > limit;
}

void WordPiece::append_pieces(std::string_view word, std::vector<uint64_t>& hashes, std::vector<int32_t>& ids) const {
  const size_t first_piece = ids.size();
  if (is_too_long(word)) {
    ids.push_back(unk_id_);
    return;
  }
  std::string_view prefix;
  uint64_t seed = Vocabulary::kHashSeed;
  for (size_t start = 0; start < word.size();) {
    const std::string_view window = word.substr(start, vocabulary_->longest_token_bytes());
    hashes.clear();
    uint64_t state = seed;
    for (const char byte : window) {
      hashes.push_back(state = Vocabulary::hash_byte(state, byte));
    }
    size_t length = window.size();
    int32_t id = Vocabulary::kAbsent;
    for (; length > 0; --length) {
      const bool at_boundary = start + length == word.size() || starts_character(word[start + length]);
      if (at_boundary) {
        id = vocabulary_->find_hashed(hashes[length - 1], prefix, window.substr(0, length));
        if (id != Vocabulary::kAbsent) {
          break;
        }
      }
    }
    if (id == Vocabulary::kAbsent) {
      ids.resize(first_piece);
      ids.push_back(unk_id_);
      return;
    }
    ids.push_back(id);
    start += length;
    prefix = options_.continuing_subword_prefix;
    seed = continuing_seed_;
  }
}

}  // namespace bertjit
