// Expected ids: transformers 4.57.6, RobertaTokenizerFast on the files each test writes.
#include "tokenize/bpe_files.h"

#include <map>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"
#include "tokenize/load.h"

using namespace bertjit;
using Catch::Contains;
using Files = std::map<std::string, std::string>;
using Ids = std::vector<int64_t>;

namespace {

constexpr char kVocabJson[] =
    "{\"<s>\": 0, \"<pad>\": 1, \"</s>\": 2, \"<unk>\": 3, \"<mask>\": 4, \"a\": 5, \"b\": 6, \"\u0120\": 7, \"ab\": "
    "8, "
    "\"\u0120ab\": 9, \"s\": 10, \"'\": 11, \"'s\": 12, \"\u010A\": 13}";
constexpr char kMerges[] = "#version: 0.2\na b\n\u0120 ab\n' s\n";

/// A directory with these files; an empty content leaves a file out.
class Directory {
 public:
  explicit Directory(const Files& files) {
    for (const auto& [name, content] : files) {
      if (!content.empty()) {
        testing::write_bytes(directory_ / name, content);
      }
    }
  }
  std::unique_ptr<Tokenizer> load() const {
    return load_tokenizer(directory_.path());
  }
  std::filesystem::path operator/(const std::string& name) const {
    return directory_ / name;
  }

 private:
  testing::TempDir directory_;
};

Files roberta_files(const Files& others = {}) {
  Files files = {{"vocab.json", kVocabJson}, {"merges.txt", kMerges}};
  for (const auto& [name, content] : others) {
    files[name] = content;
  }
  return files;
}

std::unique_ptr<Tokenizer> load_with(const Files& others) {
  return Directory(roberta_files(others)).load();
}

Ids ids_of(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.encode(text, std::nullopt, {}).input_ids;
}

Error refusal(const Files& files) {
  const Directory directory(files);
  return testing::error_of([&] { directory.load(); });
}

/// A tokenizer.json of byte-level BPE; the model's other members can be given.
std::string tokenizer_json(const std::string& model = R"("merges": [["a", "b"], ["Ġ", "ab"], ["'", "s"]])",
                           const std::string& add_prefix_space = "false") {
  return R"({"pre_tokenizer": {"type": "ByteLevel", "add_prefix_space": )" + add_prefix_space +
         R"(, "trim_offsets": true}, "post_processor": {"type": "RobertaProcessing", "sep": ["</s>", 2],
             "cls": ["<s>", 0]}, "added_tokens": [{"id": 4, "content": "<mask>", "lstrip": true, "special": true}],
             "model": {"type": "BPE", "vocab": )" +
         kVocabJson + ", " + model + "}}";
}

}  // namespace

TEST_CASE(
    "bpe_files: vocab.json and merges.txt alone are a RoBERTa: its template, no segments, a mask that takes space") {
  const auto tokenizer = load_with({});
  CHECK(ids_of(*tokenizer, "ab ab's") == Ids{0, 8, 9, 12, 2});
  const Encoding pair = tokenizer->encode("a", "b", {});
  CHECK(pair.input_ids == Ids{0, 5, 2, 2, 6, 2});
  CHECK_FALSE(pair.has_token_type_ids);
  CHECK(ids_of(*tokenizer, "a  <mask> ab</s>") == Ids{0, 5, 4, 9, 2, 2});
  CHECK(ids_of(*tokenizer, "a\nx") == Ids{0, 5, 13, 2});  // no token for x, no unk_token in the model
  CHECK(tokenizer->cls_id() == 0);
  CHECK(tokenizer->sep_id() == 2);
  CHECK(tokenizer->pad_id() == 1);
  CHECK(tokenizer->mask_id() == 4);
  CHECK(tokenizer->unk_id() == 3);
}

