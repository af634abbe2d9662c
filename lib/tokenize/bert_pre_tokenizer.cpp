#include "tokenize/bert_pre_tokenizer.h"

#include <array>
#include <cstdint>

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

class BertPreTokenizer final : public PreTokenizer {
 public:
  void split(std::string_view text, TextPlace place, Words& words) const override {
    BertWords walk(text);
    for (std::string_view word; walk.next(word);) {
      words.add(word, word.data() == text.data() ? place : TextPlace::kInside);
    }
  }
};

}  // namespace

bool BertWords::next(std::string_view& word) {
  size_t begin = position_;
  Kind kind = Kind::kSpace;
  while (kind == Kind::kSpace) {
    begin = position_;
    if (begin == text_.size()) {
      return false;
    }
    kind = next_kind(text_, position_);
  }
  while (kind == Kind::kLetter && position_ < text_.size()) {
    size_t end = position_;
    kind = next_kind(text_, end);
    position_ = kind == Kind::kLetter ? end : position_;
  }
  word = text_.substr(begin, position_ - begin);
  return true;
}

std::unique_ptr<PreTokenizer> make_bert_pre_tokenizer() {
  return std::make_unique<BertPreTokenizer>();
}

}  // namespace bertjit
