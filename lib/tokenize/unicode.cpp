#include "tokenize/unicode.h"

#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <algorithm>

#include "support/error.h"

namespace bertjit {

namespace {

constexpr uint8_t kCategoriesVersion = 8;
constexpr uint8_t kNormalizationVersion = 9;

bool is_assigned_by(char32_t c, uint8_t unicode_version) {
  UVersionInfo age;
  u_charAge(static_cast<UChar32>(c), age);
  return age[0] != 0 && (age[0] < unicode_version || (age[0] == unicode_version && age[1] == 0));
}

bool has_category(char32_t c, uint32_t mask) {
  return (U_GET_GC_MASK(static_cast<UChar32>(c)) & mask) != 0 && is_assigned_by(c, kCategoriesVersion);
}

const icu::Normalizer2& nfd() {
  static const icu::Normalizer2& instance = []() -> const icu::Normalizer2& {
    UErrorCode status = U_ZERO_ERROR;
    const icu::Normalizer2* normalizer = icu::Normalizer2::getNFDInstance(status);
    if (U_FAILURE(status)) {
      throw Error(ErrorKind::kIo, std::string("ICU has no data for NFD: ") + u_errorName(status));
    }
    return *normalizer;
  }();
  return instance;
}

uint8_t combining_class(char32_t c) {
  if (c < 0x300) {
    return 0;
  }
  const uint8_t value = nfd().getCombiningClass(static_cast<UChar32>(c));
  return value != 0 && is_assigned_by(c, kNormalizationVersion) ? value : 0;
}

void append_decomposition(char32_t c, std::u32string& out) {
  icu::UnicodeString parts;
  if (c < 0xC0 || !nfd().getDecomposition(static_cast<UChar32>(c), parts) ||
      !is_assigned_by(c, kNormalizationVersion)) {
    out.push_back(c);
    return;
  }
  for (int32_t i = 0; i < parts.length(); i = parts.moveIndex32(i, 1)) {
    out.push_back(static_cast<char32_t>(parts.char32At(i)));
  }
}

/// Sorts each run of combining marks by class, keeping the order of equals. std::stable_sort: a hostile text may be one
/// long run.
void order_marks(std::u32string& text) {
  for (auto begin = text.begin(); begin != text.end();) {
    if (combining_class(*begin) == 0) {
      ++begin;
      continue;
    }
    const auto end = std::find_if(begin, text.end(), [](char32_t c) { return combining_class(c) == 0; });
    std::stable_sort(begin, end, [](char32_t a, char32_t b) { return combining_class(a) < combining_class(b); });
    begin = end;
  }
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

bool is_white_space(char32_t c) {
  return u_isUWhiteSpace(static_cast<UChar32>(c));
}

bool is_other(char32_t c) {
  return has_category(c, U_GC_CC_MASK | U_GC_CF_MASK | U_GC_CO_MASK);
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
  return u_hasBinaryProperty(point, UCHAR_ALPHABETIC) || u_hasBinaryProperty(point, UCHAR_JOIN_CONTROL) ||
         (U_GET_GC_MASK(point) & (U_GC_M_MASK | U_GC_ND_MASK | U_GC_PC_MASK)) != 0;
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

std::u32string decompose(std::u32string_view text) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    append_decomposition(c, out);
  }
  order_marks(out);
  return out;
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
