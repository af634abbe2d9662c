// Expected values: the pre-tokenizers of tokenizers 0.22.2 of the same JSON.
#include "tokenize/pre_tokenizers.h"

#include "support/error.h"
#include "testing/testing.h"
#include "tokenize/byte_level.h"

using namespace bertjit;
using Catch::Contains;
using nlohmann::json;
using Strings = std::vector<std::string>;

namespace {

Strings split_by(const json& object, std::string_view text, std::optional<bool> add_prefix_space = std::nullopt) {
  Words words;
  parse_pre_tokenizer(&object, "file", add_prefix_space)->split(text, TextPlace::kTextStart, words);
  return {words.texts.begin(), words.texts.end()};
}

json type_of(const std::string& type) {
  return {{"type", type}};
}

json gpt2_split(const std::string& behavior, bool invert) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", std::string(kGpt2Pattern)}}},
          {"behavior", behavior},
          {"invert", invert}};
}

json sequence_of(const std::vector<json>& steps) {
  return {{"type", "Sequence"}, {"pretokenizers", steps}};
}

void refuse(const json& object) {
  parse_pre_tokenizer(&object, "file");
}

}  // namespace

TEST_CASE("pre_tokenizers: Whitespace, WhitespaceSplit and Punctuation") {
  CHECK(split_by(type_of("Whitespace"), "it's a_b-c! \u00E9\u0301 \u4E2D\u6587  3.5") ==
        Strings{"it", "'", "s", "a_b", "-", "c", "!", "\u00E9\u0301", "\u4E2D\u6587", "3", ".", "5"});
  CHECK(split_by(type_of("Whitespace"), "a!?b") == Strings{"a", "!?", "b"});
  CHECK(split_by(type_of("WhitespaceSplit"), " it's  a\u00A0b\tc ") == Strings{"it's", "a", "b", "c"});
  CHECK(split_by(type_of("Punctuation"), "a,b c!?") == Strings{"a", ",", "b c", "!", "?"});
  CHECK(split_by(type_of("BertPreTokenizer"), " a,b  c!?") == Strings{"a", ",", "b", "c", "!", "?"});
  CHECK(split_by(type_of("Whitespace"), " ").empty());
}

TEST_CASE("pre_tokenizers: a Sequence splits the words of the step before") {
  CHECK(split_by(sequence_of({type_of("WhitespaceSplit"), type_of("Punctuation")}), "it's  a!? b") ==
        Strings{"it", "'", "s", "a", "!", "?", "b"});
  CHECK(split_by(sequence_of({type_of("WhitespaceSplit"), {{"type", "ByteLevel"}, {"add_prefix_space", true}}}),
                 "a \u00E9") == Strings{"\u0120a", "\u0120\u00C3\u00A9"});
  CHECK(split_by(sequence_of({}), " a b") == Strings{" a b"});
}

TEST_CASE("pre_tokenizers: only a word at the start of the text is at its start") {
  const auto first_place = [](const json& object, std::string_view text) {
    Words words;
    parse_pre_tokenizer(&object, "file")->split(text, TextPlace::kTextStart, words);
    return words.first_place;
  };
  for (const json& object : {type_of("WhitespaceSplit"), type_of("BertPreTokenizer"),
                             sequence_of({type_of("WhitespaceSplit"), type_of("Punctuation")})}) {
    CHECK(first_place(object, "a b") == TextPlace::kTextStart);
    CHECK(first_place(object, " a b") == TextPlace::kInside);
  }
}

TEST_CASE("pre_tokenizers: Split knows GPT-2's pattern, in the two ways to say that its matches are the words") {
  const Strings words = {"it", "'s", " 3"};
  CHECK(split_by(gpt2_split("Isolated", false), "it's 3") == words);
  CHECK(split_by(gpt2_split("Removed", true), "it's 3") == words);
  const json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  CHECK(split_by(sequence_of({gpt2_split("Isolated", false), byte_level}), "it's 3") == Strings{"it", "'s", "\u01203"});
}

TEST_CASE("pre_tokenizers: add_prefix_space is overruled where ByteLevel stands alone") {
  const json byte_level = {{"type", "ByteLevel"}, {"add_prefix_space", true}};
  CHECK(split_by(byte_level, "a") == Strings{"\u0120a"});
  CHECK(split_by(byte_level, "a", false) == Strings{"a"});
  CHECK(split_by(sequence_of({byte_level}), "a", false) == Strings{"\u0120a"});
  CHECK(split_by(type_of("ByteLevel"), "a") == Strings{"\u0120a"});
  CHECK(parse_pre_tokenizer(nullptr, "file") == nullptr);
}

TEST_CASE("pre_tokenizers: what is not known, or malformed, is refused by name") {
  CHECK_THROWS_WITH(refuse(type_of("Bogus")), Contains("file: pre_tokenizer is Bogus; supported: BertPreTokenizer"));
  CHECK_THROWS_WITH(refuse(sequence_of({type_of("Bogus")})), Contains("Bogus"));
  CHECK_THROWS_WITH(refuse(type_of("Sequence")), Contains("no 'pretokenizers'"));
  CHECK_THROWS_WITH(refuse({{"type", "Punctuation"}, {"behavior", "Removed"}}),
                    Contains("Removed; supported: Isolated"));
  CHECK_THROWS_WITH(refuse(gpt2_split("Isolated", true)), Contains("Isolated, inverted"));
  CHECK_THROWS_WITH(refuse(gpt2_split("MergedWithNext", false)), Contains("MergedWithNext"));
  json digits = gpt2_split("Isolated", false);
  digits["pattern"] = {{"Regex", "\\d"}};
  CHECK_THROWS_WITH(refuse(digits), Contains("pattern of pre_tokenizer Split is '\\d'; supported: 's|'t"));
  digits["pattern"] = {{"String", " "}};
  CHECK_THROWS_WITH(refuse(digits), Contains("is ' '"));
  CHECK_THROWS_WITH(refuse({{"type", "ByteLevel"}, {"use_regex", "no"}}), Contains("'use_regex' is string"));
}
