// Expected sums: tokenizers 0.22.2 asked about every code point, one at a time, between "a" and "b"
// (normalizers.BertNormalizer with one option on, normalizers.NFD, StripAccents, pre_tokenizers.BertPreTokenizer,
// Whitespace, Split by \p{L} and \p{N}). FNV-1a over the
// code points that are members, or over each code point that changes followed by what it becomes.
#include "tokenize/unicode.h"
#include "tokenize/normalization_forms.h"

#include <cstdint>
#include <functional>
#include <vector>

#include "testing/testing.h"

using namespace bertjit;

namespace {

class Fnv {
 public:
  void add(char32_t c) {
    state_ = (state_ ^ c) * 0x100000001B3;
  }
  uint64_t value() const {
    return state_;
  }

 private:
  uint64_t state_ = 0xCBF29CE484222325;
};

struct Sum {
  size_t count;
  uint64_t digest;

  bool operator==(const Sum&) const = default;
};

std::ostream& operator<<(std::ostream& out, const Sum& sum) {
  return out << sum.count << " code points, digest " << std::hex << sum.digest << std::dec;
}

void for_each_code_point(const std::function<void(char32_t)>& visit) {
  for (char32_t c = 0; c < 0x110000; ++c) {
    if (c < 0xD800 || c >= 0xE000) {
      visit(c);
    }
  }
}

Sum sum_members(bool (*is_member)(char32_t)) {
  size_t count = 0;
  Fnv digest;
  for_each_code_point([&](char32_t c) {
    if (is_member(c)) {
      ++count;
      digest.add(c);
    }
  });
  return {count, digest.value()};
}

Sum sum_changes(const std::function<std::u32string(char32_t)>& input,
                const std::function<std::u32string(const std::u32string&)>& change) {
  size_t count = 0;
  Fnv digest;
  for_each_code_point([&](char32_t c) {
    const std::u32string before = input(c);
    const std::u32string after = change(before);
    if (after != before) {
      ++count;
      digest.add(c);
      for (const char32_t part : after) {
        digest.add(part);
      }
    }
  });
  return {count, digest.value()};
}

std::u32string alone(char32_t c) {
  return {c};
}

std::vector<char32_t> read_forwards(std::string_view text) {
  std::vector<char32_t> points;
  for (size_t i = 0; i < text.size();) {
    points.push_back(next_code_point(text, i));
  }
  return points;
}

std::vector<char32_t> read_backwards(std::string_view text) {
  std::vector<char32_t> points;
  for (size_t i = text.size(); i > 0;) {
    points.insert(points.begin(), previous_code_point(text, i));
  }
  return points;
}

}  // namespace

TEST_CASE("unicode: the categories of every code point are those tokenizers 0.22.2 sees") {
  CHECK(sum_members(is_white_space) == Sum{25, 0x231591AD12FFE059});
  CHECK(sum_members(is_punctuation) == Sum{726, 0xED67276710CF5944});
  CHECK(sum_members(is_other) == Sum{137683, 0xED478E80D5BAED65});
  CHECK(sum_members(is_chinese_character) == Sum{81264, 0x38C88E02B282EF55});
  CHECK(sum_members(is_combining_mark) == Sum{2097, 0xCE04022E74ABE72C});
  CHECK(sum_members(is_letter) == Sum{141028, 0x9ABBEC5090CDD78D});
  CHECK(sum_members(is_number) == Sum{1911, 0x88882B4D56227662});
  CHECK(sum_members(is_word_character) == Sum{144667, 0x74E9E67363C9083F});
}

TEST_CASE("unicode: the lower case of every code point is that of tokenizers 0.22.2") {
  const auto lower = [](const std::u32string& text) {
    std::string utf8;
    append_lowercase(text[0], utf8);
    const auto points = read_forwards(utf8);
    return std::u32string(points.begin(), points.end());
  };
  CHECK(sum_changes(alone, lower) == Sum{1488, 0xB1EA558E7D0299AB});
}

TEST_CASE("unicode: decomposition, order and removal of marks are those of tokenizers 0.22.2 for every code point") {
  const auto nfd = [](const std::u32string& text) { return decompose(text); };
  const auto strip = [](const std::u32string& text) {
    std::u32string stripped = decompose(text);
    std::erase_if(stripped, is_nonspacing_mark);
    return stripped;
  };
  CHECK(sum_changes(alone, nfd) == Sum{13232, 0x9D517E8601758ADD});
  CHECK(sum_changes(alone, strip) == Sum{14781, 0xF0236897D272D212});
  // U+0301 has a high combining class, U+0334 the lowest: either moves past its neighbour if that is a mark.
  CHECK(sum_changes([](char32_t c) { return std::u32string{0x301, c}; }, nfd) == Sum{13571, 0x3BAF1AC8D29FB216});
  CHECK(sum_changes([](char32_t c) { return std::u32string{c, 0x334}; }, nfd) == Sum{14010, 0x0822C34941FF0293});
}

TEST_CASE("unicode: malformed bytes read as Python's decode('utf-8', 'replace') reads them, in both directions") {
  const struct {
    std::string bytes;
    std::vector<char32_t> points;
  } cases[] = {
      {"a\xFF"
       "b",
       {'a', 0xFFFD, 'b'}},
      {"\xE2\x82", {0xFFFD}},  // cut short
      {"\xF0\x9F\x98"
       "a",
       {0xFFFD, 'a'}},                                         // cut short by a letter
      {"\xED\xA0\x80", {0xFFFD, 0xFFFD, 0xFFFD}},              // a surrogate
      {"\xC0\xAF", {0xFFFD, 0xFFFD}},                          // overlong
      {"\xF4\x90\x80\x80", {0xFFFD, 0xFFFD, 0xFFFD, 0xFFFD}},  // beyond U+10FFFF
      {"\xE4\xB8\xAD\xC3\xA9", {0x4E2D, 0xE9}},
  };
  for (const auto& [bytes, points] : cases) {
    CHECK(read_forwards(bytes) == points);
    CHECK(read_backwards(bytes) == points);
  }
}

TEST_CASE("unicode: the first malformed byte is found, and none in well-formed text") {
  CHECK(find_malformed_utf8("a\u00E9\U0001F600") == std::string_view::npos);
  CHECK(find_malformed_utf8("") == std::string_view::npos);
  CHECK(find_malformed_utf8("ab\xC3"
                            "c") == 2);
  CHECK(find_malformed_utf8("\xED\xA0\x80") == 0);
}

TEST_CASE("unicode: word characters are letters, marks, decimal digits, connectors and joiners") {
  // The members Unicode Technical Standard 18 gives \w, and neighbours it does not.
  for (const char32_t c : {U'a', U'Z', U'0', U'_', U'\u00E9', U'\u0301', U'\u0660', U'\u4E2D', U'\u203F', U'\u200D'}) {
    CHECK(is_word_character(c));
  }
  for (const char32_t c : {U' ', U'-', U'\u00B2', U'\u2014', U'\u00A0', U'\U0001F600', U'\uFFFD'}) {
    CHECK_FALSE(is_word_character(c));
  }
}
