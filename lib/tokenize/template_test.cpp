// Expected values: tokenizers 0.22.2 (the cases of its utils/truncation.rs, and transformers 4.57.6 for the errors).
#include "tokenize/template.h"

#include "support/error.h"
#include "testing/testing.h"

using namespace bertjit;

namespace {

TextLengths longest_first(int64_t first, int64_t second, int64_t room) {
  return truncate_lengths({first, second}, room, Truncation::kLongestFirst);
}

}  // namespace

TEST_CASE("template: longest_first leaves the shorter text whole while it fits") {
  CHECK(longest_first(0, 8, 7) == TextLengths{0, 7});
  CHECK(longest_first(2, 8, 7) == TextLengths{2, 5});
  CHECK(longest_first(8, 2, 7) == TextLengths{5, 2});
}

TEST_CASE(
    "template: longest_first halves texts that are both too long; the odd token goes to the longer, or the second") {
  CHECK(longest_first(4, 4, 7) == TextLengths{3, 4});
  CHECK(longest_first(4, 8, 7) == TextLengths{3, 4});
  CHECK(longest_first(8, 4, 7) == TextLengths{4, 3});
  CHECK(longest_first(8, 8, 7) == TextLengths{3, 4});
  CHECK(longest_first(1, 2, 1) == TextLengths{0, 1});
}

TEST_CASE("template: what fits is left alone") {
  CHECK(longest_first(2, 4, 7) == TextLengths{2, 4});
  CHECK(truncate_lengths({9, 9}, 1, Truncation::kNone) == TextLengths{9, 9});
  CHECK(truncate_lengths({3, std::nullopt}, 5, Truncation::kOnlySecond) == TextLengths{3, std::nullopt});
}

TEST_CASE("template: only_first and only_second cut the one text they name") {
  CHECK(truncate_lengths({8, 4}, 7, Truncation::kOnlyFirst) == TextLengths{3, 4});
  CHECK(truncate_lengths({4, 8}, 7, Truncation::kOnlySecond) == TextLengths{4, 3});
  CHECK(truncate_lengths({8, std::nullopt}, 7, Truncation::kOnlyFirst) == TextLengths{7, std::nullopt});
  CHECK(truncate_lengths({8, std::nullopt}, 7, Truncation::kLongestFirst) == TextLengths{7, std::nullopt});
}

TEST_CASE("template: without room every strategy empties both texts") {
  for (const auto truncation : {Truncation::kLongestFirst, Truncation::kOnlyFirst, Truncation::kOnlySecond}) {
    CHECK(truncate_lengths({3, 4}, 0, truncation) == TextLengths{0, 0});
    CHECK(truncate_lengths({3, std::nullopt}, 0, truncation) == TextLengths{0, std::nullopt});
  }
}

TEST_CASE("template: a text too short to be cut alone, or absent, is an error that says so") {
  CHECK_THROWS_WITH(truncate_lengths({3, 8}, 7, Truncation::kOnlyFirst), Catch::Contains("first text has 3 tokens"));
  CHECK_THROWS_WITH(truncate_lengths({4, 8}, 4, Truncation::kOnlyFirst), Catch::Contains("too few to cut 8"));
  CHECK_THROWS_WITH(truncate_lengths({8, 1}, 7, Truncation::kOnlySecond), Catch::Contains("second text has 1"));
  CHECK_THROWS_WITH(truncate_lengths({8, std::nullopt}, 7, Truncation::kOnlySecond), Catch::Contains("there is none"));
}

TEST_CASE("template: BERT's has two special tokens around one text and three around a pair, MPNet's four") {
  const EncodingTemplate bert = bert_template(2, 3, 1);
  CHECK(count_special_tokens(bert.single) == 2);
  CHECK(count_special_tokens(bert.pair) == 3);
  CHECK(count_special_tokens(bert_template(0, 2, 2).pair) == 4);
  CHECK(count_special_tokens(EncodingTemplate().pair) == 0);
}

TEST_CASE("template: an odd token goes to the longer text, or to the first as in slow tokenizers") {
  // truncate_sequences of transformers' slow tokenizers with texts of these lengths.
  const auto slow = [](int64_t first, int64_t second, int64_t room) {
    return truncate_lengths({first, second}, room, Truncation::kLongestFirst, OddToken::kToFirst);
  };
  CHECK(slow(9, 9, 7) == TextLengths{4, 3});
  CHECK(slow(5, 9, 7) == TextLengths{4, 3});
  CHECK(slow(9, 5, 7) == TextLengths{4, 3});
  CHECK(slow(2, 9, 7) == TextLengths{2, 5});
  CHECK(slow(9, 9, 8) == TextLengths{4, 4});
  CHECK(truncate_lengths({9, 9}, 7, Truncation::kLongestFirst) == TextLengths{3, 4});
  CHECK(truncate_lengths({5, 9}, 7, Truncation::kLongestFirst) == TextLengths{3, 4});
}

TEST_CASE("template: Marian has one token after the texts and none between") {
  const EncodingTemplate marian = marian_template(7);
  REQUIRE(marian.pair.size() == 3);
  CHECK(marian.pair[1].slot == TextSlot::kSecond);
  CHECK(marian.pair[1].type_id == 0);
  CHECK(marian.pair[2].special_ids == std::vector<int32_t>{7});
  CHECK(count_special_tokens(marian.single) == 1);
}
