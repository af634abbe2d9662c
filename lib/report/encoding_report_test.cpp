#include "report/encoding_report.h"

#include <nlohmann/json.hpp>

#include "testing/testing.h"

using namespace bertjit;

namespace {

Encoding encoding_of(const std::vector<std::string>& tokens) {
  Encoding encoding;
  encoding.tokens = tokens;
  for (size_t i = 0; i < tokens.size(); ++i) {
    encoding.input_ids.push_back(static_cast<int64_t>(i * 1000));
    encoding.token_type_ids.push_back(i % 2);
    encoding.attention_mask.push_back(1);
  }
  return encoding;
}

/// nlohmann::json's own rendering of a token, which it makes valid UTF-8.
std::string expected_line(const std::string& token) {
  return R"({"tokens":[)" + nlohmann::json(token).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) +
         R"(],"input_ids":[0],"token_type_ids":[0],"attention_mask":[1]})" + "\n";
}

std::string json_line(const Encoding& encoding) {
  std::string out;
  append_json_line(encoding, out);
  return out;
}

}  // namespace

TEST_CASE("report: an encoding is one line of JSON with its four members in order") {
  CHECK(json_line(encoding_of({"[CLS]", "a", "##b"})) ==
        "{\"tokens\":[\"[CLS]\",\"a\",\"##b\"],\"input_ids\":[0,1000,2000],\"token_type_ids\":[0,1,0],"
        "\"attention_mask\":[1,1,1]}\n");
  Encoding without = encoding_of({"a"});
  without.has_token_type_ids = false;
  without.token_type_ids.clear();
  CHECK(json_line(without) ==
        "{\"tokens\":[\"a\"],\"input_ids\":[0],\"token_type_ids\":null,\"attention_mask\":[1]}\n");
  CHECK(json_line(Encoding()) == "{\"tokens\":[],\"input_ids\":[],\"token_type_ids\":[],\"attention_mask\":[]}\n");
  Encoding numbers = encoding_of({"a"});
  numbers.input_ids = {INT64_MIN, -1, 9, 10, INT64_MAX};
  CHECK(nlohmann::json::parse(json_line(numbers))["input_ids"] == numbers.input_ids);
}

TEST_CASE("report: tokens are escaped, and made UTF-8, as by nlohmann::json") {
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string two{static_cast<char>(first), static_cast<char>(second)};
      REQUIRE(json_line(encoding_of({two})) == expected_line(two));
      // Begins of three and four bytes, ended rightly and cut short.
      for (const char* rest : {"\x80", "\x80\x80", "a"}) {
        REQUIRE(json_line(encoding_of({two + rest})) == expected_line(two + rest));
      }
    }
  }
}

TEST_CASE("report: the table has one line a token, below its columns") {
  Encoding encoding = encoding_of({"[CLS]", " \n"});
  std::string out;
  append_table(encoding, out);
  CHECK(out ==
        "input_ids  token_type_ids  attention_mask  tokens\n"
        "        0               0               1  \"[CLS]\"\n"
        "     1000               1               1  \" \\n\"\n");
  encoding.has_token_type_ids = false;
  encoding.token_type_ids.clear();
  out.clear();
  append_table(encoding, out);
  CHECK(out ==
        "input_ids  attention_mask  tokens\n"
        "        0               1  \"[CLS]\"\n"
        "     1000               1  \" \\n\"\n");
}
