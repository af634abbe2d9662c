// Expected values: the normalizers of tokenizers 0.22.2 of the same JSON.
#include "tokenize/normalizers.h"

#include "support/error.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Contains;
using nlohmann::json;

namespace {

std::string normalize_by(const std::string& normalizer, std::string_view text) {
  const json object = json::parse(normalizer);
  std::string out;
  parse_normalizer(&object, "file")->append(text, out);
  return out;
}

void refuse(const std::string& normalizer) {
  const json object = json::parse(normalizer);
  parse_normalizer(&object, "file");
}

}  // namespace

TEST_CASE("normalizers: the four forms of Unicode 9; what came later stays") {
  CHECK(normalize_by(R"({"type": "NFC"})", "e\u0301 \u1100\u1161\u11A8 \u212B \u0958 a\u0327\u0301") ==
        "\u00E9 \uAC01 \u00C5 \u0915\u093C \u00E1\u0327");
  CHECK(normalize_by(R"({"type": "NFD"})", "\u00E9 \uAC01 \u1E69") == "e\u0301 \u1100\u1161\u11A8 s\u0323\u0307");
  CHECK(normalize_by(R"({"type": "NFKC"})", "\uFB01 \u2460 \uFF21 \u1E9B\u0323") == "fi 1 A \u1E69");
  CHECK(normalize_by(R"({"type": "NFKD"})", "\uFB01 \u00BD \u1E9B\u0323 \u32FF") == "fi 1\u20442 s\u0323\u0307 \u32FF");
}

TEST_CASE("normalizers: lower case by code point, and all marks go") {
  CHECK(normalize_by(R"({"type": "Lowercase"})", "\u0130 \u03A3A\u03A3 \u1E9E") == "i\u0307 \u03C3a\u03C3 \u00DF");
  CHECK(normalize_by(R"({"type": "StripAccents"})", "e\u0301a\u0903\u20DD\u0345x\u00E9") == "eax\u00E9");
}

TEST_CASE("normalizers: Strip takes white space from the ends it is told to") {
  CHECK(normalize_by(R"({"type": "Strip", "strip_left": true, "strip_right": true})", "\u00A0 a b \u3000\n") == "a b");
  CHECK(normalize_by(R"({"type": "Strip", "strip_left": false, "strip_right": true})", " a ") == " a");
  CHECK(normalize_by(R"({"type": "Strip", "strip_left": true, "strip_right": false})", " a ") == "a ");
  CHECK(normalize_by(R"({"type": "Strip"})", " \t ") == "");
}

TEST_CASE("normalizers: Prepend leaves an empty text empty") {
  CHECK(normalize_by(R"({"type": "Prepend", "prepend": "_"})", "a") == "_a");
  CHECK(normalize_by(R"({"type": "Prepend", "prepend": "_"})", "") == "");
}

TEST_CASE("normalizers: Replace finds a text, or runs of one character") {
  const auto replace = [](const std::string& pattern, const std::string& content, std::string_view text) {
    const json object = {{"type", "Replace"}, {"pattern", json::parse(pattern)}, {"content", content}};
    return normalize_by(object.dump(), text);
  };
  CHECK(replace(R"({"String": "ab"})", "b", "aab abab") == "ab bb");
  CHECK(replace(R"({"String": "."})", "", "a.b") == "ab");
  CHECK(replace(R"({"Regex": " {2,}"})", "_", "a b  c    d ") == "a b_c_d ");
  CHECK(replace(R"({"Regex": "\\s+"})", " ", "a \t\n b\u3000") == "a b ");
  CHECK(replace(R"({"Regex": "e{2}"})", "E", "eeeee e") == "EEe e");
  CHECK(replace(R"({"Regex": "\\."})", "!", "a..b") == "a!!b");
}

TEST_CASE("normalizers: a Sequence does its steps in order") {
  CHECK(normalize_by(R"({"type": "Sequence", "normalizers": [{"type": "NFD"}, {"type": "StripAccents"},
                         {"type": "Lowercase"}, {"type": "Prepend", "prepend": "X"}]})",
                     "\u00C9A") == "Xea");
  CHECK(normalize_by(R"({"type": "Sequence", "normalizers": []})", " a") == " a");
}

TEST_CASE("normalizers: a class overrules a BertNormalizer that stands alone, not one in a Sequence") {
  const json alone = {{"type", "BertNormalizer"}, {"lowercase", true}};
  const json sequence = {{"type", "Sequence"}, {"normalizers", {alone}}};
  const BertNormalizerOverride keep_case = [](BertNormalizerOptions& options) { options.lowercase = false; };
  std::string cased;
  parse_normalizer(&alone, "file", keep_case)->append("A", cased);
  CHECK(cased == "A");
  std::string lower;
  parse_normalizer(&sequence, "file", keep_case)->append("A", lower);
  CHECK(lower == "a");
  CHECK(parse_normalizer(nullptr, "file") == nullptr);
}

TEST_CASE("normalizers: what is not known, or malformed, is refused by name") {
  CHECK_THROWS_WITH(refuse(R"({"type": "Bogus"})"),
                    Contains("file: normalizer is Bogus; supported: BertNormalizer, NFC"));
  CHECK_THROWS_WITH(refuse(R"({"type": "Sequence", "normalizers": [{"type": "Bogus"}]})"), Contains("Bogus"));
  CHECK_THROWS_WITH(refuse(R"({"type": "Sequence"})"), Contains("no 'normalizers'"));
  CHECK_THROWS_WITH(refuse(R"({"type": "Sequence", "normalizers": 1})"), Contains("'normalizers' is number"));
  CHECK_THROWS_WITH(refuse(R"({"lowercase": true})"), Contains("no 'type'"));
  CHECK_THROWS_WITH(refuse(R"({"type": "BertNormalizer", "clean_text": 1})"), Contains("'clean_text' is number"));
  CHECK_THROWS_WITH(refuse(R"({"type": "Prepend"})"), Contains("no 'prepend'"));
  for (const std::string regex :
       {"a|b", "(a)", "[ab]+", ".", "a*", "^a", "a{,2}", "a{0,}", "\\\\d", "\\\\", "ab", ""}) {
    INFO(regex);
    CHECK_THROWS_WITH(refuse(R"({"type": "Replace", "content": "", "pattern": {"Regex": ")" + regex + "\"}}"),
                      Contains("regular expression of Replace is '"));
  }
  CHECK_THROWS_WITH(refuse(R"({"type": "Replace", "content": "", "pattern": {"String": ""}})"), Contains("empty"));
  CHECK_THROWS_WITH(refuse(R"({"type": "Replace", "content": "", "pattern": " "})"), Contains("no 'String'"));
}
