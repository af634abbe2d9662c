// Expected ids: transformers 4.57.6, BertTokenizerFast.from_pretrained on the files each test writes.
#include "tokenize/load.h"

#include <functional>
#include <map>

#include "support/error.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace std::string_literals;
using Catch::Contains;
using Files = std::map<std::string, std::string>;
using Ids = std::vector<int64_t>;

namespace {

constexpr char kVocabulary[] =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nwho\nwas\njim\nhen\n##son\n?\na\npup\n##pet\n##eer\n.\nun\n##aff\n##"
    "able\ncafe\n"
    "##s\n\u4E2D\n\u6587\ni\n\u03C3\n\u03B1\n##\u03C3\n##\u03B1\n[\n]\nmask\ncaf\u00E9\n\u0130\nJim\n##a\n";

/// A directory with the vocabulary above and any other files; an empty content leaves a file out.
class Directory {
 public:
  explicit Directory(const Files& files = {}) {
    Files all = {{"vocab.txt", kVocabulary}};
    for (const auto& [name, content] : files) {
      all[name] = content;
    }
    for (const auto& [name, content] : all) {
      if (!content.empty()) {
        testing::write_bytes(directory_ / name, content);
      }
    }
  }
  std::unique_ptr<Tokenizer> load() const {
    return load_tokenizer(directory_.path());
  }

 private:
  testing::TempDir directory_;
};

std::unique_ptr<Tokenizer> load_with(const std::string& config) {
  return Directory(Files{{"tokenizer_config.json", config}}).load();
}

Ids ids_of(const Tokenizer& tokenizer, std::string_view text, const EncodeOptions& options = {}) {
  return tokenizer.encode(text, std::nullopt, options).input_ids;
}

Ids pair_ids(const Tokenizer& tokenizer, std::string_view first, std::string_view second,
             const EncodeOptions& options) {
  return tokenizer.encode(first, second, options).input_ids;
}

/// A tokenizer.json; each part can be replaced.
std::string tokenizer_json(const std::string& model_type = "\"WordPiece\"",
                           const std::string& normalizer = R"({"type": "BertNormalizer", "lowercase": false})",
                           const std::string& pre_tokenizer = R"({"type": "BertPreTokenizer"})",
                           const std::string& post_processor = "null", const std::string& added_tokens = "[]") {
  return R"({"added_tokens": )" + added_tokens + R"(, "normalizer": )" + normalizer + R"(, "pre_tokenizer": )" +
         pre_tokenizer + R"(, "post_processor": )" + post_processor + R"(, "model": {"type": )" + model_type +
         R"(, "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 4,
             "vocab": {"[UNK]": 1, "[CLS]": 2, "[SEP]": 3, "a": 0, "B": 4, "##b": 5}}})";
}

std::unique_ptr<Tokenizer> load_json(const std::string& json, const std::string& config = "") {
  return Directory(Files{{"vocab.txt", ""}, {"tokenizer.json", json}, {"tokenizer_config.json", config}}).load();
}

ErrorKind kind_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL("no error");
  return ErrorKind::kIo;
}

}  // namespace

TEST_CASE("tokenize: vocab.txt alone is a lower-casing BERT; a pair gets segments, mask and tokens") {
  const auto tokenizer = Directory().load();
  const Encoding encoding = tokenizer->encode("Who was Jim Henson?", "Jim Henson was a puppeteer.", {});
  CHECK(encoding.input_ids == Ids{2, 5, 6, 7, 8, 9, 10, 3, 7, 8, 9, 6, 11, 12, 13, 14, 15, 3});
  CHECK(encoding.token_type_ids == Ids{0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1});
  CHECK(encoding.has_token_type_ids);
  CHECK(encoding.attention_mask == Ids(18, 1));
  CHECK(encoding.tokens == std::vector<std::string>{"[CLS]", "who", "was", "jim", "hen", "##son", "?", "[SEP]", "jim",
                                                    "hen", "##son", "was", "a", "pup", "##pet", "##eer", ".", "[SEP]"});
}