TEST_CASE("bpe_files: add_prefix_space is what tokenizer_config.json says, else off, also over tokenizer.json") {
  const std::string on = R"({"tokenizer_class": "RobertaTokenizer", "add_prefix_space": true})";
  const std::string silent = R"({"tokenizer_class": "RobertaTokenizer"})";
  for (const std::string& json :
       {tokenizer_json(), tokenizer_json("\"merges\": [\"a b\", \"Ġ ab\", \"' s\"]", "true"), std::string()}) {
    INFO(json);
    CHECK(ids_of(*load_with({{"tokenizer.json", json}, {"tokenizer_config.json", on}}), "ab") == Ids{0, 9, 2});
    CHECK(ids_of(*load_with({{"tokenizer.json", json}, {"tokenizer_config.json", silent}}), "ab") == Ids{0, 8, 2});
  }
}

TEST_CASE("bpe_files: Longformer and BART are RoBERTas, DeBERTa has BERT's tokens and segments") {
  for (const std::string name : {"Longformer", "Bart"}) {
    const auto tokenizer = load_with({{"tokenizer_config.json", R"({"tokenizer_class": ")" + name + "Tokenizer\"}"}});
    CHECK(tokenizer->encode("a", "b", {}).input_ids == Ids{0, 5, 2, 2, 6, 2});
  }
  const std::string vocabulary = R"({"[PAD]": 0, "[CLS]": 1, "[SEP]": 2, "[UNK]": 3, "[MASK]": 4, "a": 5, "b": 6})";
  const auto deberta = Directory(Files{{"vocab.json", vocabulary},
                                       {"merges.txt", "#version: 0.2\n"},
                                       {"config.json", R"({"model_type": "deberta"})"}})
                           .load();
  const Encoding pair = deberta->encode("a", "b[MASK]", {});
  CHECK(pair.input_ids == Ids{1, 5, 2, 6, 4, 2});
  CHECK(pair.token_type_ids == Ids{0, 0, 0, 1, 1, 1});
}

TEST_CASE(
    "bpe_files: the first line of merges.txt and what has no line end are no merges; the first of equals counts") {
  const Directory directory(Files{{"windows", "#version: 0.2\r\na b\r\nc  d\r\n"},
                                  {"old mac", "#version: 0.2\ra b\rc\td\r"},
                                  {"unfinished", "#version: 0.2\na b\nc d"},
                                  {"headless", "a b\nc d\n"},
                                  {"repeated", "#\na b\nc d\na b\n"},
                                  {"bare", "#version: 0.2"}});
  const Merges both = {{"a", "b"}, {"c", "d"}};
  CHECK(read_merges(directory / "windows") == both);
  CHECK(read_merges(directory / "old mac") == both);
  CHECK(read_merges(directory / "unfinished") == Merges{{"a", "b"}});
  CHECK(read_merges(directory / "headless") == Merges{{"c", "d"}});
  CHECK(read_merges(directory / "repeated") == both);
  CHECK(read_merges(directory / "bare").empty());
}

TEST_CASE(
    "bpe_files: a line of merges.txt that is no pair, or names an unknown token, is an error with file and token") {
  const auto message = [](const std::string& merges) {
    const Error error = refusal(roberta_files({{"merges.txt", merges}}));
    CHECK(error.kind() == ErrorKind::kCorrupt);
    return std::string(error.what());
  };
  CHECK_THAT(message("#\na b\na\n"), Contains("merges.txt:3: holds 1 words, expected the two of a merge"));
  CHECK_THAT(message("#\na b c\n"), Contains("merges.txt:2: holds 3 words"));
  CHECK_THAT(message("#\n\n"), Contains("merges.txt:2: holds 0 words"));
  CHECK_THAT(message("#\na zz\n"), Contains("merges.txt: merge 1 of 'a' and 'zz': 'zz' is not in the vocabulary"));
  CHECK_THAT(message("#\na a\n"), Contains("'aa' is not in the vocabulary"));
}

