#include "tokenize/piece_trie.h"

#include <string>

#include "testing/testing.h"

using namespace bertjit;
using Found = std::vector<std::pair<size_t, int32_t>>;

namespace {

Found prefixes_of(const PieceTrie& trie, std::string_view text) {
  Found found;
  trie.visit_prefixes(text, [&](size_t length, int32_t value) { found.emplace_back(length, value); });
  return found;
}

}  // namespace

TEST_CASE("piece_trie: all pieces that a text begins with, the shortest first") {
  const PieceTrie trie({{"abc", 7}, {"a", 0}, {"b", 2}, {"ab", 5}, {"\xFF\x80", 9}, {std::string_view("a\0", 2), 4}});
  CHECK(prefixes_of(trie, "abcd") == Found{{1, 0}, {2, 5}, {3, 7}});
  CHECK(prefixes_of(trie, "ab") == Found{{1, 0}, {2, 5}});
  CHECK(prefixes_of(trie, "ba") == Found{{1, 2}});
  CHECK(prefixes_of(trie, "cab").empty());
  CHECK(prefixes_of(trie, "").empty());
  CHECK(prefixes_of(trie, "\xFF\x80") == Found{{2, 9}});
  CHECK(prefixes_of(trie, "\xFF").empty());
  CHECK(prefixes_of(trie, std::string_view("a\0x", 3)) == Found{{1, 0}, {2, 4}});
}

TEST_CASE("piece_trie: an empty one, and the empty text, find nothing") {
  CHECK(prefixes_of(PieceTrie({}), "a").empty());
  CHECK(prefixes_of(PieceTrie({{"", 3}, {"a", 1}}), "a") == Found{{1, 1}});
}

TEST_CASE("piece_trie: every byte may follow every other") {
  std::vector<std::string> texts;
  for (int first = 0; first < 256; first += 5) {
    for (int second = 0; second < 256; ++second) {
      texts.push_back({static_cast<char>(first), static_cast<char>(second)});
    }
  }
  std::vector<std::pair<std::string_view, int32_t>> pieces;
  for (const std::string& text : texts) {
    pieces.emplace_back(text, static_cast<int32_t>(pieces.size()));
  }
  const PieceTrie trie(pieces);
  for (size_t i = 0; i < texts.size(); ++i) {
    CHECK(prefixes_of(trie, texts[i]) == Found{{2, static_cast<int32_t>(i)}});
  }
}