TEST_CASE("tokenize: words, accents, capitals, ideographs and odd spaces as in transformers") {
  const auto tokenizer = Directory().load();
  CHECK(ids_of(*tokenizer, "Unaffables xyz") == Ids{2, 16, 17, 18, 20, 1, 3});
  CHECK(ids_of(*tokenizer, "Caf\u00E9s CAFE\u0301 \u0130 \u03A3\u0391\u03A3 i\u0307") ==
        Ids{2, 19, 20, 19, 23, 24, 27, 26, 23, 3});
  CHECK(ids_of(*tokenizer, "a\u4E2D\u6587a") == Ids{2, 11, 21, 22, 11, 3});
  const std::string odd =
      "a\u200Bb a\0 a\uFFFDa \x07"
      "a\u00A0a\u2028a\ta"s;
  CHECK(ids_of(*tokenizer, odd) == Ids{2, 1, 11, 11, 34, 11, 11, 11, 11, 3});
  CHECK(ids_of(*tokenizer, "who\u2E43was who\u00A1was who\u2014was") == Ids{2, 1, 5, 1, 6, 5, 1, 6, 3});
  CHECK(ids_of(*tokenizer, std::string(100, 'a')).size() == 102);
  CHECK(ids_of(*tokenizer, std::string(101, 'a')) == Ids{2, 1, 3});
}

TEST_CASE("tokenize: special tokens in the text become their ids only as written") {
  CHECK(ids_of(*Directory().load(), "Who was [MASK]Henson [ MASK ] [mask]?") ==
        Ids{2, 5, 6, 4, 8, 9, 28, 30, 29, 28, 30, 29, 10, 3});
}

TEST_CASE("tokenize: empty texts, and an empty second text, which is no pair") {
  const auto tokenizer = Directory().load();
  CHECK(ids_of(*tokenizer, "") == Ids{2, 3});
  CHECK(pair_ids(*tokenizer, "a", "", {}) == Ids{2, 11, 3});
  CHECK(tokenizer->encode("", "a", {}).token_type_ids == Ids{0, 0, 1, 1});
}

TEST_CASE(
    "tokenize: truncation counts the special tokens and takes its length from the tokenizer where none is given") {
  const auto tokenizer = load_with(R"({"model_max_length": 8})");
  EncodeOptions options{.truncation = Truncation::kLongestFirst};
  CHECK(pair_ids(*tokenizer, "Who was Jim", "Henson was a puppeteer.", options) == Ids{2, 5, 6, 3, 8, 9, 6, 3});
  options.max_length = 9;
  CHECK(pair_ids(*tokenizer, "Who was Jim", "Henson was a puppeteer.", options) == Ids{2, 5, 6, 7, 3, 8, 9, 6, 3});
  options.max_length = 3;
  CHECK(pair_ids(*tokenizer, "Who was Jim", "a was he", options) == Ids{2, 3, 3});
  options = {.max_length = 8, .truncation = Truncation::kOnlyFirst};
  CHECK(pair_ids(*tokenizer, "Who was Jim Henson", "a was", options) == Ids{2, 5, 6, 7, 3, 11, 6, 3});
}

TEST_CASE("tokenize: padding fills up to max_length and never cuts") {
  const auto tokenizer = load_with(R"({"model_max_length": 8})");
  const Encoding padded = tokenizer->encode("Who", std::nullopt, {.padding = Padding::kMaxLength});
  CHECK(padded.input_ids == Ids{2, 5, 3, 0, 0, 0, 0, 0});
  CHECK(padded.attention_mask == Ids{1, 1, 1, 0, 0, 0, 0, 0});
  CHECK(padded.token_type_ids == Ids(8, 0));
  CHECK(padded.tokens.back() == "[PAD]");
  CHECK(ids_of(*tokenizer, "Who was Jim Henson?", {.max_length = 4, .padding = Padding::kMaxLength}).size() == 8);
}

TEST_CASE("tokenize: without a length from anywhere nothing is cut or padded") {
  const auto tokenizer = load_with(R"({"model_max_length": 1000000000000000019884624838656})");
  const EncodeOptions options{.padding = Padding::kMaxLength, .truncation = Truncation::kLongestFirst};
  CHECK(ids_of(*tokenizer, "Who was Jim", options) == Ids{2, 5, 6, 7, 3});
}

TEST_CASE("tokenize: special tokens can be left out; segments stay") {
  const EncodeOptions options{
      .max_length = 2, .truncation = Truncation::kLongestFirst, .special_tokens = SpecialTokens::kLeaveOut};
  const Encoding encoding = Directory().load()->encode("Who was", "Jim", options);
  CHECK(encoding.input_ids == Ids{5, 7});
  CHECK(encoding.token_type_ids == Ids{0, 1});
}

