// What is read where there is no tokenizer.json; that the answers are transformers' is tested by fixtures_test.cpp.
#include "tokenize/sentencepiece_files.h"

#include <nlohmann/json.hpp>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/load.h"
#include "tokenize/sentencepiece_bpe.h"
#include "tokenize/sentencepiece_testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::error_of;
using testing::proto_model_type;
using testing::proto_piece;
using Strings = std::vector<std::string>;
namespace fs = std::filesystem;

namespace {

const std::string kThree = proto_piece("<unk>", 0, PieceType::kUnknown) + proto_piece("<s>", 0, PieceType::kControl) +
                           proto_piece("</s>", 0, PieceType::kControl);

/// A folder with the files of a tokenizer.
class Folder {
 public:
  Folder& write(const std::string& name, const std::string& bytes) {
    testing::write_bytes(folder_ / name, bytes);
    return *this;
  }
  Folder& copy(const fs::path& source) {
    for (const auto& entry : fs::directory_iterator(source)) {
      fs::copy_file(entry.path(), folder_ / entry.path().filename().string());
    }
    return *this;
  }
  Folder& remove(const std::string& name) {
    fs::remove(folder_ / name);
    return *this;
  }
  std::unique_ptr<Tokenizer> load() const {
    return load_tokenizer(folder_.path());
  }
  Error error() const {
    return error_of([this] { load(); });
  }

 private:
  testing::TempDir folder_;
};

std::string config_of(const std::string& tokenizer_class, const json& more = json::object()) {
  json config = {{"tokenizer_class", tokenizer_class}};
  config.update(more);
  return config.dump();
}

Strings tokens_of(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, std::nullopt, {.special_tokens = SpecialTokens::kLeaveOut}).tokens;
}

}  // namespace

TEST_CASE("sentencepiece_files: XLM-RoBERTa puts four tokens for three in front, and the mask behind") {
  Folder folder;
  folder.write("sentencepiece.bpe.model", kThree + proto_piece("▁a", -1) + proto_piece("▁", -2))
      .write("tokenizer_config.json", config_of("XLMRobertaTokenizer"));
  const auto tokenizer = folder.load();
  CHECK(tokenizer->token_to_id("<pad>") == 1);
  CHECK(tokenizer->token_to_id("▁a") == 4);
  CHECK(tokenizer->token_to_id("<mask>") == 6);
  CHECK(tokenizer->vocab_size() == 7);
  CHECK(tokenizer->encode("a b", std::nullopt, {}).input_ids == std::vector<int64_t>{0, 4, 5, 3, 2});
}

TEST_CASE("sentencepiece_files: a model file cut anywhere is an error, or a tokenizer that answers") {
  const std::string whole = testing::read_bytes(testing::testdata("tok-xlm-roberta/sentencepiece.bpe.model"));
  Folder folder;
  folder.write("tokenizer_config.json", config_of("XLMRobertaTokenizer"));
  size_t refused = 0;
  for (size_t size = 0; size < whole.size(); size += 7) {
    folder.write("sentencepiece.bpe.model", whole.substr(0, size));
    try {
      const bool answers =
          !folder.load()->encode("The model forgets nothing \uFB01", std::nullopt, {}).input_ids.empty();
      CHECK(answers);
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::kCorrupt);
      CHECK_THAT(error.what(), Contains("sentencepiece.bpe.model: "));
      ++refused;
    }
  }
  CHECK(refused > whole.size() / 7 / 2);
}

TEST_CASE("sentencepiece_files: a model of type WORD is unsupported by name") {
  Folder folder;
  folder.write("spm.model", kThree + proto_piece("a", 0) + proto_model_type(PieceModel::kWord))
      .write("tokenizer_config.json", config_of("DebertaV2Tokenizer"));
  CHECK(folder.error().kind() == ErrorKind::kUnsupported);
  CHECK_THAT(folder.error().what(),
             Contains("spm.model: SentencePiece model is of type WORD; supported: UNIGRAM, BPE"));
}

TEST_CASE("sentencepiece_files: an unk_id beyond the pieces is corrupt") {
  Folder folder;
  const std::string spec = testing::proto_bytes(2, testing::proto_number(40, 99));
  folder.write("spm.model", kThree + proto_piece("[CLS]", 0) + proto_piece("[SEP]", 0) + spec)
      .write("tokenizer_config.json", config_of("DebertaV2Tokenizer"));
  CHECK_THAT(folder.error().what(), Contains("spm.model: 'unk_id' is 99, expected 0 to 4"));
}

TEST_CASE("sentencepiece_files: ALBERT's switches keep case and accents") {
  // Expected values: AlbertTokenizerFast of transformers 4.57.6 of the same folder.
  Folder folder;
  folder.copy(testing::testdata("tok-albert"));
  CHECK(tokens_of(*folder.load(), "The \u00C9 ``a''") == Strings{"▁the", "▁e", "▁", "\"", "a", "\""});
  folder.write("tokenizer_config.json", config_of("AlbertTokenizer", {{"keep_accents", true}}));
  CHECK(tokens_of(*folder.load(), "The \u00E9") == Strings{"▁the", "▁", "\u00E9"});
  folder.write("tokenizer_config.json", config_of("AlbertTokenizer", {{"do_lower_case", false}}));
  CHECK(tokens_of(*folder.load(), "WHO \u00E9") == Strings{"▁W", "H", "<unk>", "▁e"});
  folder.write("tokenizer_config.json", config_of("AlbertTokenizer", {{"do_lower_case", "no"}}));
  CHECK_THAT(folder.error().what(), Contains("tokenizer_config.json") && Contains("do_lower_case"));
}

