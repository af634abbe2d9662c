// Expected values: sentencepiece 0.2.3 of Python with the same model files.
#include "tokenize/sentencepiece_processor.h"

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/sentencepiece_testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using testing::error_of;
using testing::proto_bytes;
using testing::proto_model_type;
using testing::proto_number;
using testing::proto_piece;
using Strings = std::vector<std::string>;

namespace {

const std::string kUnknown = proto_piece("<unk>", 0, PieceType::kUnknown);

/// The processor of a model file with these bytes.
SentencePieceProcessor load(const std::string& bytes) {
  const testing::TempDir folder;
  testing::write_bytes(folder / "m.spm", bytes);
  return SentencePieceProcessor(folder / "m.spm");
}

SentencePieceProcessor load_testdata(const std::string& path) {
  return SentencePieceProcessor(testing::testdata(path));
}

}  // namespace

TEST_CASE("sentencepiece: unigram with a character map, user-defined pieces and byte pieces") {
  const SentencePieceProcessor unigram = load_testdata("tok-marian/source.spm");
  CHECK(unigram.encode("a model of texttext") == Strings{"▁a", "▁", "model", "▁o", "f", "▁", "text", "text"});
  CHECK(unigram.encode("the  model ") == Strings{"▁the", "▁", "model"});
  CHECK(unigram.encode("\uFF21 e\u0301\uFB01") == Strings{"▁A", "▁", "\u00E9", "f", "i"});
  CHECK(unigram.encode("\u044E\u20AC") == Strings{"▁", "<0xD1>", "<0x8E>", "<0xE2>", "<0x82>", "<0xAC>"});
  CHECK(unigram.encode("").empty());
  CHECK(unigram.encode("  ").empty());
}

TEST_CASE("sentencepiece: BPE, double spaces kept, unknown neighbours in one") {
  const SentencePieceProcessor bpe = load_testdata("tok-marian-bpe/source.spm");
  CHECK(bpe.encode("a model of texttext") == Strings{"▁a", "▁m", "odel", "▁of", "▁text", "t", "ext"});
  CHECK(bpe.encode("the  model ") == Strings{"▁the", "▁", "▁m", "odel", "▁"});
  CHECK(bpe.encode("\u044E\u20AC") == Strings{"▁", "\u044E\u20AC"});
}

TEST_CASE("sentencepiece: decoding drops the first mark, or those of all first pieces if the model removes spaces") {
  const SentencePieceProcessor removes = load_testdata("tok-marian/source.spm");
  const SentencePieceProcessor keeps = load_testdata("tok-marian-bpe/source.spm");
  CHECK(removes.decode({"▁a", "b", "▁", "c"}) == "ab c");
  CHECK(removes.decode({"▁", "▁a"}) == "a");
  CHECK(keeps.decode({"▁", "▁a"}) == " a");
  CHECK(removes.decode({"<unk>", "▁a"}) == " \u2047  a");
  CHECK(removes.decode({"<s>", "▁a", "</s>"}) == "a");
  CHECK(removes.decode({"▁zz▁y"}) == "▁zz▁y");
  CHECK(removes.decode({}) == "");
}

TEST_CASE("sentencepiece: byte pieces decode to characters, a byte of none to U+FFFD") {
  const SentencePieceProcessor has_bytes = load_testdata("tok-marian/source.spm");
  const SentencePieceProcessor has_none = load_testdata("tok-marian-bpe/source.spm");
  CHECK(has_bytes.decode({"<0xE2>", "<0x82>", "<0xAC>", "<0xE2>", "▁a"}) == "\u20AC\uFFFD a");
  CHECK(has_bytes.decode({"<0xE2>", "<0x82>"}) == "\uFFFD\uFFFD");
  CHECK(has_none.decode({"<0xE2>", "<0x82>", "<0xAC>", "<0xE2>", "▁a"}) == "<0xE2><0x82><0xAC><0xE2> a");
}

TEST_CASE("sentencepiece: of equally good BPE pairs the leftmost is joined first, and control pieces are not found") {
  const std::string bytes = kUnknown + proto_piece("ab", -1) + proto_piece("bc", -1) + proto_piece("a", -2) +
                            proto_piece("b", -2) + proto_piece("c", -2) + proto_piece("<s>", 0, PieceType::kControl) +
                            proto_model_type(PieceModel::kBpe);
  CHECK(load(bytes).encode("abc") == Strings{"▁", "ab", "c"});
  CHECK(load(bytes).encode("<s>") == Strings{"▁<s>"});
}

TEST_CASE("sentencepiece: a model without character map, dummy prefix and mark leaves spaces as they are") {
  const std::string bytes = kUnknown + proto_piece("a", -1) + proto_piece(" ", -1) +
                            proto_bytes(3, proto_number(3, 0) + proto_number(4, 0) + proto_number(5, 0));
  CHECK(load(bytes).encode(" a  ") == Strings{" ", "a", " ", " "});
}

TEST_CASE("sentencepiece: a megabyte without a space takes no more than a pass") {
  for (const char* model : {"tok-marian/source.spm", "tok-marian-bpe/source.spm"}) {
    const SentencePieceProcessor processor = load_testdata(model);
    CHECK(processor.encode(std::string(1 << 20, 'a')).size() > 1000);
    std::string unknown;
    for (int i = 0; i < 1 << 18; ++i) {
      unknown += "\u4E2D";
    }
    CHECK(!processor.encode(unknown).empty());
  }
}

TEST_CASE("sentencepiece: what is not followed is unsupported by name") {
  const Error unused =
      error_of([] { load(kUnknown + proto_piece("a", 0, PieceType::kUnused) + proto_model_type(PieceModel::kBpe)); });
  CHECK(unused.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(unused.what(), Contains("m.spm: piece 'a' is of type UNUSED"));
  const std::string charsmap =
      read_sentencepiece_model(testing::testdata("tok-marian/source.spm")).normalizer.precompiled_charsmap;
  const Error denormalizer = error_of([&] { load(kUnknown + proto_bytes(5, proto_bytes(2, charsmap))); });
  CHECK(denormalizer.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(denormalizer.what(), Contains("m.spm: has a denormalizer_spec"));
  CHECK(error_of([] { SentencePieceProcessor("/nonexistent.spm"); }).kind() == ErrorKind::kNotFound);
}