TEST_CASE("tokenize: a max_length that makes no sense is refused with the number") {
  const auto tokenizer = Directory().load();
  const auto encode = [&](const EncodeOptions& options) { tokenizer->encode("a", "a", options); };
  CHECK_THROWS_WITH(encode({.max_length = -1}), Contains("max_length is -1"));
  CHECK_THROWS_WITH(encode({.max_length = 2, .truncation = Truncation::kLongestFirst}),
                    Contains("max_length is 2, expected at least 3"));
  CHECK_THROWS_WITH(encode({.max_length = int64_t{1} << 50, .padding = Padding::kMaxLength}), Contains("1048576"));
}

TEST_CASE("tokenize: roles, sizes and names of tokens") {
  const auto tokenizer = Directory().load();
  CHECK(tokenizer->pad_id() == 0);
  CHECK(tokenizer->unk_id() == 1);
  CHECK(tokenizer->cls_id() == 2);
  CHECK(tokenizer->sep_id() == 3);
  CHECK(tokenizer->mask_id() == 4);
  CHECK(tokenizer->vocab_size() == 35);
  CHECK(tokenizer->token_to_id("##son") == 9);
  CHECK(tokenizer->token_to_id("son") == std::nullopt);
  CHECK(tokenizer->id_to_token(9) == "##son");
  CHECK(tokenizer->id_to_token(35) == std::nullopt);
}

TEST_CASE("tokenize: tokenizer_config.json sets case, accents, segments, sides and the segment of padding") {
  CHECK(ids_of(*load_with(R"({"do_lower_case": false})"), "Jim jim Cafe caf\u00E9 CAFE \u0130 \u03A3") ==
        Ids{2, 33, 7, 1, 31, 1, 32, 1, 3});
  CHECK(ids_of(*load_with(R"({"strip_accents": false})"), "Caf\u00E9") == Ids{2, 31, 3});
  const EncodeOptions options{.max_length = 4, .padding = Padding::kMaxLength, .truncation = Truncation::kLongestFirst};
  const auto left = load_with(R"({"padding_side": "left", "truncation_side": "left", "pad_token_type_id": 7})");
  CHECK(ids_of(*left, "who was jim", options) == Ids{2, 6, 7, 3});
  CHECK(ids_of(*left, "who", options) == Ids{0, 2, 5, 3});
  CHECK(left->encode("who", std::nullopt, options).token_type_ids ==
        Ids(4, 0));  // transformers reads no pad_token_type_id
  for (const std::string config :
       {R"({"tokenizer_class": "DistilBertTokenizer"})", R"({"model_input_names": ["input_ids", "attention_mask"]})"}) {
    const Encoding encoding = load_with(config)->encode("who", std::nullopt, {});
    CHECK_FALSE(encoding.has_token_type_ids);
    CHECK(encoding.token_type_ids.empty());
  }
}

TEST_CASE("tokenize: config.json tells the class where tokenizer_config.json does not") {
  const Directory directory(Files{{"config.json", R"({"model_type": "distilbert"})"}});
  CHECK_FALSE(directory.load()->encode("who", std::nullopt, {}).has_token_type_ids);
}

TEST_CASE("tokenize: added tokens of added_tokens.json and special_tokens_map.json come after the vocabulary") {
  const auto tokenizer = Directory(Files{{"added_tokens.json", R"({"<b>": 36, "<a>": 35})"},
                                         {"special_tokens_map.json", R"({"additional_special_tokens": ["<c>"]})"}})
                             .load();
  CHECK(tokenizer->vocab_size() == 38);
  CHECK(ids_of(*tokenizer, "who<A><b>was<c><C>") == Ids{2, 5, 35, 36, 6, 37, 1, 1, 1, 3});
  CHECK(tokenizer->id_to_token(37) == "<c>");
}

TEST_CASE("tokenize: a special token of tokenizer_config.json that the vocabulary lacks gets an id after it") {
  const auto tokenizer = load_with(R"({"mask_token": "<mask>"})");
  CHECK(tokenizer->mask_id() == 35);
  CHECK(ids_of(*tokenizer, "who <mask>") == Ids{2, 5, 35, 3});
}

