#include "tokenize/bert_normalizer.h"

#include <algorithm>

#include "tokenize/normalization_forms.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

constexpr uint8_t kDropped = 0xFF;

uint8_t normalize_ascii(uint8_t byte, const BertNormalizerOptions& options) {
  if (options.clean_text) {
    if (byte == '\t' || byte == '\n' || byte == '\r') {
      return ' ';
    }
    if (is_other(byte)) {
      return kDropped;
    }
  }
  return options.lowercase && byte >= 'A' && byte <= 'Z' ? byte + ('a' - 'A') : byte;
}

bool is_multibyte(char byte) {
  return static_cast<unsigned char>(byte) >= 0x80;
}

}  // namespace

BertNormalizer::BertNormalizer(const BertNormalizerOptions& options)
    : options_(options), strip_accents_(options.strip_accents.value_or(options.lowercase)) {
  for (uint8_t byte = 0; byte < 0x80; ++byte) {
    ascii_[byte] = normalize_ascii(byte, options);
  }
}

void BertNormalizer::append(std::string_view text, std::string& out) const {
  // A dropped control character may stand between a letter's marks, and canonical order reaches across it: it goes
  // with the stretch before it.
  const auto continues_unicode = [this](char byte) {
    return is_multibyte(byte) || ascii_[static_cast<uint8_t>(byte)] == kDropped;
  };
  for (auto begin = text.begin(); begin != text.end();) {
    const auto unicode = std::find_if(begin, text.end(), is_multibyte);
    append_ascii({begin, unicode}, out);
    begin = std::find_if_not(unicode, text.end(), continues_unicode);
    append_unicode({unicode, begin}, out);
  }
}

void BertNormalizer::append_ascii(std::string_view text, std::string& out) const {
  const size_t start = out.size();
  out.resize(start + text.size());
  char* write = out.data() + start;
  for (const char byte : text) {
    const uint8_t normalized = ascii_[static_cast<uint8_t>(byte)];
    *write = static_cast<char>(normalized);
    write += normalized != kDropped;
  }
  out.resize(static_cast<size_t>(write - out.data()));
}

void BertNormalizer::append_unicode(std::string_view text, std::string& out) const {
  std::u32string points;
  points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    char32_t c = next_code_point(text, i);
    if (options_.clean_text) {
      if (c == 0xFFFD || is_other(c)) {
        continue;
      }
      c = is_white_space(c) ? U' ' : c;
    }
    if (options_.handle_chinese_chars && is_chinese_character(c)) {
      points.insert(points.end(), {U' ', c, U' '});
    } else {
      points.push_back(c);
    }
  }
  if (strip_accents_) {
    points = decompose(points);
    std::erase_if(points, is_nonspacing_mark);
  }
  for (const char32_t c : points) {
    if (options_.lowercase) {
      append_lowercase(c, out);
    } else {
      append_utf8(c, out);
    }
  }
}

}  // namespace bertjit