TEST_CASE("sentencepiece_files: the merges of a BPE model go by score, then by length") {
  SentencePieceModel model;
  model.pieces = {{"a", -3}, {"b", -4}, {"c", -5}, {"ab", -1}, {"bc", -1}, {"abc", -2}};
  ScoredPieces pieces;
  for (const auto& piece : model.pieces) {
    pieces.emplace_back(piece.text, piece.score);
  }
  // generate_merges() of transformers 4.57.6 with the same pieces and scores.
  CHECK(find_merges(model, pieces, "file") == Merges{{"a", "b"}, {"b", "c"}, {"ab", "c"}, {"a", "bc"}});
  pieces.emplace_back(std::string(513, 'x'), 0);
  CHECK_THAT(error_of([&] { find_merges(model, pieces, "file"); }).what(),
             Contains("file: a piece has 513 characters; supported in BPE: 512"));
}

TEST_CASE("marian: a language code in front is one token, known or not; one elsewhere is text") {
  const auto tokenizer = load_tokenizer(testing::testdata("tok-marian"));
  CHECK(tokens_of(*tokenizer, ">>fra<<a") == Strings{">>fra<<", "▁a"});
  CHECK(tokens_of(*tokenizer, ">>xyz<<a") == Strings{"<unk>", "▁a"});
  CHECK(tokens_of(*tokenizer, "a >>fra<<").front() == "▁a");
  CHECK(tokens_of(*tokenizer, ">>fra<") != Strings{">>fra<<"});
}

TEST_CASE("marian: an odd token goes to the first text, and 512 are the most where no file says") {
  Folder folder;
  folder.copy(testing::testdata("tok-marian")).write("tokenizer_config.json", config_of("MarianTokenizer"));
  const auto tokenizer = folder.load();
  EncodeOptions options{.max_length = 4, .truncation = Truncation::kLongestFirst};
  CHECK(tokenizer->encode("a a a a", "of of of of", options).tokens == Strings{"▁a", "▁a", "▁o", "</s>"});
  options.max_length.reset();
  std::string text;
  for (int i = 0; i < 600; ++i) {
    text += "a ";
  }
  CHECK(tokenizer->encode(text, std::nullopt, options).input_ids.size() == 512);
}

TEST_CASE("marian: each missing file, an absent token and what is not followed are named") {
  for (const char* name : {"source.spm", "target.spm", "vocab.json"}) {
    Folder folder;
    const Error error = folder.copy(testing::testdata("tok-marian")).remove(name).error();
    CHECK(error.kind() == ErrorKind::kNotFound);
    CHECK_THAT(error.what(), Contains(name));
  }
  Folder folder;
  folder.copy(testing::testdata("tok-marian")).write("vocab.json", R"({"</s>": 0, "<pad>": 1})");
  CHECK_THAT(folder.error().what(), Contains("vocab.json: has no '<unk>', the unk_token, among its 2 tokens"));
  folder.write("tokenizer_config.json", config_of("MarianTokenizer", {{"separate_vocabs", true}}));
  CHECK_THAT(folder.error().what(), Contains("separate_vocabs of Marian is true"));
  folder.write("tokenizer_config.json",
               config_of("MarianTokenizer", {{"sp_model_kwargs", {{"enable_sampling", true}}}}));
  CHECK(folder.error().kind() == ErrorKind::kUnsupported);
  CHECK_THAT(folder.error().what(), Contains(R"(sp_model_kwargs of Marian is {"enable_sampling":true})"));
}

TEST_CASE(
    "sentencepiece_files: a tokenizer.json of type Unigram whose pieces are none, or whose unk_id is, is corrupt") {
  const auto complaint = [](const std::string& model) {
    Folder folder;
    const Error error = folder.write("tokenizer.json", R"({"model": {"type": "Unigram", )" + model + "}}").error();
    CHECK(error.kind() == ErrorKind::kCorrupt);
    return std::string(error.what());
  };
  CHECK_THAT(complaint(R"("unk_id": 0, "vocab": [])"), Contains("tokenizer.json: has no pieces"));
  CHECK_THAT(complaint(R"("unk_id": 1, "vocab": [["a", 0]])"), Contains("'unk_id' is 1, expected 0 to 0"));
  CHECK_THAT(complaint(R"("unk_id": -1, "vocab": [["a", 0]])"), Contains("'unk_id'"));
  CHECK_THAT(complaint(R"("unk_id": "a", "vocab": [["a", 0]])"), Contains("'unk_id'"));
  CHECK_THAT(complaint(R"("unk_id": 0, "vocab": [["a", "b"]])"), Contains("'vocab' has an entry"));
  CHECK_THAT(complaint(R"("unk_id": 0, "vocab": [["a", 0], ["b"]])"), Contains("'vocab' has an entry"));
  CHECK_THAT(complaint(R"("unk_id": 0, "vocab": {"a": 0})"), Contains("'vocab' is object, expected an array"));
  CHECK_THAT(complaint(R"("unk_id": 0, "byte_fallback": 1, "vocab": [["a", 0]])"), Contains("'byte_fallback'"));
}
