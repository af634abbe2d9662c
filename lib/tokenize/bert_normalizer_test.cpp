// Expected values: tokenizers 0.22.2, normalizers.BertNormalizer(...).normalize_str(text).
#include "tokenize/bert_normalizer.h"

#include "testing/testing.h"

using namespace bertjit;
using namespace std::string_literals;

namespace {

std::string normalize(std::string_view text, const BertNormalizerOptions& options) {
  std::string out;
  BertNormalizer(options).append(text, out);
  return out;
}

constexpr BertNormalizerOptions kNothing = {
    .clean_text = false, .handle_chinese_chars = false, .strip_accents = false, .lowercase = false};

BertNormalizerOptions only(bool BertNormalizerOptions::*option) {
  BertNormalizerOptions options = kNothing;
  options.*option = true;
  return options;
}

}  // namespace

TEST_CASE("bert normalizer: cleaning drops controls, NUL and U+FFFD, and makes every white space a space") {
  const std::string text =
      "a\0b\x07"
      "c\td\r\ne\u00A0f\u2028g\u200Bh\uFFFDi\u00ADj\x7F"s;
  CHECK(normalize(text, only(&BertNormalizerOptions::clean_text)) == "abc d  e f ghij");
  CHECK(normalize(text, kNothing) == text);
}

TEST_CASE("bert normalizer: ideographs get a space on both sides, kana and hangul do not") {
  CHECK(normalize("a\u4E2D\u6587b\u3042\uD55C", only(&BertNormalizerOptions::handle_chinese_chars)) ==
        "a \u4E2D  \u6587 b\u3042\uD55C");
}

TEST_CASE("bert normalizer: accents go, and what is decomposed without a mark stays decomposed") {
  BertNormalizerOptions options = kNothing;
  options.strip_accents = true;
  CHECK(normalize("\u00C9t\u00E9 e\u0301\u0327 \u0130 \uD55C", options) == "Ete e I \u1112\u1161\u11AB");
}

TEST_CASE("bert normalizer: lower case goes by code point, without final sigma") {
  CHECK(normalize("ABC \u03A3\u0391\u03A3 \u0130 \u1E9E", only(&BertNormalizerOptions::lowercase)) ==
        "abc \u03C3\u03B1\u03C3 i\u0307 \u00DF");
}

TEST_CASE("bert normalizer: accents follow lower case unless told otherwise") {
  CHECK(normalize("\u00C9", {}) == "e");
  CHECK(normalize("\u00C9", {.lowercase = false}) == "\u00C9");
  CHECK(normalize("\u00C9", {.strip_accents = false}) == "\u00E9");
  CHECK(normalize("\u00C9", {.strip_accents = true, .lowercase = false}) == "E");
}

TEST_CASE("bert normalizer: marks are ordered across a control character that is dropped") {
  // U+302E is a spacing mark of class 224, U+1D165 one of class 216: neither is stripped.
  BertNormalizerOptions options;
  options.lowercase = false;
  options.strip_accents = true;
  CHECK(normalize("a\u302E\x01\U0001D165", options) == "a\U0001D165\u302E");
}

TEST_CASE("bert normalizer: malformed bytes count as U+FFFD") {
  CHECK(normalize("a\xFF"
                  "b",
                  kNothing) ==
        "a\uFFFD"
        "b");
  CHECK(normalize("a\xFF"
                  "b",
                  {}) == "ab");
}

TEST_CASE("bert normalizer: appends to what is there") {
  std::string out = "x ";
  BertNormalizer(BertNormalizerOptions()).append("Y\u00C9", out);
  CHECK(out == "x ye");
}
