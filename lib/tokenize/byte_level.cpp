#include "tokenize/byte_level.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "tokenize/unicode.h"

namespace bertjit {

namespace {

enum class Kind : uint8_t { kLetter, kNumber, kSpace, kOther, kMultibyte };

constexpr std::array<Kind, 256> make_kinds() {
  std::array<Kind, 256> kinds{};
  for (size_t byte = 0; byte < kinds.size(); ++byte) {
    const size_t lower = byte | 0x20;
    kinds[byte] = byte >= 0x80                               ? Kind::kMultibyte
                  : lower >= 'a' && lower <= 'z'             ? Kind::kLetter
                  : byte >= '0' && byte <= '9'               ? Kind::kNumber
                  : byte == ' ' || (byte >= 9 && byte <= 13) ? Kind::kSpace
                                                             : Kind::kOther;
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
  return is_letter(c) ? Kind::kLetter : is_number(c) ? Kind::kNumber : is_white_space(c) ? Kind::kSpace : Kind::kOther;
}

/// End of the run of characters of one kind that begins at `position`.
size_t run_end(std::string_view text, size_t position, Kind kind) {
  size_t end = position;
  while (position < text.size() && next_kind(text, position) == kind) {
    end = position;
  }
  return end;
}

/// Length of the contraction that `text` begins with, or 0.
size_t contraction_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\'') {
    return 0;
  }
  if (text[1] == 's' || text[1] == 't' || text[1] == 'm' || text[1] == 'd') {
    return 2;
  }
  const std::string_view two = text.substr(1, 2);
  return two == "re" || two == "ve" || two == "ll" ? 3 : 0;
}

/// Each byte's visible character in UTF-8.
struct VisibleByte {
  char bytes[2];
  uint8_t length;
};

constexpr std::array<VisibleByte, 256> make_visible_bytes() {
  std::array<VisibleByte, 256> visible{};
  uint32_t next_stand_in = 0x100;
  for (uint32_t byte = 0; byte < visible.size(); ++byte) {
    const bool is_visible =
        (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || (byte >= 0xAE && byte <= 0xFF);
    const uint32_t c = is_visible ? byte : next_stand_in++;
    visible[byte] = c < 0x80
                        ? VisibleByte{{static_cast<char>(c), 0}, 1}
                        : VisibleByte{{static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 0x3F))}, 2};
  }
  return visible;
}

constexpr std::array<VisibleByte, 256> kVisibleBytes = make_visible_bytes();

class Gpt2Split final : public PreTokenizer {
 public:
  void split(std::string_view text, TextPlace place, Words& words) const override {
    Gpt2Words walk(text);
    for (std::string_view word; walk.next(word); place = TextPlace::kInside) {
      words.add(word, place);
    }
  }
};

class ByteLevel final : public PreTokenizer {
 public:
  explicit ByteLevel(const ByteLevelOptions& options) : options_(options) {}

  void split(std::string_view text, TextPlace place, Words& words) const override {
    std::string spaced;
    if (options_.add_prefix_space && !text.empty() && text.front() != ' ') {
      spaced.reserve(text.size() + 1);
      spaced += ' ';
      spaced += text;
      text = spaced;
    }
    std::string& visible = words.made.emplace_front();
    visible.reserve(2 * text.size());  // never more, so that it does not move under the words
    const auto add = [&](std::string_view word) {
      const size_t begin = visible.size();
      append_visible_bytes(word, visible);
      words.add(std::string_view(visible).substr(begin), place);
      place = TextPlace::kInside;
    };
    if (!options_.use_regex) {
      add(text);
      return;
    }
    Gpt2Words walk(text);
    for (std::string_view word; walk.next(word);) {
      add(word);
    }
  }

 private:
  ByteLevelOptions options_;
};

}  // namespace

const std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

bool Gpt2Words::next(std::string_view& word) {
  const size_t begin = position_;
  if (begin == text_.size()) {
    return false;
  }
  position_ = begin + contraction_length(text_.substr(begin));
  if (position_ == begin) {
    Kind kind = next_kind(text_, position_);
    size_t after_space = position_;
    if (text_[begin] == ' ' && after_space < text_.size()) {
      kind = next_kind(text_, after_space);
      position_ = kind == Kind::kSpace ? position_ : after_space;
    }
    const size_t first_end = position_;
    position_ = run_end(text_, position_, kind);
    // White space leaves its last character to the word after it, if there is one and this is not all there is.
    if (kind == Kind::kSpace && position_ > first_end && position_ < text_.size()) {
      previous_code_point(text_, position_);
    }
  }
  word = text_.substr(begin, position_ - begin);
  return true;
}

void append_visible_bytes(std::string_view bytes, std::string& out) {
  const size_t start = out.size();
  out.resize(start + 2 * bytes.size());
  char* write = out.data() + start;
  for (const char byte : bytes) {
    const VisibleByte& visible = kVisibleBytes[static_cast<uint8_t>(byte)];
    write[0] = visible.bytes[0];
    write[1] = visible.bytes[1];
    write += visible.length;
  }
  out.resize(static_cast<size_t>(write - out.data()));
}

std::unique_ptr<PreTokenizer> make_byte_level(const ByteLevelOptions& options) {
  return std::make_unique<ByteLevel>(options);
}

std::unique_ptr<PreTokenizer> make_gpt2_split() {
  return std::make_unique<Gpt2Split>();
}

}  // namespace bertjit
