// Expected values: pre_tokenizers.Metaspace of tokenizers 0.22.2 of the same JSON.
#include "tokenize/metaspace.h"

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::error_of;
using Scheme = MetaspaceOptions::PrependScheme;
using Strings = std::vector<std::string>;

namespace {

Strings split(const MetaspaceOptions& options, std::string_view text, TextPlace place = TextPlace::kTextStart) {
  Words words;
  make_metaspace(options)->split(text, place, words);
  return {words.texts.begin(), words.texts.end()};
}

void parse(const json& more) {
  json object = {{"type", "Metaspace"}, {"replacement", "▁"}};
  object.update(more);
  parse_metaspace(object, "file");
}

}  // namespace

TEST_CASE("metaspace: each space begins a word, and a text without one in front gets a mark") {
  CHECK(split({}, "a b  c ") == Strings{"▁a", "▁b", "▁", "▁c", "▁"});
  CHECK(split({}, " a") == Strings{"▁a"});
  CHECK(split({}, "▁a▁b") == Strings{"▁a", "▁b"});
  CHECK(split({}, "").empty());
}

TEST_CASE("metaspace: first marks the start of the text only, never marks none") {
  CHECK(split({.prepend_scheme = Scheme::kFirst}, "a b") == Strings{"▁a", "▁b"});
  CHECK(split({.prepend_scheme = Scheme::kFirst}, "a b", TextPlace::kInside) == Strings{"a", "▁b"});
  CHECK(split({}, "a b", TextPlace::kInside) == Strings{"▁a", "▁b"});
  CHECK(split({.prepend_scheme = Scheme::kNever}, "a b  c ") == Strings{"a", "▁b", "▁", "▁c", "▁"});
}

TEST_CASE("metaspace: without split the text is one word; another mark may be named") {
  CHECK(split({.split = false}, "a b ") == Strings{"▁a▁b▁"});
  CHECK(split({.replacement = "_"}, "a_b c") == Strings{"_a", "_b", "_c"});
}

TEST_CASE("metaspace: the words after a split in front keep the place of the first one only") {
  Words words;
  make_metaspace({})->split("a b", TextPlace::kTextStart, words);
  CHECK(words.first_place == TextPlace::kTextStart);
}

TEST_CASE("metaspace: fields that tokenizers refuses are corrupt") {
  CHECK_NOTHROW(parse({{"prepend_scheme", "never"}, {"add_prefix_space", false}, {"split", nullptr}}));
  CHECK_NOTHROW(parse({{"prepend_scheme", "never"}, {"add_prefix_space", true}, {"str_rep", "x"}}));
  CHECK_THAT(error_of([] { parse({{"prepend_scheme", "First"}}); }).what(), Contains("'prepend_scheme' is 'First'"));
  CHECK_THAT(error_of([] { parse({{"replacement", "ab"}}); }).what(), Contains("expected one character"));
  CHECK_THAT(error_of([] { parse({{"replacement", ""}}); }).what(), Contains("expected one character"));
  CHECK_THAT(error_of([] { parse({{"add_prefix_space", false}}); }).what(), Contains("'prepend_scheme' is not never"));
  CHECK_THAT(error_of([] { parse({{"split", 1}}); }).what(), Contains("split"));
  CHECK(error_of([] { parse({{"replacement", nullptr}}); }).kind() == ErrorKind::kCorrupt);
}
