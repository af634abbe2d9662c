// Every case of the shared tokenizer fixtures: transformers 4.57.6, tokenizers 0.22.1 (README.md there).
#include <fstream>
#include <sstream>

#include <nlohmann/json.hpp>

#include "testing/testing.h"
#include "tokenize/load.h"

using namespace bertjit;
using nlohmann::json;

namespace {

EncodeOptions options_of(const json& given) {
  EncodeOptions options;
  if (!given["max_length"].is_null()) {
    options.max_length = given["max_length"].get<int64_t>();
  }
  if (given["padding"] == "max_length") {
    options.padding = Padding::kMaxLength;
  }
  if (given["truncation"] == "longest_first") {
    options.truncation = Truncation::kLongestFirst;
  } else if (given["truncation"] == "only_first") {
    options.truncation = Truncation::kOnlyFirst;
  } else if (given["truncation"] == "only_second") {
    options.truncation = Truncation::kOnlySecond;
  }
  return options;
}

json answer(const Tokenizer& tokenizer, const json& given) {
  const auto text = given["text"].get<std::string>();
  std::optional<std::string> pair;
  if (!given["text_pair"].is_null()) {
    pair = given["text_pair"].get<std::string>();
  }
  const Encoding encoding = tokenizer.encode(text, pair, options_of(given));
  return {{"input_ids", encoding.input_ids},
          {"token_type_ids", encoding.has_token_type_ids ? json(encoding.token_type_ids) : json()},
          {"attention_mask", encoding.attention_mask},
          {"tokens", encoding.tokens}};
}

/// Compares each line; says which differ. Returns how many lines there were.
size_t check_fixture(const std::filesystem::path& directory) {
  const auto tokenizer = load_tokenizer(directory);
  std::ifstream lines(directory / "tokenization.jsonl");
  size_t count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const json given = json::parse(line);
    const json actual = answer(*tokenizer, given);
    for (const auto& [key, value] : actual.items()) {
      INFO(directory.filename().string() << ", line " << count << ": " << key << " of " << given["text"].dump());
      CHECK(value == given[key]);
    }
  }
  return count;
}

}  // namespace

TEST_CASE("tokenize: every case of the real bert-base-uncased vocabulary is as in transformers") {
  SKIP_WITHOUT_SHARED("fixtures/tok-bert-uncased");
  CHECK(check_fixture(testing::shared("fixtures/tok-bert-uncased")) == 388);
}

TEST_CASE("tokenize: every case of a cased BERT is as in transformers") {
  SKIP_WITHOUT_SHARED("fixtures/tok-bert-cased");
  CHECK(check_fixture(testing::shared("fixtures/tok-bert-cased")) == 387);
}

TEST_CASE("tokenize: every case of DistilBERT, which has no segments, is as in transformers") {
  SKIP_WITHOUT_SHARED("fixtures/tok-distilbert");
  CHECK(check_fixture(testing::shared("fixtures/tok-distilbert")) == 382);
}

TEST_CASE("tokenize: every case of MPNet, whose specials are <s> and </s>, is as in transformers") {
  SKIP_WITHOUT_SHARED("fixtures/tok-mpnet");
  CHECK(check_fixture(testing::shared("fixtures/tok-mpnet")) == 379);
}

TEST_CASE("tokenize: vocab.txt and tokenizer_config.json alone give what tokenizer.json gives") {
  SKIP_WITHOUT_SHARED("fixtures/tok-bert-uncased");
  for (const std::string name : {"tok-bert-uncased", "tok-bert-cased", "tok-distilbert", "tok-mpnet"}) {
    const auto source = testing::shared("fixtures/" + name);
    const testing::TempDir copy;
    for (const std::string file : {"vocab.txt", "tokenizer_config.json", "tokenization.jsonl"}) {
      std::filesystem::copy_file(source / file, copy / file);
    }
    INFO(name);
    CHECK(check_fixture(copy.path()) > 370);
  }
}
