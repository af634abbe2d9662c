// Expected values: GraphemeBreakTest.txt of Unicode 16, and for its marks normalizers.Precompiled of tokenizers 0.22.2
// with a map of "a", which drops what is in the cluster of an "a".
#include "tokenize/graphemes.h"

#include <vector>

#include "testing/testing.h"

using namespace bertjit;

namespace {

std::vector<std::string> clusters_of(std::string_view text) {
  std::vector<std::string> clusters;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = find_grapheme_end(text, begin);
    clusters.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return clusters;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("graphemes: ASCII stands alone, but for CR LF; a control character takes no mark") {
  CHECK(clusters_of("ab c") == Strings{"a", "b", " ", "c"});
  CHECK(clusters_of("a\r\nb\n\r") == Strings{"a", "\r\n", "b", "\n", "\r"});
  CHECK(clusters_of("\u00AD\u0308a\u00AD") == Strings{"\u00AD", "\u0308", "a", "\u00AD"});
  CHECK(clusters_of("").empty());
}

TEST_CASE("graphemes: marks, joiners and spacing marks stay with what they follow, however many") {
  CHECK(clusters_of("e\u0301\u0302x") == Strings{"e\u0301\u0302", "x"});
  CHECK(clusters_of("a\u200Db") == Strings{"a\u200D", "b"});
  CHECK(clusters_of("\u0E01\u0E33\u0915\u0903") == Strings{"\u0E01\u0E33", "\u0915\u0903"});
  CHECK(clusters_of("a\U0001F3FBb") == Strings{"a\U0001F3FB", "b"});
}

TEST_CASE("graphemes: marks of Unicode 15.1 and 16 are marks") {
  CHECK(clusters_of("a\u0897b") == Strings{"a\u0897", "b"});
  CHECK(clusters_of("a\U00010D69") == Strings{"a\U00010D69"});
  CHECK(clusters_of("a\U0001612F") == Strings{"a\U0001612F"});
  CHECK(clusters_of("\U000113D1a") == Strings{"\U000113D1"
                                              "a"});
}

TEST_CASE("graphemes: what is prepended joins what follows, unless that is a control character") {
  CHECK(clusters_of("a\u0600b") == Strings{"a", "\u0600b"});
  CHECK(clusters_of("\u0600\n") == Strings{"\u0600", "\n"});
}

TEST_CASE("graphemes: Hangul letters make syllables") {
  CHECK(clusters_of("\u1100\u1161\u11A8\u1100") == Strings{"\u1100\u1161\u11A8", "\u1100"});
  CHECK(clusters_of("\uAC00\u11A8\uAC01\u1160") == Strings{"\uAC00\u11A8", "\uAC01", "\u1160"});
}

TEST_CASE("graphemes: a joiner between pictographs joins them, one between letters does not") {
  CHECK(clusters_of("\U0001F6D1\u200D\U0001F6D1") == Strings{"\U0001F6D1\u200D\U0001F6D1"});
  CHECK(clusters_of("a\u200D\U0001F6D1") == Strings{"a\u200D", "\U0001F6D1"});
  CHECK(clusters_of("\U0001F476\U0001F3FF\u0308\u200D\U0001F476") ==
        Strings{"\U0001F476\U0001F3FF\u0308\u200D\U0001F476"});
  CHECK(clusters_of("\u00A9\u200D\u200D\u00A9") == Strings{"\u00A9\u200D\u200D", "\u00A9"});
}

TEST_CASE("graphemes: consonants with a virama between them are one conjunct") {
  CHECK(clusters_of("\u0915\u094D\u0924") == Strings{"\u0915\u094D\u0924"});
  CHECK(clusters_of("\u0915\u094D\u200D\u0924") == Strings{"\u0915\u094D\u200D\u0924"});
  CHECK(clusters_of("\u0915\u0924") == Strings{"\u0915", "\u0924"});
  CHECK(clusters_of("\u0915\u094Da") == Strings{"\u0915\u094D", "a"});
}
