#include "report/markup.h"

#include <cstdint>
#include <cstdio>
#include <string_view>

#include "report/evidence_json.h"
#include "report/visible.h"

namespace bertjit {

namespace {

/// What no report should hold as it is: U+FFFE and U+FFFF, which are no characters to XML, and the invisible marks of
/// Unicode's bidirectional algorithm (UAX #9, section 2), with which a name can read as another one.
bool is_spelled_out(uint32_t code) {
  return code == 0xfffe || code == 0xffff || code == 0x061c || code == 0x200e || code == 0x200f ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

/// Bytes of the character that begins with `lead`, in valid UTF-8.
size_t size_of_character(unsigned char lead) {
  return lead < 0xc0 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

uint32_t code_point(std::string_view character) {
  const auto lead = static_cast<unsigned char>(character[0]);
  uint32_t code = character.size() == 1 ? lead : lead & (0xffu >> (character.size() + 1));
  for (const char c : character.substr(1)) {
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3fu);
  }
  return code;
}

std::string spelled(std::string_view character) {
  const uint32_t code = code_point(character);
  if (!is_spelled_out(code)) {
    return visible(std::string(character));
  }
  char text[16];
  std::snprintf(text, sizeof text, "\\u%04x", code);
  return text;
}

enum class Place { kContent, kAttribute };

std::string escaped(const std::string& text, Place place) {
  const auto valid = json_text(text).get<std::string>();
  std::string result;
  result.reserve(valid.size());
  for (size_t i = 0; i < valid.size();) {
    const size_t size = size_of_character(static_cast<unsigned char>(valid[i]));
    const std::string_view character = std::string_view(valid).substr(i, size);
    i += size;
    switch (character[0]) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      case '\n':
        result += place == Place::kContent ? "\n" : "&#10;";
        break;
      case '\t':
        result += place == Place::kContent ? "\t" : "&#9;";
        break;
      default:
        result += spelled(character);
    }
  }
  return result;
}

}  // namespace

std::string markup_text(const std::string& text) {
  return escaped(text, Place::kContent);
}

std::string markup_attribute(const std::string& text) {
  return escaped(text, Place::kAttribute);
}

}  // namespace bertjit
