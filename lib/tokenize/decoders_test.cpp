// Expected values: the decoders of tokenizers 0.22.2 of the same JSON, and decoding.jsonl of testdata/tok-marian*.
#include "tokenize/decoders.h"

#include <fstream>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/load.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::error_of;

namespace {

using Strings = std::vector<std::string>;

std::string decode_by(const std::string& decoder, const Strings& tokens) {
  const json object = json::parse(decoder);
  return parse_decoder(&object, "file")->decode(tokens);
}

}  // namespace

TEST_CASE("decoders: WordPiece joins what ## begins and tidies spaces before punctuation") {
  CHECK(decode_by(R"({"type": "WordPiece", "prefix": "##", "cleanup": true})",
                  {"[CLS]", "un", "##able", "to", "do", "not", "stop", ",", "he", "'", "s", "!"}) ==
        "[CLS] unable to do not stop, he ' s!");
  CHECK(decode_by(R"({"type": "WordPiece", "prefix": "##", "cleanup": false})", {"a", "##b", ",", "##"}) == "ab ,");
}

TEST_CASE("decoders: ByteLevel puts bytes together, and takes a token that has none as it is") {
  CHECK(decode_by(R"({"type": "ByteLevel"})", {"\u0120a", "\u00C3", "\u00A9", "\u010A", "\u4E2D", "\u0120\u00C3"}) ==
        " a\u00E9\n\u4E2D \uFFFD");
}

TEST_CASE("decoders: Metaspace turns marks into spaces, and drops those of the first token unless none is prepended") {
  CHECK(decode_by(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always"})", {"▁a", "b▁c", "▁▁d"}) ==
        "ab c  d");
  CHECK(decode_by(R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never"})", {"▁a", "▁b"}) == " a b");
}

TEST_CASE("decoders: BPEDecoder, and a Sequence of Replace, ByteFallback, Fuse and Strip") {
  CHECK(decode_by(R"({"type": "BPEDecoder", "suffix": "</w>"})", {"a</w>", "b", "c</w>"}) == "a bc");
  CHECK(decode_by(R"({"type": "Sequence", "decoders": [
          {"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
          {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
                  {"▁", "▁a", "<0xE2>", "<0x82>", "<0xAC>", "<0xE2>", "b", "<0x41>"}) ==
        " a\uFFFD\uFFFD\uFFFD\uFFFDbA");
}

TEST_CASE("decoders: without one, spaces stand between tokens") {
  CHECK(parse_decoder(nullptr, "file")->decode({"a", "b"}) == "a b");
}

TEST_CASE("decoders: one of another type stops decoding, not loading") {
  const json object = {{"type", "CTC"}};
  const auto decoder = parse_decoder(&object, "file");
  const Error error = error_of([&] { decoder->decode({"a"}); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("file: decoder is CTC; supported: WordPiece, ByteLevel"));
  CHECK(error_of([] { decode_by(R"({"prefix": "##"})", {}); }).kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error_of([] { decode_by(R"({"type": "Strip", "content": ""})", {}); }).what(), Contains("content"));
}

TEST_CASE("decoders: spaces are cleaned up as transformers does") {
  CHECK(clean_up_spaces("do n't stop , he 's here . I 'm , we 've , you 're ' so ' ? !") ==
        "don't stop, he's here. I'm, we've, you're'so '?!");
}

TEST_CASE("decoders: Marian's every recorded text, special tokens skipped and not, ids without a token among them") {
  for (const char* fixture : {"tok-marian", "tok-marian-bpe"}) {
    const auto tokenizer = load_tokenizer(testing::testdata(fixture));
    std::ifstream lines(testing::testdata(fixture) / "decoding.jsonl");
    size_t count = 0;
    for (std::string line; std::getline(lines, line); ++count) {
      const json given = json::parse(line);
      INFO(fixture << ", line " << count);
      CHECK(tokenizer->decode(given["ids"].get<std::vector<int64_t>>(), given["skip_special_tokens"].get<bool>()) ==
            given["text"].get<std::string>());
    }
    CHECK(count >= 40);
  }
}

TEST_CASE("decoders: encoding and decoding gives the text back, special tokens skipped") {
  for (const char* fixture : {"tok-xlm-roberta", "tok-camembert-bpe", "tok-roberta"}) {
    INFO(fixture);
    const auto tokenizer = load_tokenizer(testing::testdata(fixture));
    const std::string text = "The model forgets nothing; the tracer does.";
    const Encoding encoding = tokenizer->encode(text, std::nullopt, {});
    CHECK(tokenizer->decode(encoding.input_ids, true) == text);
    CHECK(tokenizer->decode(encoding.input_ids, false) ==
          "<s>" + std::string(fixture[4] == 'r' ? "" : " ") + text + "</s>");
    const std::vector<int64_t> none = {1'000'000, -1};
    CHECK(tokenizer->decode(none, false) == "");
  }
}
