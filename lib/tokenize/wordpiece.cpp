#include "tokenize/wordpiece.h"

#include <algorithm>
#include <array>

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

enum class Kind : uint8_t { kLetter, kSpace, kPunctuation, kMultibyte };

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (size_t byte = 0; byte < kinds.size(); ++byte) {
    const bool alphanumeric =
        (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
    kinds[byte] = byte >= 0x80                                 ? Kind::kMultibyte
                  : byte == ' ' || (byte >= 9 && byte <= 13)   ? Kind::kSpace
                  : byte > ' ' && byte < 0x7F && !alphanumeric ? Kind::kPunctuation
                                                               : Kind::kLetter;
  }
  return kinds;
}

constexpr std::array<Kind, 256> kKinds = make_kinds();

/// Reads the character at `position` and moves past it.
Kind next_kind(std::string_view text, size_t& position) {
  const Kind kind = kKinds[static_cast<uint8_t>(text[position])];
  if (kind != Kind::kMultibyte) {
    ++position;
    return kind;
  }
  const char32_t c = next_code_point(text, position);
  return is_white_space(c) ? Kind::kSpace : is_punctuation(c) ? Kind::kPunctuation : Kind::kLetter;
}

bool starts_character(char byte) {
  return (static_cast<uint8_t>(byte) & 0xC0) != 0x80;
}

}  // namespace

bool BertWords::next(std::string_view& word) {
  size_t start = position_;
  Kind kind = Kind::kSpace;
  while (kind == Kind::kSpace && position_ < text_.size()) {
    start = position_;
    kind = next_kind(text_, position_);
  }
  if (kind == Kind::kSpace) {
    return false;
  }
  size_t end = position_;
  while (kind == Kind::kLetter && end < text_.size()) {
    position_ = end;
    kind = next_kind(text_, end);
    if (kind == Kind::kLetter) {
      position_ = end;
    }
  }
  word = text_.substr(start, position_ - start);
  return true;
}

WordPiece::WordPiece(std::shared_ptr<const Vocabulary> vocabulary, const WordPieceOptions& options,
                     const BertNormalizerOptions& normalizer)
    : vocabulary_(std::move(vocabulary)),
      options_(options),
      normalizer_(normalizer),
      continuing_seed_(Vocabulary::hash_bytes(Vocabulary::kHashSeed, options.continuing_subword_prefix)),
      unk_id_(vocabulary_->find(options.unk_token)) {
  if (unk_id_ == Vocabulary::kAbsent) {
    throw Error(ErrorKind::kInvalidArgument, "vocabulary has no '" + options.unk_token + "', the unknown token");
  }
}

void WordPiece::append_normalized(std::string_view text, std::string& out) const {
  normalizer_.append(text, out);
}

void WordPiece::append_ids(std::string_view normalized, std::vector<int32_t>& ids) const {
  std::vector<uint64_t> hashes;
  BertWords words(normalized);
  for (std::string_view word; words.next(word);) {
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
