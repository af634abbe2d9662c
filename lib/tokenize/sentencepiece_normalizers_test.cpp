// Expected values: normalizers.Precompiled and normalizers.Nmt of tokenizers 0.22.2; the map is described in
// charsmap_test.cpp.
#include "tokenize/sentencepiece_normalizers.h"

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/sentencepiece_model.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using testing::error_of;

namespace {

std::string normalize(const Normalizer& normalizer, std::string_view text) {
  std::string out;
  normalizer.append(text, out);
  return out;
}

std::unique_ptr<Normalizer> six_rules() {
  const SentencePieceModel model =
      read_sentencepiece_model(testing::testdata("tok-xlm-roberta/sentencepiece.bpe.model"));
  return make_precompiled(model.normalizer.precompiled_charsmap, "file");
}

}  // namespace

TEST_CASE("precompiled: keys are replaced, also among ASCII") {
  const auto map = six_rules();
  CHECK(normalize(*map, "\uFF21bc") == "Abc");
  CHECK(normalize(*map, "xe\u0301y") == "x\u00E9y");
  CHECK(normalize(*map, "\u3000\u3000") == "  ");
  CHECK(normalize(*map, "a\r\nb\tc\nd") == "a\r b c d");
  CHECK(normalize(*map, "plain ASCII, as it is") == "plain ASCII, as it is");
  CHECK(normalize(*map, "") == "");
}

TEST_CASE(
    "precompiled: a mark after a mapped letter vanishes in a cluster of less than six bytes, and stays in a longer") {
  const auto map = six_rules();
  CHECK(normalize(*map, "\uFF21\u0301b") == "Ab");
  CHECK(normalize(*map, "e\u0301\u0302") == "\u00E9");
  CHECK(normalize(*map, "\uFF21\u0301\u0302") == "A\u0301\u0302");
}

TEST_CASE("precompiled: tokenizer.json has the map in base64, and other text is corrupt") {
  const auto parse = [](const nlohmann::json& charsmap) {
    parse_precompiled({{"type", "Precompiled"}, {"precompiled_charsmap", charsmap}}, "file");
  };
  for (const char* text : {"A", "AAA", "AA=A", "A===", "????", "AAAA="}) {
    CHECK(std::string(error_of([&] { parse(text); }).what()) == "file: 'precompiled_charsmap' is not base64");
  }
  CHECK_THAT(error_of([&] { parse(""); }).what(), Contains("is 0 bytes long"));
  CHECK_THAT(error_of([&] { parse("AAQAAAA="); }).what(), Contains("has a trie of 1024 bytes"));
  CHECK_THAT(error_of([&] { parse(nullptr); }).what(), Contains("precompiled_charsmap"));
  CHECK_THAT(error_of([&] { parse(3); }).what(), Contains("precompiled_charsmap"));
}

TEST_CASE("nmt: control characters go, white space of its list becomes a space, other stays") {
  CHECK(normalize(*make_nmt(),
                  "a\x01\x08\x0B\x0E\x1F\x7F\u008F\u009Fb\t\n\x0C\r\u1680\u200B\u200F\u2028\u2029\u2581\uFEFF\uFFFD"
                  "c\u2003\u0085\u0090") == "ab            c\u2003\u0085\u0090");
}
