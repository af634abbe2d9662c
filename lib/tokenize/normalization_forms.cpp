#include "tokenize/normalization_forms.h"

#include <unicode/normalizer2.h>
#include <unicode/unistr.h>

#include <algorithm>
#include <cstdint>

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

constexpr uint8_t kUnicodeVersion = 9;
constexpr char32_t kFirstComposed = 0xA0;  // no code point before it has a decomposition or a combining class

const icu::Normalizer2& load_data(const icu::Normalizer2* (*get_instance)(UErrorCode&)) {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* data = get_instance(status);
  if (U_FAILURE(status)) {
    throw Error(ErrorKind::kIo, std::string("ICU has no normalization data: ") + u_errorName(status));
  }
  return *data;
}

const icu::Normalizer2& canonical_data() {
  static const icu::Normalizer2& data = load_data(&icu::Normalizer2::getNFCInstance);
  return data;
}

const icu::Normalizer2& compatible_data() {
  static const icu::Normalizer2& data = load_data(&icu::Normalizer2::getNFKCInstance);
  return data;
}

uint8_t combining_class(char32_t c) {
  if (c < 0x300) {
    return 0;
  }
  const uint8_t value = canonical_data().getCombiningClass(static_cast<UChar32>(c));
  return value != 0 && is_assigned_by(c, kUnicodeVersion) ? value : 0;
}

void append_decomposition(char32_t c, const icu::Normalizer2& data, std::u32string& out) {
  icu::UnicodeString parts;
  if (c < kFirstComposed || !data.getDecomposition(static_cast<UChar32>(c), parts) ||
      !is_assigned_by(c, kUnicodeVersion)) {
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

std::u32string decompose_by(std::u32string_view text, const icu::Normalizer2& data) {
  std::u32string out;
  out.reserve(text.size());
  for (const char32_t c : text) {
    append_decomposition(c, data, out);
  }
  order_marks(out);
  return out;
}

/// The one code point that both make, or 0.
char32_t compose_pair(char32_t first, char32_t second) {
  const UChar32 composed = canonical_data().composePair(static_cast<UChar32>(first), static_cast<UChar32>(second));
  return composed > 0 && is_assigned_by(static_cast<char32_t>(composed), kUnicodeVersion)
             ? static_cast<char32_t>(composed)
             : 0;
}

/// Joins each starter with the marks that follow it, unless one of the same class stands between (UAX 15, D117).
void compose(std::u32string& text) {
  size_t written = 0;
  size_t starter = std::u32string::npos;
  uint8_t last_class = 0;  // of the last mark kept after the starter
  for (const char32_t c : text) {
    const uint8_t own_class = combining_class(c);
    const bool is_adjacent = starter != std::u32string::npos && written == starter + 1;
    if (starter != std::u32string::npos && (is_adjacent || last_class < own_class)) {
      if (const char32_t composed = compose_pair(text[starter], c); composed != 0) {
        text[starter] = composed;
        continue;
      }
    }
    if (own_class == 0) {
      starter = written;
    }
    last_class = own_class;
    text[written++] = c;
  }
  text.resize(written);
}

}  // namespace

std::u32string decompose(std::u32string_view text) {
  return decompose_by(text, canonical_data());
}

std::u32string normalize(std::u32string_view text, NormalizationForm form) {
  const bool is_compatible = form == NormalizationForm::kNfkc || form == NormalizationForm::kNfkd;
  std::u32string out = decompose_by(text, is_compatible ? compatible_data() : canonical_data());
  if (form == NormalizationForm::kNfc || form == NormalizationForm::kNfkc) {
    compose(out);
  }
  return out;
}

}  // namespace bertjit
