#include "tokenize/graphemes.h"

#include <unicode/uchar.h>

#include <algorithm>
#include <iterator>

#include "tokenize/unicode.h"

namespace bertjit {

namespace {

enum class Break : uint8_t { kOther, kCr, kLf, kControl, kExtend, kSpacingMark, kZwj, kPrepend, kL, kV, kT, kLv, kLvt };

struct Range {
  char32_t first;
  char32_t last;
};

/// Marks (Extend, SpacingMark) of Unicode 15.1 and 16: code points that tokenizers 0.22.2 joins to an "a" before them
/// and ICU 72 does not.
constexpr Range kRecentMarks[] = {
    {0x0897, 0x0897},   {0x10D69, 0x10D6D}, {0x10EFC, 0x10EFC}, {0x113B8, 0x113C0}, {0x113C2, 0x113C2},
    {0x113C5, 0x113C5}, {0x113C7, 0x113CA}, {0x113CC, 0x113D0}, {0x113D2, 0x113D2}, {0x113E1, 0x113E2},
    {0x11F5A, 0x11F5A}, {0x1611E, 0x1612F}, {0x1E5EE, 0x1E5EF},
};
constexpr char32_t kRecentPrepend = 0x113D1;

/// Kirat Rai vowels, of Unicode 16, which join as those of Hangul do.
bool is_recent_vowel(char32_t c) {
  return c == 0x16D63 || (c >= 0x16D67 && c <= 0x16D6A);
}

Break recent_break(char32_t c) {
  const bool mark = std::any_of(std::begin(kRecentMarks), std::end(kRecentMarks),
                                [c](const Range& range) { return c >= range.first && c <= range.last; });
  return mark ? Break::kExtend : c == kRecentPrepend ? Break::kPrepend : is_recent_vowel(c) ? Break::kV : Break::kOther;
}

Break break_of(char32_t c) {
  if (c < 0x300) {
    return c == '\r'                                          ? Break::kCr
           : c == '\n'                                        ? Break::kLf
           : c < 0x20 || (c >= 0x7F && c < 0xA0) || c == 0xAD ? Break::kControl
                                                              : Break::kOther;
  }
  if (c >= 0x3400 && c < 0xA000) {
    return Break::kOther;  // ideographs, the most frequent of the many
  }
  switch (u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_GRAPHEME_CLUSTER_BREAK)) {
    case U_GCB_CONTROL:
      return Break::kControl;
    case U_GCB_EXTEND:
      return Break::kExtend;
    case U_GCB_SPACING_MARK:
      return Break::kSpacingMark;
    case U_GCB_ZWJ:
      return Break::kZwj;
    case U_GCB_PREPEND:
      return Break::kPrepend;
    case U_GCB_L:
      return Break::kL;
    case U_GCB_V:
      return Break::kV;
    case U_GCB_T:
      return Break::kT;
    case U_GCB_LV:
      return Break::kLv;
    case U_GCB_LVT:
      return Break::kLvt;
    default:
      return recent_break(c);
  }
}

bool is_pictograph(char32_t c) {
  return c >= 0xA9 && u_hasBinaryProperty(static_cast<UChar32>(c), UCHAR_EXTENDED_PICTOGRAPHIC) != 0;
}

/// Indic_Conjunct_Break = Linker.
bool is_linker(char32_t c) {
  return c == 0x94D || c == 0x9CD || c == 0xACD || c == 0xB4D || c == 0xC4D || c == 0xD4D;
}

/// Indic_Conjunct_Break = Consonant: of the scripts that the linkers are of.
bool is_conjunct_consonant(char32_t c) {
  const bool script =
      (c >= 0x900 && c < 0xA00) || (c >= 0xA80 && c < 0xB80) || (c >= 0xC00 && c < 0xC80) || (c >= 0xD00 && c < 0xD80);
  return script && u_getIntPropertyValue(static_cast<UChar32>(c), UCHAR_INDIC_SYLLABIC_CATEGORY) == U_INSC_CONSONANT;
}

bool joins_hangul(Break before, Break after) {
  switch (before) {
    case Break::kL:
      return after == Break::kL || after == Break::kV || after == Break::kLv || after == Break::kLvt;
    case Break::kLv:
    case Break::kV:
      return after == Break::kV || after == Break::kT;
    case Break::kLvt:
    case Break::kT:
      return after == Break::kT;
    default:
      return false;
  }
}

/// Walks over one cluster; knows what it holds so far.
class Cluster {
 public:
  explicit Cluster(char32_t first) : last_(break_of(first)) {
    note(first);
  }

  /// Takes in the next code point; false if the cluster ends before it.
  bool take(char32_t c) {
    const Break next = break_of(c);
    if (!joins(c, next)) {
      return false;
    }
    joined_pictograph_ = pictograph_ && next == Break::kZwj;
    pictograph_ = pictograph_ && next == Break::kExtend;
    if (next != Break::kExtend && next != Break::kZwj) {
      consonant_ = linker_ = false;
    }
    last_ = next;
    note(c);
    return true;
  }

 private:
  static bool is_control(Break value) {
    return value == Break::kCr || value == Break::kLf || value == Break::kControl;
  }

  bool joins(char32_t c, Break next) const {
    if (last_ == Break::kCr && next == Break::kLf) {
      return true;
    }
    if (is_control(last_) || is_control(next)) {
      return false;
    }
    return next == Break::kExtend || next == Break::kZwj || next == Break::kSpacingMark || last_ == Break::kPrepend ||
           joins_hangul(last_, next) || (joined_pictograph_ && is_pictograph(c)) ||
           (consonant_ && linker_ && is_conjunct_consonant(c));
  }

  void note(char32_t c) {
    if (is_pictograph(c)) {
      pictograph_ = true;
    }
    if (is_linker(c)) {
      linker_ = consonant_;
    } else if (is_conjunct_consonant(c)) {
      consonant_ = true;
      linker_ = false;
    }
  }

  Break last_;
  bool pictograph_ = false;         ///< a pictograph, then only Extend
  bool joined_pictograph_ = false;  ///< the last is a ZWJ after such
  bool consonant_ = false;          ///< a conjunct's consonant, then only Extend, ZWJ and linkers
  bool linker_ = false;             ///< of which at least one linker
};

/// Whether `byte` begins a code point that cannot be part of what stands before it, whatever that is but a CR or a
/// Prepend.
bool starts_cluster(char byte) {
  return static_cast<uint8_t>(byte) < 0xCC;
}

}  // namespace

size_t find_grapheme_end(std::string_view text, size_t begin) {
  size_t end = begin;
  const char32_t first = next_code_point(text, end);
  if (end == text.size() ||
      (first < 0x600 && first != '\r' && first != 0xA9 && first != 0xAE && starts_cluster(text[end]))) {
    return end;
  }
  Cluster cluster(first);
  for (size_t next = end; next < text.size(); end = next) {
    if (!cluster.take(next_code_point(text, next))) {
      return end;
    }
  }
  return end;
}

}  // namespace bertjit
