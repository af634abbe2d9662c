// The words and their effect are transformers 4.57.6's: PreTrainedTokenizerBase._get_padding_truncation_strategies.
#include "encode/request.h"

#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;

namespace {

EncodeCall call_with_max_length(int64_t max_length) {
  EncodeCall call;
  call.max_length = max_length;
  return call;
}

void check_refused(const std::string& line, const std::string& message) {
  INFO(line);
  CHECK_THAT(testing::error_of([&] { parse_json_line(line, {}); }).what(), Contains(message));
}

}  // namespace

TEST_CASE("encode: the words of transformers are known, and no others") {
  CHECK(find_padding("max_length") == PaddingMode::kMaxLength);
  CHECK(find_padding("longest") == PaddingMode::kLongest);
  CHECK(find_padding("true") == PaddingMode::kLongest);
  CHECK(find_padding("do_not_pad") == PaddingMode::kNone);
  CHECK(find_padding("false") == PaddingMode::kNone);
  CHECK_FALSE(find_padding("").has_value());
  CHECK_FALSE(find_padding("True").has_value());
  CHECK(find_truncation("longest_first") == Truncation::kLongestFirst);
  CHECK(find_truncation("true") == Truncation::kLongestFirst);
  CHECK(find_truncation("only_first") == Truncation::kOnlyFirst);
  CHECK(find_truncation("only_second") == Truncation::kOnlySecond);
  CHECK(find_truncation("do_not_truncate") == Truncation::kNone);
  CHECK(find_truncation("false") == Truncation::kNone);
  CHECK_FALSE(find_truncation("max_length").has_value());
}

TEST_CASE("encode: max_length alone truncates the longest first; a word on truncation, or padding, ends that") {
  EncodeCall call = call_with_max_length(5);
  CHECK(implies_truncation(call));
  CHECK(to_options(call).truncation == Truncation::kLongestFirst);
  call.padding = PaddingMode::kNone;
  CHECK(to_options(call).truncation == Truncation::kLongestFirst);
  call.padding = PaddingMode::kMaxLength;
  CHECK_FALSE(implies_truncation(call));
  CHECK(to_options(call).truncation == Truncation::kNone);
  CHECK(to_options(call).padding == Padding::kMaxLength);
  call.padding = PaddingMode::kLongest;
  CHECK(to_options(call).truncation == Truncation::kNone);
  CHECK(to_options(call).padding == Padding::kNone);
  call = call_with_max_length(5);
  call.truncation = Truncation::kNone;
  CHECK_FALSE(implies_truncation(call));
  CHECK(to_options(call).truncation == Truncation::kNone);
  CHECK_FALSE(implies_truncation({}));
}

TEST_CASE("encode: one tab splits a pair, two are refused") {
  CHECK_FALSE(parse_text("a b", {}).text_pair.has_value());
  const EncodeRequest pair = parse_text("a\tb c", {});
  CHECK(pair.text == "a");
  CHECK(pair.text_pair == "b c");
  CHECK(parse_text("a\t", {}).text_pair == "");
  CHECK_THAT(testing::error_of([] { parse_text("a\tb\tc", {}); }).what(), Contains("has 2 tabs"));
}

TEST_CASE("encode: the members of a JSON line overrule the call, null ones and strangers do not") {
  EncodeCall call = call_with_max_length(7);
  call.truncation = Truncation::kOnlyFirst;
  call.padding = PaddingMode::kMaxLength;
  const EncodeRequest same = parse_json_line(
      R"({"text": "a\u0000b", "text_pair": null, "max_length": null, "padding": null, "input_ids": [1]})", call);
  CHECK(same.text == std::string("a\0b", 3));
  CHECK_FALSE(same.text_pair.has_value());
  CHECK(same.call.max_length == 7);
  CHECK(same.call.padding == PaddingMode::kMaxLength);
  CHECK(same.call.truncation == Truncation::kOnlyFirst);
  const EncodeRequest other =
      parse_json_line(R"({"text": "", "text_pair": "b", "max_length": 9, "padding": false, "truncation": true})", call);
  CHECK(other.text_pair == "b");
  CHECK(other.call.max_length == 9);
  CHECK(other.call.padding == PaddingMode::kNone);
  CHECK(other.call.truncation == Truncation::kLongestFirst);
}

TEST_CASE("encode: a JSON line that is none, or holds something else, is refused by member and value") {
  check_refused("", "is not valid JSON at column 1");
  check_refused("{\"text\": \"a\"", "is not valid JSON at column 13");
  check_refused("{\"text\": \"\xff\"}", "is not valid JSON at column 11");
  check_refused(R"({"text": "\ud800"})", "is not valid JSON");
  check_refused(R"({"text": "a", "n": 1e999})", "beyond the range");
  check_refused("[1]", "the line is [1], expected an object with a text");
  check_refused("{}", "text is null, expected a string");
  check_refused(R"({"text": ["a"]})", "text is [\"a\"], expected a string");
  check_refused(R"({"text": "a", "text_pair": 5})", "text_pair is 5, expected a string or null");
  check_refused(R"({"text": "a", "max_length": 2.5})", "max_length is 2.5, expected a whole number or null");
  check_refused(R"({"text": "a", "max_length": 9223372036854775808})", "max_length is 9223372036854775808");
  check_refused(R"({"text": "a", "padding": "long"})", "padding is \"long\", expected one of max_length|longest");
  check_refused(R"({"text": "a", "truncation": 1})", "truncation is 1, expected one of longest_first|only_first");
  check_refused("{\"text\": {\"a\": \"" + std::string(100, 'x') + "\"}}", "text is a longer object, expected a string");
}
