#include "bench/texts.h"

#include "support/error.h"
#include "testing/testing.h"
#include "tokenize/load.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  FAIL("nothing was refused");
  return "";
}

}  // namespace

TEST_CASE("bench: a line is a text, a tab splits a pair, an empty line is an empty text") {
  const ExampleSet set = parse_text_lines("one\ttwo\r\n\nthree", "a.txt");
  REQUIRE(set.examples.size() == 3);
  CHECK(set.examples[0].text == "one");
  CHECK(set.examples[0].pair == "two");
  CHECK(set.examples[1].text.empty());
  CHECK(set.examples[2].text == "three");
  CHECK(set.examples[2].line == 3);
  CHECK(set.examples[2].pair.empty());
  CHECK_THAT(refusal([] { parse_text_lines("a\nb\tc\td\n", "a.txt"); }), Contains("a.txt:2") && Contains("--data"));
  CHECK_THAT(refusal([] { parse_text_lines("", "a.txt"); }), Contains("a.txt") && Contains("no line"));
}

TEST_CASE("bench: lengths count special tokens, and are cut") {
  const auto tokenizer = load_tokenizer(testing::testdata("tiny-bert"));
  const ExampleSet set = parse_text_lines("who was jim\nwho was jim\twho was\n\n", "a.txt");
  // [CLS] who was jim [SEP]; [CLS] who was jim [SEP] who was [SEP]; [CLS] [SEP]
  CHECK(count_tokens(*tokenizer, set, 64, 1).lengths == std::vector<int64_t>{5, 8, 2});
  const BenchTexts cut = count_tokens(*tokenizer, set, 6, 2);
  CHECK(cut.lengths == std::vector<int64_t>{5, 6, 2});
  CHECK(cut.cut == 1);
  CHECK(cut.tokens == 13);
}

TEST_CASE("bench: texts come from a file or from a task, not from both") {
  BenchTextOptions options;
  CHECK(read_bench_texts(options).empty());
  options.data = testing::testdata("glue").string();
  CHECK(read_bench_texts(options).at(0).examples.size() == 21);
  options.task = "mnli";
  CHECK(read_bench_texts(options).size() == 2);
  options.file = "texts.txt";
  CHECK_THAT(refusal([&] { read_bench_texts(options); }), Contains("--texts and --data"));
  options.data.clear();
  CHECK_THAT(refusal([&] { read_bench_texts(options); }), Contains("texts.txt"));
}

}  // namespace bertjit
