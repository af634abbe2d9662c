#include "tokenize/unicode.h"

#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <cstring>
#include <span>

namespace bertjit {

namespace {

constexpr uint8_t kCategoriesVersion = 8;

bool has_category(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0 && is_assigned_by(c, kCategoriesVersion);
}

/// Capitals of Unicode 16 and 17, which ICU 72 does not know.
struct LowercaseRange {
  char32_t first;
  char32_t last;
  char32_t lower_of_first;
};
constexpr LowercaseRange kRecentCapitals[] = {
    {0x1C89, 0x1C89, 0x1C8A},    {0xA7CB, 0xA7CB, 0x0264},    {0xA7CC, 0xA7CC, 0xA7CD}, {0xA7CE, 0xA7CE, 0xA7CF},
    {0xA7D2, 0xA7D2, 0xA7D3},    {0xA7D4, 0xA7D4, 0xA7D5},    {0xA7DA, 0xA7DA, 0xA7DB}, {0xA7DC, 0xA7DC, 0x019B},
    {0x10D50, 0x10D65, 0x10D70}, {0x16EA0, 0x16EB8, 0x16EBB},
};

/// Letters, numbers and marks of Unicode 15.1 and 16, which ICU 72 does not know.
struct CodePointRange {
  char32_t first;
  char32_t last;
};
constexpr CodePointRange kRecentLetters[] = {
    {0x1C89, 0x1C8A},   {0xA7CB, 0xA7CD},   {0xA7DA, 0xA7DC},   {0x105C0, 0x105F3}, {0x10D4A, 0x10D65},
    {0x10D6F, 0x10D85}, {0x10EC2, 0x10EC4}, {0x11380, 0x11389}, {0x1138B, 0x1138B}, {0x1138E, 0x1138E},
    {0x11390, 0x113B5}, {0x113B7, 0x113B7}, {0x113D1, 0x113D1}, {0x113D3, 0x113D3}, {0x11BC0, 0x11BE0},
    {0x13460, 0x143FA}, {0x16100, 0x1611D}, {0x16D40, 0x16D6C}, {0x18CFF, 0x18CFF}, {0x1E5D0, 0x1E5ED},
    {0x1E5F0, 0x1E5F0}, {0x2EBF0, 0x2EE5D},
};
constexpr CodePointRange kRecentNumbers[] = {
    {0x10D40, 0x10D49}, {0x116D0, 0x116E3}, {0x11BF0, 0x11BF9}, {0x16130, 0x16139},
    {0x16D70, 0x16D79}, {0x1CCF0, 0x1CCF9}, {0x1E5F1, 0x1E5FA},
};

constexpr CodePointRange kRecentMarks[] = {
    {0x897, 0x897},     {0x10D69, 0x10D6D}, {0x10EFC, 0x10EFC}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2},
    {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2}, {0x113E1, 0x113E2},
    {0x11F5A, 0x11F5A}, {0x1611E, 0x1612F}, {0x1E5EE, 0x1E5EF}};

bool is_in(char32_t c, std::span<const CodePointRange> ranges) {
  return std::any_of(ranges.begin(), ranges.end(),
                     [c](const CodePointRange& range) { return c >= range.first && c <= range.last; });
}

/// Whether Unicode 16 has `c` in the categories of `mask`.
bool has_recent_category(char32_t c, uint32_t mask, std::span<const CodePointRange> recent) {
  if ((U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0) {
    return is_assigned_by(c, 16);
  }
  return is_in(c, recent);
}

char32_t simple_lowercase(char32_t c) {
  const auto lower = static_cast<char32_t>(u_tolower(static_cast<UChar32>(c)));
  if (lower == c) {
    for (const auto& range : kRecentCapitals) {
      if (c >= range.first && c <= range.last) {
        return range.lower_of_first + (c - range.first);
      }
    }
  }
  return lower;
}

}  // namespace

bool is_assigned_by(char32_t c, uint8_t unicode_version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && (age[0] < unicode_version || (age[0] == unicode_version && age[1] == 0));
}

bool is_white_space(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool is_other(char32_t c) {
  return has_category(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK);
}

bool is_combining_mark(char32_t c) {
  if (c == 0x1CF2 || c == 0x1CF3 || c == 0x111C9) {
    return c != 0x111C9;  // marks in Unicode 9 and not today; the other way round
  }
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & U_GC_M_MASK) != 0 && is_assigned_by(c, 9);
}

bool is_punctuation(char32_t c) {
  if (c < 0x80) {
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
  }
  // Punctuation in Unicode 8, something else today.
  return has_category(c, U_GC_P_MASK) || c == 0x166D || c == 0x111C9;
}

bool is_nonspacing_mark(char32_t c) {
  switch (c) {
    case 0x1734:
      return true;  // Mn in Unicode 8, Mc today
    case 0x1885:
    case 0x1886:
    case 0xA9BD:
    case 0x111C9:
      return false;  // the other way round
    default:
      return has_category(c, U_GC_MN_MASK);
  }
}

bool is_chinese_character(char32_t c) {
  return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) || (c >= 0x20000 && c <= 0x2A6DF) ||
         (c >= 0x2A700 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0x2F800 && c <= 0x2FA1F);
}

bool is_word_character(char32_t c) {
  const auto point = static_cast<UChar32>(c);
  if (u_hasBinaryProperty(point, UCHAR_ALPHABETIC) || u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL) ||
      (U_GET_GC_MASK(point) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0) {
    return is_assigned_by(c, 16);
  }
  return is_in(c, kRecentLetters) || is_in(c, kRecentNumbers) || is_in(c, kRecentMarks);
}

bool is_letter(char32_t c) {
  return has_recent_category(c, U_GC_L_MASK, kRecentLetters);
}

bool is_number(char32_t c) {
  return has_recent_category(c, U_GC_N_MASK, kRecentNumbers);
}

void append_utf8(char32_t c, std::string& out) {
  char bytes[U8_MAX_LENGTH];
  size_t length = 0;
  U8_APPEND_UNSAFE(bytes, length, c);
  out.append(bytes, length);
}

void append_lowercase(char32_t c, std::string& out) {
  if (c == 0x130) {
    out += "i\u0307";
  } else {
    append_utf8(simple_lowercase(c), out);
  }
}

char32_t next_code_point(std::string_view text, size_t& position) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  UChar32 c;
  U8_NEXT_OR_FFFD(bytes, position, text.size(), c);
  return static_cast<char32_t>(c);
}

char32_t previous_code_point(std::string_view text, size_t& position) {
  // U8_PREV counts in int32_t; a code point has at most four bytes, so a short window is all it needs.
  const size_t window_start = position > U8_MAX_LENGTH ? position - U8_MAX_LENGTH : 0;
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data() + window_start);
  auto index = static_cast<int32_t>(position - window_start);
  UChar32 c;
  U8_PREV_OR_FFFD(bytes, 0, index, c);
  position = window_start + static_cast<size_t>(index);
  return static_cast<char32_t>(c);
}

size_t find_malformed_utf8(std::string_view text) {
  const auto* bytes = reinterpret_cast<const uint8_t*>(text.data());
  for (size_t i = 0; i < text.size();) {
    uint64_t eight;  // most text is ASCII
    if (text.size() - i >= sizeof eight) {
      std::memcpy(&eight, bytes + i, sizeof eight);
      if ((eight & 0x8080808080808080) == 0) {
        i += sizeof eight;
        continue;
      }
    }
    const size_t start = i;
    UChar32 c;
    U8_NEXT(bytes, i, text.size(), c);
    if (c < 0) {
      return start;
    }
  }
  return std::string_view::npos;
}

}  // namespace bertjit
