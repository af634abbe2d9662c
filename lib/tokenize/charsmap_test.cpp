// The map is that of testdata/tok-xlm-roberta, trained by sentencepiece 0.2.3 from six rules: U+FF21 → A, e U+0301 →
// U+00E9, U+FB01 → fi, U+3000, tab and line feed → space.
#include "tokenize/charsmap.h"

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/sentencepiece_testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using testing::error_of;
using testing::little_endian;

namespace {

std::string six_rules() {
  return read_sentencepiece_model(testing::testdata("tok-xlm-roberta/sentencepiece.bpe.model"))
      .normalizer.precompiled_charsmap;
}

void read(const std::string& bytes) {
  Charsmap(bytes, "file");
}

/// A trie of one block, all units free, with `unit` at the root.
std::string one_block(uint32_t root, const std::string& pool) {
  std::string bytes = little_endian(1024) + little_endian(root);
  for (uint32_t i = 1; i < 256; ++i) {
    bytes += little_endian(i);
  }
  return bytes + pool;
}

constexpr uint32_t kHasLeaf = 1 << 8;

}  // namespace

TEST_CASE("charsmap: the key a text begins with is found, and what follows does not matter") {
  const Charsmap map(six_rules(), "file");
  CHECK(map.find_shortest("\uFF21") == "A");
  CHECK(map.find_shortest("\uFB01x") == "fi");
  CHECK(map.find_shortest("e\u0301\u0302") == "\u00E9");
  CHECK(map.find_shortest("e") == std::nullopt);
  CHECK(map.find_shortest("ea") == std::nullopt);
  CHECK(map.find_shortest("") == std::nullopt);
  CHECK(map.find_shortest(std::string_view("\0e", 2)) == std::nullopt);
  CHECK(map.maps_ascii('\t'));
  CHECK(!map.maps_ascii('e'));
}

TEST_CASE("charsmap: the longest key says how much of the text it is") {
  const Charsmap map(six_rules(), "file");
  const auto match = map.find_longest("e\u0301x");
  REQUIRE(match);
  CHECK(match->length == 3);
  CHECK(match->mapped == "\u00E9");
  CHECK(!map.find_longest("x"));
}

TEST_CASE("charsmap: every shorter file is corrupt or a map, and never read beyond its end") {
  const std::string whole = six_rules();
  size_t refused = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    try {
      const Charsmap map(whole.substr(0, size), "file");
      map.find_shortest("\uFB01");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kCorrupt);
      CHECK_THAT(error.what(), Contains("file: 'precompiled_charsmap' "));
      ++refused;
    }
  }
  CHECK(refused > 1000);  // all but those that lack no more than the end of the last string
}

TEST_CASE("charsmap: any changed byte gives a corrupt file or a map that answers") {
  const std::string whole = six_rules();
  size_t read_all_the_same = 0;
  for (size_t i = 0; i < whole.size(); ++i) {
    for (const int change : {0x01, 0x40, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      try {
        const Charsmap map(changed, "file");
        for (const char* text : {"\uFF21", "e\u0301", "\uFB01", "\t", "zz", "\xFF\xFF\xFF"}) {
          map.find_shortest(text);
          map.find_longest(text);
        }
        ++read_all_the_same;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::kCorrupt);
      }
    }
  }
  CHECK(read_all_the_same > 0);
}

// Found by fuzzing: a leaf has no children, so where they would be was not looked at.
TEST_CASE("charsmap: a root that is a leaf is named, and no search begins at it") {
  CHECK_THAT(error_of([] { read(one_block(uint32_t{1} << 31 | uint32_t{1} << 20, "x")); }).what(),
             Contains("file: 'precompiled_charsmap' has a leaf for its root"));
}

TEST_CASE("charsmap: a size beyond the file, children outside the trie and leaves outside the strings are named") {
  CHECK_THAT(error_of([] { read(""); }).what(), Contains("is 0 bytes long"));
  CHECK_THAT(error_of([] { read(little_endian(8) + "1234"); }).what(), Contains("has a trie of 8 bytes"));
  CHECK_THAT(error_of([] { read(little_endian(3) + "1234"); }).what(), Contains("has a trie of 3 bytes"));
  CHECK_THAT(error_of([] { read(little_endian(0)); }).what(), Contains("has a trie of 0 bytes"));
  CHECK_THAT(error_of([] { read(little_endian(0xFFFFFFFF) + "1234"); }).what(), Contains("has a trie of 4294967295"));
  CHECK_THAT(error_of([] { read(one_block(uint32_t{1} << 20, "x")); }).what(),
             Contains("has a unit 0 whose children are at 1024, expected below 256"));
  CHECK_THAT(error_of([] { read(one_block(uint32_t{7} << 10 | kHasLeaf, "x")); }).what(),
             Contains("has a leaf with offset 7"));
  CHECK_THAT(error_of([] { read(one_block(uint32_t{1} << 10 | kHasLeaf, "\u00E9")); }).what(),
             Contains("expected the start of a character"));
  CHECK_THAT(error_of([] { read(one_block(0, "a\xFF")); }).what(),
             Contains("strings that are not UTF-8, at byte 1029"));
  CHECK_NOTHROW(read(one_block(uint32_t{2} << 10 | kHasLeaf, "abc")));
}