TEST_CASE("tokenize: tokenizer.json gives vocabulary, normalizer and limits; without a class nothing overrules it") {
  const auto tokenizer = load_json(tokenizer_json());
  CHECK(ids_of(*tokenizer, "a B Bb b aaaaa") == Ids{0, 4, 4, 5, 1, 1});
}

TEST_CASE("tokenize: do_lower_case of a BertTokenizer, also its default, overrules tokenizer.json") {
  CHECK(ids_of(*load_json(tokenizer_json(), R"({"tokenizer_class": "BertTokenizer"})"), "a B") == Ids{0, 1});
  CHECK(ids_of(*load_json(tokenizer_json(), R"({"do_lower_case": true})"), "a B") == Ids{0, 1});
}

TEST_CASE("tokenize: both forms of BERT's post-processor, and none") {
  const std::string normalizer = R"({"type": "BertNormalizer"})";
  const std::string pre_tokenizer = R"({"type": "BertPreTokenizer"})";
  const std::string bert = R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})";
  const std::string special = R"({"SpecialToken": {"id": "s", "type_id": 0}}, )";
  const std::string texts[] = {R"({"Sequence": {"id": "A", "type_id": 0}})",
                               R"({"Sequence": {"id": "B", "type_id": 1}})"};
  const std::string general = R"({"type": "TemplateProcessing", "special_tokens": {"s": {"id": "s", "ids": [2, 3]}},
                                  "single": [)" +
                              special + texts[0] + R"(], "pair": [)" + texts[0] + ", " + special + texts[1] + "]}";
  const auto load = [&](const std::string& processor) {
    return load_json(tokenizer_json("\"WordPiece\"", normalizer, pre_tokenizer, processor));
  };
  CHECK(pair_ids(*load("null"), "a", "a", {}) == Ids{0, 0});
  CHECK(pair_ids(*load(bert), "a", "a", {}) == Ids{2, 0, 3, 0, 3});
  CHECK(load(bert)->encode("a", "a", {}).token_type_ids == Ids{0, 0, 0, 1, 1});
  CHECK(pair_ids(*load(general), "a", "a", {}) == Ids{0, 2, 3, 0});
  CHECK(ids_of(*load(general), "a") == Ids{2, 3, 0});
}

TEST_CASE("tokenize: a directory without a tokenizer is an error that says what was looked for") {
  const Directory empty(Files{{"vocab.txt", ""}});
  CHECK_THROWS_WITH(empty.load(), Contains("looked for tokenizer.json, vocab.txt"));
  CHECK(kind_of([&] { empty.load(); }) == ErrorKind::kNotFound);
  CHECK_THROWS_WITH(load_tokenizer("/no/such/directory"), Contains("/no/such/directory: no such directory"));
}

TEST_CASE("tokenize: another kind of tokenizer is unsupported, by name") {
  const auto load = [](const Files& files) { Directory(files).load(); };
  const Files japanese = {{"tokenizer_config.json", R"({"tokenizer_class": "BertJapaneseTokenizer"})"}};
  CHECK_THROWS_WITH(load(japanese),
                    Contains("class BertJapanese") && Contains("supported without one: Bert, DistilBert"));
  CHECK(kind_of([&] { load(japanese); }) == ErrorKind::kUnsupported);
  CHECK_THROWS_WITH(load({{"config.json", R"({"model_type": "t5"})"}}), Contains("model type t5"));
  CHECK_THROWS_WITH(load_json(tokenizer_json("\"WordLevel\"")),
                    Contains("model is WordLevel; supported: WordPiece, BPE, Unigram"));
  CHECK(kind_of([&] { load_json(tokenizer_json("\"WordLevel\"")); }) == ErrorKind::kUnsupported);
  CHECK_THROWS_WITH(load_json(tokenizer_json("\"WordPiece\"", R"({"type": "Bogus"})")),
                    Contains("normalizer is Bogus"));
  CHECK_THROWS_WITH(load_json(tokenizer_json("\"WordPiece\"", "null", R"({"type": "Bogus"})")),
                    Contains("pre_tokenizer is Bogus"));
  CHECK_THROWS_WITH(
      load_json(tokenizer_json("\"WordPiece\"", "null", R"({"type": "BertPreTokenizer"})", R"({"type": "Bogus"})")),
      Contains("post_processor is Bogus"));
}