TEST_CASE("bpe_files: a malformed vocab.json is an error with file and token") {
  const auto message = [](const std::string& vocabulary) {
    return std::string(refusal(roberta_files({{"vocab.json", vocabulary}, {"merges.txt", "#\n"}})).what());
  };
  CHECK_THAT(message("{\"a\": 1"), Contains("vocab.json:1:"));
  CHECK_THAT(message("[]"), Contains("vocab.json: is not an object of tokens"));
  CHECK_THAT(message("{}"), Contains("vocab.json: is not an object of tokens"));
  CHECK_THAT(message("{\"a\": {\"b\": 1}}"), Contains("vocab.json: is not an object of tokens"));
  CHECK_THAT(message("{\"a\": -1}"), Contains("vocab.json: 'a' is number, expected an integer of at least 0"));
  CHECK_THAT(message("{\"a\": 1.5}"), Contains("vocab.json: 'a' is number"));
  CHECK_THAT(message("{\"a\": \"1\"}"), Contains("vocab.json: 'a' is string"));
  CHECK_THAT(message("{\"a\": 4000000000}"), Contains("vocab.json: token 'a' has id 4000000000"));
  CHECK_THAT(message("{\"a\": 0, \"<s>\": 1, \"</s>\": 2}"), Contains("vocab.json: has no '<unk>', the unk_token"));
}

TEST_CASE("bpe_files: merges without vocab.json, or the other way round, are said to be missing") {
  const Error no_merges = refusal({{"vocab.json", kVocabJson}});
  CHECK(no_merges.kind() == ErrorKind::kNotFound);
  CHECK_THAT(no_merges.what(), Contains("merges.txt"));
  const Error no_vocabulary = refusal({{"merges.txt", kMerges}, {"config.json", R"({"model_type": "roberta"})"}});
  CHECK(no_vocabulary.kind() == ErrorKind::kNotFound);
  CHECK_THAT(no_vocabulary.what(), Contains("tokenizer.json and vocab.json, the files of a Roberta tokenizer"));
}

TEST_CASE("bpe_files: what tokenizer.json has of BPE that is malformed or unknown is refused by field") {
  const auto error_of_model = [](const std::string& model) {
    return refusal({{"tokenizer.json", tokenizer_json(model)}});
  };
  const auto message = [&](const std::string& model) {
    const Error error = error_of_model(model);
    CHECK(error.kind() == ErrorKind::kCorrupt);
    return std::string(error.what());
  };
  CHECK_THAT(message(R"("merges": [["a", "b", "c"]])"),
             Contains(R"('merges' has an entry ["a","b","c"], expected two)"));
  CHECK_THAT(message(R"("merges": ["a b", "abc"])"), Contains(R"('merges' has an entry "abc")"));
  CHECK_THAT(message(R"("merges": ["a  b"])"), Contains("'merges' has an entry"));
  CHECK_THAT(message(R"("merges": [3])"), Contains("'merges' has an entry 3"));
  CHECK_THAT(message(R"("merges": {})"), Contains("'merges' is object, expected an array"));
  CHECK_THAT(message(R"("merges": {"a": "b"})"), Contains("'merges' has an entry of 'a'"));
  CHECK_THAT(message(R"("merges": [{"a": "b"}])"), Contains("'merges' has an entry"));
  CHECK_THAT(message(R"("fuse_unk": false)"), Contains("no 'merges'"));
  CHECK_THAT(message(R"("merges": [["a", "zz"]])"), Contains("tokenizer.json: merge 1 of 'a' and 'zz'"));
  CHECK_THAT(message(R"("merges": [], "fuse_unk": 1)"), Contains("'fuse_unk' is number"));
  CHECK_THAT(message(R"("merges": [], "unk_token": 1)"), Contains("'unk_token' is number"));
  CHECK_THAT(message(R"("merges": [], "unk_token": "zz")"), Contains("unk_token 'zz' is not in the vocabulary"));
  CHECK_THAT(message(R"("merges": [], "dropout": "x")"), Contains("'dropout' is string"));
  const Error dropout = error_of_model(R"("merges": [], "dropout": 0.1)");
  CHECK(dropout.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(dropout.what(), Contains("dropout of BPE is 0.1; supported: none"));
  CHECK(
      ids_of(*load_with({{"tokenizer.json", tokenizer_json(R"("merges": ["#version: 0.2", "a b"], "dropout": 0.0)")}}),
             "ab") == Ids{0, 8, 2});
}
