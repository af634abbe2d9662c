// Field numbers are those of sentencepiece_model.proto; the refusals those of ModelInterface::InitializePieces there.
#include "tokenize/sentencepiece_model.h"

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

namespace {

const std::string kUnknown = proto_piece("<unk>", 0, PieceType::kUnknown);
const std::string kMinimal = kUnknown + proto_piece("a", -1);

SentencePieceModel parse(const std::string& bytes) {
  return parse_sentencepiece_model(bytes, "file");
}

/// What is said of a file that is corrupt.
std::string complaint(const std::string& bytes) {
  const Error error = error_of([&] { parse(bytes); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  return error.what();
}

}  // namespace

TEST_CASE("sentencepiece_model: pieces with score and type, and the fields that matter to a tokenizer") {
  const SentencePieceModel model =
      parse(kMinimal + proto_bytes(1, proto_bytes(1, "b")) + proto_piece("u", 0.5, PieceType::kUserDefined) +
            proto_bytes(2, proto_number(3, 2) + proto_number(24, 1) + proto_number(40, 3) + proto_bytes(45, "[UNK]")) +
            proto_bytes(3, proto_number(3, 0) + proto_number(4, 0) + proto_number(5, 0)));
  REQUIRE(model.pieces.size() == 4);
  CHECK(model.pieces[0].type == PieceType::kUnknown);
  CHECK(model.pieces[1].text == "a");
  CHECK(model.pieces[1].score == -1);
  CHECK(model.pieces[2].score == 0);
  CHECK(model.pieces[2].type == PieceType::kNormal);
  CHECK(model.pieces[3].type == PieceType::kUserDefined);
  CHECK(model.model == PieceModel::kBpe);
  CHECK(model.space_is_suffix);
  CHECK(model.unk_id == 3);
  CHECK(model.unk_piece == "[UNK]");
  CHECK(!model.normalizer.add_dummy_prefix);
  CHECK(!model.normalizer.remove_extra_whitespaces);
  CHECK(!model.normalizer.escape_whitespaces);
  CHECK(!model.has_denormalizer);
}

TEST_CASE(
    "sentencepiece_model: what a file does not say has the default of the format, unknown fields are passed over") {
  const SentencePieceModel model =
      parse(kMinimal + proto_number(77, 1) + proto_bytes(4, "x") + proto_bytes(2, proto_number(3, 9)) +
            testing::proto_varint(300 << 3 | 1) + "12345678" + testing::proto_varint(301 << 3 | 5) + "1234");
  CHECK(model.model == PieceModel::kUnigram);
  CHECK(model.unk_id == 0);
  CHECK(model.unk_piece == "<unk>");
  CHECK(!model.byte_fallback);
  CHECK(model.normalizer.add_dummy_prefix);
  CHECK(model.normalizer.remove_extra_whitespaces);
  CHECK(model.normalizer.escape_whitespaces);
  CHECK(model.normalizer.precompiled_charsmap.empty());
}

TEST_CASE("sentencepiece_model: types WORD and CHAR are unsupported by name") {
  for (const auto& [type, name] : {std::pair(PieceModel::kWord, "WORD"), std::pair(PieceModel::kChar, "CHAR")}) {
    const Error error = error_of([type = type] { parse(kMinimal + proto_model_type(type)); });
    CHECK(error.kind() == ErrorKind::kUnsupported);
    CHECK(std::string(error.what()) ==
          "file: SentencePiece model is of type " + std::string(name) + "; supported: UNIGRAM, BPE");
  }
}

TEST_CASE("sentencepiece_model: each rule for the pieces is checked") {
  CHECK_THAT(complaint(""), Contains("file: has no pieces"));
  CHECK_THAT(complaint(proto_piece("a", 0)), Contains("has 0 pieces of type UNKNOWN, expected 1"));
  CHECK_THAT(complaint(kUnknown + proto_piece("u", 0, PieceType::kUnknown)), Contains("has 2 pieces of type UNKNOWN"));
  CHECK_THAT(complaint(kMinimal + proto_piece("", 0)), Contains("piece 2 is empty"));
  CHECK_THAT(complaint(kMinimal + proto_piece("a", 0)), Contains("piece 2, 'a', is there twice"));
  CHECK_THAT(complaint(kMinimal + proto_piece("\xFF", 0)), Contains("piece 2 has a 'piece' that is not UTF-8"));
  CHECK_THAT(complaint(kMinimal + proto_piece("<0x41>", 0, PieceType::kByte)),
             Contains("has 1 pieces of type BYTE and byte_fallback is false, expected 0"));
  CHECK_THAT(complaint(kMinimal + proto_piece("x", 0, PieceType::kByte)), Contains("expected <0x00> to <0xFF>"));
  CHECK_THAT(complaint(kMinimal + proto_bytes(2, proto_number(35, 1))),
             Contains("byte_fallback is true, expected 256"));
  CHECK_NOTHROW(parse(kMinimal + proto_piece("a", 0, PieceType::kControl)));
}

TEST_CASE("sentencepiece_model: a file that ends early, or is none, says where") {
  CHECK_THAT(complaint(proto_bytes(1, "abc").substr(0, 3)),
             Contains("ModelProto ends early: field 1 is 3 bytes, 1 are"));
  CHECK_THAT(complaint("\x08"), Contains("ModelProto ends early, within a number"));
  CHECK_THAT(complaint("\x0D\x01\x02"), Contains("ModelProto ends early, within a number"));
  CHECK_THAT(complaint(std::string("\x08") + std::string(10, '\xFF')), Contains("more than 10 bytes"));
  CHECK_THAT(complaint(std::string("\x00\x01", 2)), Contains("has a field with key 0"));
  CHECK_THAT(complaint("\x0B"), Contains("wire type 3"));
  CHECK_THAT(complaint(kMinimal + proto_bytes(2, "\x1D")), Contains("trainer_spec ends early"));
  CHECK_THAT(complaint(kMinimal + proto_bytes(3, "\x12\x05z")), Contains("normalizer_spec ends early"));
  CHECK_THAT(complaint(kMinimal + testing::proto_charsmap("abc")), Contains("'precompiled_charsmap' is 3 bytes long"));
}

TEST_CASE("sentencepiece_model: a file cut anywhere, or with any byte changed, is corrupt, unsupported or a model") {
  const std::string whole = testing::read_bytes(testing::testdata("tok-xlm-roberta/sentencepiece.bpe.model"));
  size_t corrupt = 0;
  const auto try_bytes = [&](const std::string& bytes) {
    try {
      parse(bytes);
    } catch (const Error& error) {
      CHECK((error.kind() == ErrorKind::kCorrupt || error.kind() == ErrorKind::kUnsupported));
      ++corrupt;
    }
  };
  for (size_t i = 0; i < whole.size(); ++i) {
    try_bytes(whole.substr(0, i));
    for (const int change : {0x01, 0x08, 0x80, 0xFF}) {
      std::string changed = whole;
      changed[i] = static_cast<char>(changed[i] ^ change);
      try_bytes(changed);
    }
  }
  CHECK(corrupt > whole.size());
}

TEST_CASE("sentencepiece_model: a byte has its piece") {
  CHECK(byte_piece(0x0A) == "<0x0A>");
  CHECK(byte_piece(0xFF) == "<0xFF>");
}

TEST_CASE("sentencepiece_model: what fuzzing broke the reader with is corrupt, and named") {
  const auto error =
      error_of([] { read_sentencepiece_model(testing::testdata("fuzz/sentencepiece_root_is_leaf.model")); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(),
             Contains("sentencepiece_root_is_leaf.model: 'precompiled_charsmap' has a leaf for its root"));
}