TEST_CASE("tokenize: a class whose own files are absent says which it looked for") {
  const auto load = [](const std::string& model_type) {
    Directory(Files{{"config.json", R"({"model_type": ")" + model_type + "\"}"}}).load();
  };
  CHECK_THROWS_WITH(load("roberta"), Contains("looked for tokenizer.json and vocab.json, the files of a Roberta"));
  CHECK_THROWS_WITH(load("xlm-roberta"), Contains("sentencepiece.bpe.model"));
  CHECK_THROWS_WITH(load("albert"), Contains("spiece.model"));
  CHECK_THROWS_WITH(load("deberta-v2"), Contains("spm.model"));
  CHECK_THROWS_WITH(load("marian"), Contains("source.spm"));
  CHECK(kind_of([&] { load("roberta"); }) == ErrorKind::kNotFound);
}

TEST_CASE("tokenize: a directory has a tokenizer if it has a vocabulary, whether or not it loads") {
  const testing::TempDir directory;
  CHECK_FALSE(has_tokenizer(directory.path()));
  CHECK_FALSE(has_tokenizer("/no/such/directory"));
  for (const std::string file : {"tokenizer.json", "vocab.txt", "vocab.json", "spm.model", "source.spm"}) {
    testing::write_bytes(directory / file, "");
    CHECK(has_tokenizer(directory.path()));
    std::filesystem::remove(directory / file);
  }
}

TEST_CASE("tokenize: sides and padding token of tokenizer.json count; its lengths are the caller's") {
  std::string json = tokenizer_json();
  json.insert(1, R"("truncation": {"direction": "Left", "max_length": 2, "strategy": "LongestFirst", "stride": 0},
                    "padding": {"strategy": {"Fixed": 9}, "direction": "Left", "pad_id": 1, "pad_type_id": 3,
                                "pad_token": "[UNK]"}, )");
  const auto tokenizer = load_json(json, R"({"tokenizer_class": "PreTrainedTokenizerFast"})");
  CHECK(ids_of(*tokenizer, "a B B") == Ids{0, 4, 4});
  CHECK(ids_of(*tokenizer, "a B B", {.max_length = 2, .truncation = Truncation::kLongestFirst}) == Ids{4, 4});
  const Encoding padded = tokenizer->encode("a", std::nullopt, {.max_length = 3, .padding = Padding::kMaxLength});
  CHECK(padded.input_ids == Ids{1, 1, 0});
  CHECK(padded.token_type_ids == Ids(3, 0));
}

TEST_CASE("tokenize: max_len is what model_max_length was called once") {
  const EncodeOptions options{.truncation = Truncation::kLongestFirst};
  CHECK(ids_of(*load_with(R"({"max_len": 4})"), "who was jim", options) == Ids{2, 5, 6, 3});
}

TEST_CASE("tokenize: a malformed vocab.txt is an error with file and line") {
  const auto load = [](const std::string& vocabulary) { Directory(Files{{"vocab.txt", vocabulary}}).load(); };
  CHECK_THROWS_WITH(load("[UNK]\n[CLS]\n[SEP]\nab\xFF\n"), Contains("vocab.txt:4: is not valid UTF-8"));
  CHECK_THROWS_WITH(load("[CLS]\n[SEP]\n"), Contains("vocab.txt: has no '[UNK]', the unk_token, among its 2 tokens"));
  CHECK_THROWS_WITH(load("[UNK]\n[SEP]\n"), Contains("no '[CLS]'"));
  CHECK_THROWS_WITH(load("[UNK]\n[CLS]\n"), Contains("no '[SEP]'"));
  CHECK(kind_of([&] { load("[CLS]\n[SEP]\n"); }) == ErrorKind::kCorrupt);
  const testing::TempDir empty;
  testing::write_bytes(empty / "vocab.txt", "");
  CHECK_THROWS_WITH(load_tokenizer(empty.path()), Contains("vocab.txt: is empty"));
}

TEST_CASE("tokenize: lines of vocab.txt end as Python ends them, and the last needs no end") {
  const auto tokenizer = Directory(Files{{"vocab.txt", "[UNK]\r\n[CLS]\r[SEP]\n\nlast"}}).load();
  CHECK(tokenizer->cls_id() == 1);
  CHECK(tokenizer->sep_id() == 2);
  CHECK(tokenizer->token_to_id("") == 3);
  CHECK(tokenizer->token_to_id("last") == 4);
}

