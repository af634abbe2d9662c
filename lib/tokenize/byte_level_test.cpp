// Expected values: pre_tokenizers.ByteLevel of tokenizers 0.22.2.
#include "tokenize/byte_level.h"

#include <set>

#include "testing/testing.h"

using namespace bertjit;
using Strings = std::vector<std::string>;

namespace {

Strings split_words(std::string_view text) {
  Strings words;
  Gpt2Words walk(text);
  for (std::string_view word; walk.next(word);) {
    words.emplace_back(word);
  }
  return words;
}

Strings split_by(const PreTokenizer& pre_tokenizer, std::string_view text, Words& words) {
  pre_tokenizer.split(text, TextPlace::kTextStart, words);
  return {words.texts.begin(), words.texts.end()};
}

Strings split_by(const PreTokenizer& pre_tokenizer, std::string_view text) {
  Words words;
  return split_by(pre_tokenizer, text, words);
}

}  // namespace

TEST_CASE("byte_level: contractions are words, in lower case and after the apostrophe of ASCII only") {
  CHECK(split_words("it's we'll they've I'm he'd you're 'tis ''s x's' CAN'T'") ==
        Strings{"it", "'s",  " we", "'ll", " they", "'ve", " I", "'m",   " he", "'d", " you", "'re",
                " '", "tis", " ''", "s",   " x",    "'s",  "'",  " CAN", "'",   "T",  "'"});
  CHECK(split_words("!'s 's") == Strings{"!'", "s", " '", "s"});
  CHECK(split_words("it\u2019s") == Strings{"it", "\u2019", "s"});
}

TEST_CASE("byte_level: a word takes one space before it; the white space before that is a word of its own") {
  CHECK(split_words("a  b   c \n\n d\t e  ") == Strings{"a", " ", " b", "  ", " c", " \n\n", " d", "\t", " e", "  "});
  CHECK(split_words("\u00A0a \u00A0 b\u3000c") == Strings{"\u00A0", "a", " \u00A0", " b", "\u3000", "c"});
  CHECK(split_words("\u2028 a") == Strings{"\u2028", " a"});
  CHECK(split_words(" ") == Strings{" "});
  CHECK(split_words("  ") == Strings{"  "});
  CHECK(split_words("").empty());
}

TEST_CASE("byte_level: letters, numbers and all else are apart; a mark is no letter") {
  CHECK(split_words("don't 3.14 x2y \u00BDa!?") ==
        Strings{"don", "'t", " 3", ".", "14", " x", "2", "y", " \u00BD", "a", "!?"});
  CHECK(split_words("na\u00EFve e\u0301x \u4E2D\u6587123") ==
        Strings{"na\u00EFve", " e", "\u0301", "x", " \u4E2D\u6587", "123"});
}

TEST_CASE("byte_level: the words of a text are the text, whatever it is") {
  const std::string characters[] = {" ", "'", "s", "r", "e", "1", "!", "\n", "\u00E9", "\u0301", "\u3000", "\u4E2D"};
  uint32_t state = 1;
  for (int i = 0; i < 2000; ++i) {
    std::string text;
    for (int length = i % 12; length > 0; --length) {
      state = state * 1664525 + 1013904223;
      text += characters[(state >> 16) % std::size(characters)];
    }
    std::string joined;
    for (const std::string& word : split_words(text)) {
      CHECK_FALSE(word.empty());
      joined += word;
    }
    CHECK(joined == text);
  }
}

TEST_CASE("byte_level: each byte has a visible character of its own") {
  std::set<std::string> characters;
  for (int byte = 0; byte < 256; ++byte) {
    std::string character;
    append_visible_bytes(std::string(1, static_cast<char>(byte)), character);
    characters.insert(character);
  }
  CHECK(characters.size() == 256);
  std::string visible;
  append_visible_bytes(std::string(" \0\xC2\xAD\x7F~\xFF", 7), visible);
  CHECK(visible == "\u0120\u0100\u00C2\u0143\u0121~\u00FF");
}

TEST_CASE("byte_level: a prefix space comes before a text that has none, and never before an empty one") {
  const auto with_space = make_byte_level({.add_prefix_space = true});
  CHECK(split_by(*with_space, "a b") == Strings{"\u0120a", "\u0120b"});
  CHECK(split_by(*with_space, " a") == Strings{"\u0120a"});
  CHECK(split_by(*with_space, "\na") == Strings{"\u0120", "\u010A", "a"});
  CHECK(split_by(*with_space, "").empty());
  CHECK(split_by(*make_byte_level({.add_prefix_space = false}), "a b") == Strings{"a", "\u0120b"});
}

TEST_CASE("byte_level: without the pattern the text is one word") {
  CHECK(split_by(*make_byte_level({.add_prefix_space = false, .use_regex = false}), "it's \u00E9") ==
        Strings{"it's\u0120\u00C3\u00A9"});
}

TEST_CASE("byte_level: the first word stands where the text does, the others inside") {
  Words words;
  split_by(*make_byte_level({}), "a b", words);
  CHECK(words.first_place == TextPlace::kTextStart);
  Words inner;
  make_byte_level({})->split("a b", TextPlace::kInside, inner);
  CHECK(inner.first_place == TextPlace::kInside);
}