TEST_CASE("tokenize: malformed JSON is an error with file and field") {
  const auto fails = [](const std::string& json, const std::string& message) {
    INFO(json);
    CHECK(kind_of([&] { load_json(json); }) == ErrorKind::kCorrupt);
    CHECK_THROWS_WITH(load_json(json), Contains("tokenizer.json") && Contains(message));
  };
  const std::string wordpiece = R"({"pre_tokenizer": {"type": "BertPreTokenizer"}, "model": {"type": "WordPiece", )";
  fails("{\"model\": ", "tokenizer.json:1:");
  fails("{\"model\": 1e400}", "beyond the range of a double");
  fails("[]", "no 'model'");
  fails("{\"model\": {\"type\": 3}}", "'type' is number");
  fails(wordpiece + R"("x": 1}})", "no 'vocab'");
  fails(wordpiece + R"("vocab": [["a", 0.5]]}})", "'vocab' is array");
  fails(wordpiece + R"("vocab": [3]}})", "'vocab' has an entry 3, expected a token and a number");
  fails(wordpiece + R"("vocab": [["a", "b"]]}})", "'vocab' has an entry");
  fails(wordpiece + R"("vocab": {}}})", "'vocab' is object, expected an object of at least one token");
  fails(wordpiece + R"("vocab": {"a": -1}}})", "'a' is number, expected an integer");
  fails(wordpiece + R"("vocab": {"a": 0, "b": "1"}}})", "'b' is string");
  fails(wordpiece + R"("vocab": {"a": 0}}})", "no '[UNK]'");
  fails(wordpiece + R"("vocab": {"a": 0, "b": {}}}})", "'vocab' has an entry of 'b', expected a token and a number");
  fails(R"({"added_tokens": 3, )" + wordpiece.substr(1) + R"("vocab": {"[UNK]": 0}}})", "'added_tokens' is number");
  fails(tokenizer_json("\"WordPiece\"", R"({"type": "BertNormalizer", "lowercase": 1})"), "'lowercase' is number");
  const std::string pre_tokenizer = R"({"type": "BertPreTokenizer"})";
  fails(tokenizer_json("\"WordPiece\"", "null", pre_tokenizer,
                       R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": 2})"),
        "'cls'");
  fails(tokenizer_json("\"WordPiece\"", "null", pre_tokenizer, "null", R"([{"id": 9, "content": "<x>"}])"),
        "'<x>' has id 9, by its place it is 6");
  fails(tokenizer_json("\"WordPiece\"", "null", pre_tokenizer, "null", R"([{"id": 9}])"), "no 'content'");
}

TEST_CASE("tokenize: a malformed tokenizer_config.json is an error with file and field") {
  CHECK_THROWS_WITH(load_with("[]"), Contains("tokenizer_config.json: is array"));
  CHECK_THROWS_WITH(load_with(R"({"do_lower_case": "no"})"), Contains("'do_lower_case' is string"));
  CHECK_THROWS_WITH(load_with(R"({"padding_side": "up"})"), Contains("'padding_side' is 'up'"));
  CHECK_THROWS_WITH(load_with(R"({"model_max_length": -3})"), Contains("'model_max_length'"));
  CHECK_THROWS_WITH(load_with(R"({"added_tokens_decoder": {"x": {"content": "y"}}})"), Contains("has id 'x'"));
  CHECK_THROWS_WITH(load_with(R"({"added_tokens_decoder": {"5": {"special": true}}})"), Contains("no 'content'"));
  CHECK_THROWS_WITH(load_with(R"({"add_prefix_space": 3, "cls_token": 3})"), Contains("special token 'cls_token'"));
}

TEST_CASE("tokenize: malformed UTF-8 in a text counts as U+FFFD, which BERT drops") {
  CHECK(ids_of(*Directory().load(), "who\xFF was\xED\xA0\x80") == Ids{2, 5, 6, 3});
}

TEST_CASE("tokenize: ten megabytes of the worst texts give one id for each word") {
  const auto tokenizer = Directory().load();
  constexpr size_t kBytes = 10'000'000;
  CHECK(ids_of(*tokenizer, std::string(kBytes, 'a')) == Ids{2, 1, 3});
  CHECK(ids_of(*tokenizer, std::string(kBytes, '[')).size() == kBytes + 2);
  std::string marks;
  while (marks.size() < kBytes) {
    marks += "\u0301\u0327";
  }
  CHECK(ids_of(*tokenizer, marks) == Ids{2, 3});
}
