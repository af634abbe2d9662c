// Expected values: models.BPE of tokenizers 0.22.2 with the same vocabulary and merges.
#include "tokenize/bpe.h"

#include <thread>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Ids = std::vector<int32_t>;
using Strings = std::vector<std::string>;

namespace {

Bpe make_bpe(const Strings& tokens, const Merges& merges, const BpeOptions& options = {}) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (size_t i = 0; i < tokens.size(); ++i) {
    vocabulary->add(tokens[i], static_cast<int64_t>(i));
  }
  return Bpe(vocabulary, merges, options, "file");
}

Ids ids_of(const Bpe& bpe, std::string_view word) {
  Ids ids;
  bpe.append_ids({&word, 1}, ids);
  return ids;
}

const Strings kLetters = {"a", "b", "c", "ab", "bc", "abc", "aa", "aaa"};
const Strings kWithUnknown = {"<unk>", "a", "b", "ab", "<0xC3>", "<0xA9>"};
const Merges kAb = {{"a", "b"}};

}  // namespace

TEST_CASE("bpe: the pair learnt first is joined first, wherever it stands") {
  const Bpe bc_first = make_bpe(kLetters, {{"b", "c"}, {"a", "b"}, {"a", "bc"}});
  CHECK(ids_of(bc_first, "abc") == Ids{5});
  CHECK(ids_of(bc_first, "aab") == Ids{0, 3});
  CHECK(ids_of(bc_first, "cab") == Ids{2, 3});
  const Bpe ab_first = make_bpe(kLetters, {{"a", "b"}, {"b", "c"}, {"a", "bc"}});
  CHECK(ids_of(ab_first, "abc") == Ids{3, 2});
}

TEST_CASE("bpe: of equal pairs the leftmost is joined first") {
  const Bpe bpe = make_bpe(kLetters, {{"a", "a"}, {"aa", "a"}});
  CHECK(ids_of(bpe, "aaaaa") == Ids{6, 7});
  CHECK(ids_of(bpe, "aaaa") == Ids{6, 6});
}

TEST_CASE("bpe: a merge that is listed twice has the later rank") {
  // models.BPE(vocab, merges=[("a", "b"), ("b", "c"), ("a", "b"), ("a", "bc")]) gives "abc" as one token.
  CHECK(ids_of(make_bpe(kLetters, {{"a", "b"}, {"b", "c"}, {"a", "b"}, {"a", "bc"}}), "abc") == Ids{5});
}

TEST_CASE("bpe: an unknown character is left out, is unk_token, or is fused with its neighbours") {
  const Bpe without = make_bpe(kWithUnknown, kAb);
  CHECK(ids_of(without, "axb") == Ids{3});
  CHECK(ids_of(without, "\u00E9").empty());
  const Bpe with = make_bpe(kWithUnknown, kAb, {.unk_token = "<unk>"});
  CHECK(ids_of(with, "axb") == Ids{1, 0, 2});
  CHECK(ids_of(with, "xxab") == Ids{0, 0, 3});
  CHECK(ids_of(with, "\u00E9") == Ids{0});
  const Bpe fused = make_bpe(kWithUnknown, kAb, {.unk_token = "<unk>", .fuse_unk = true});
  CHECK(ids_of(fused, "axyb") == Ids{1, 0, 2});
  CHECK(ids_of(fused, "xxab") == Ids{0, 3});
}

TEST_CASE("bpe: byte_fallback gives bytes before unk_token, and they overtake an unknown that waits to be fused") {
  const Bpe bpe = make_bpe(kWithUnknown, kAb, {.unk_token = "<unk>", .fuse_unk = true, .byte_fallback = true});
  CHECK(ids_of(bpe, "\u00E9ab") == Ids{4, 5, 3});
  CHECK(ids_of(bpe, "x\u00E9x") == Ids{4, 5, 0});
}

TEST_CASE("bpe: prefix and suffix belong to the first symbols and drop out of what merges make") {
  const Bpe prefixed = make_bpe({"a", "##b", "##c", "a##b", "ab", "##bc", "abc"}, {{"a", "##b"}, {"ab", "##c"}},
                                {.continuing_subword_prefix = "##"});
  CHECK(ids_of(prefixed, "abc") == Ids{6});
  CHECK(ids_of(prefixed, "ab") == Ids{4});
  const Bpe suffixed = make_bpe({"a", "b", "b</w>", "a</w>", "ab</w>", "ab"}, {{"a", "b</w>"}, {"a", "b"}},
                                {.end_of_word_suffix = "</w>"});
  CHECK(ids_of(suffixed, "ab") == Ids{4});
  CHECK(ids_of(suffixed, "aba") == Ids{5, 3});
  CHECK(ids_of(suffixed, "a") == Ids{3});
}

TEST_CASE("bpe: ignore_merges takes a word of the vocabulary as it is; else merges must lead there") {
  const Strings tokens = {"a", "b", "c", "abc", "ab"};
  const Bpe ignoring = make_bpe(tokens, kAb, {.ignore_merges = true});
  CHECK(ids_of(ignoring, "abc") == Ids{3});
  CHECK(ids_of(ignoring, "abca") == Ids{4, 2, 0});
  const Bpe merging = make_bpe(tokens, kAb);
  for (int again = 0; again < 2; ++again) {  // the second time it is known not to be whole
    CHECK(ids_of(merging, "abc") == Ids{4, 2});
    CHECK(ids_of(merging, "ab") == Ids{4});
  }
}

TEST_CASE("bpe: a long word is what its parts are, where no merge crosses them") {
  // Words up to 40 symbols and longer ones take different ways; "c" joins with nothing that ends in it.
  const Bpe bpe = make_bpe(kLetters, {{"a", "a"}, {"a", "b"}, {"aa", "a"}});
  const Strings parts = {"aaac", "abac", "aaaaabc", "bbc", "aabaac", "c"};
  std::string word;
  Ids expected;
  for (int i = 0; i < 600; ++i) {
    const std::string& part = parts[static_cast<size_t>(i * i + i / 7) % parts.size()];
    word += part;
    const Ids ids = ids_of(bpe, part);
    expected.insert(expected.end(), ids.begin(), ids.end());
    CHECK(ids_of(bpe, word) == expected);
  }
}

TEST_CASE("bpe: megabytes without a space take seconds at most") {
  const Bpe bpe = make_bpe(kLetters, {{"a", "a"}, {"a", "b"}, {"aa", "a"}, {"b", "c"}});
  CHECK(ids_of(bpe, std::string(3'000'001, 'a')).size() == 1'500'000);
  std::string word;
  while (word.size() < 2'000'000) {
    word += "abcb";
  }
  CHECK(ids_of(bpe, word).size() == 1'500'000);
}

TEST_CASE("bpe: threads that ask at once get one answer") {
  const Bpe bpe = make_bpe(kLetters, {{"a", "a"}, {"b", "c"}, {"a", "bc"}});
  const std::vector<std::string_view> words = {"abc", "aaabc", "ab", "aa", "bcaa", "aaa"};
  Ids expected;
  bpe.append_ids(words, expected);
  std::vector<Ids> answers(4);
  std::vector<std::thread> threads;
  for (Ids& answer : answers) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        answer.clear();
        bpe.append_ids(words, answer);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  for (const Ids& answer : answers) {
    CHECK(answer == expected);
  }
}

TEST_CASE("bpe: merges of tokens that the vocabulary lacks, and a missing unk_token, are errors that name them") {
  CHECK_THROWS_WITH(make_bpe({"a", "b"}, {{"a", "b"}}), "file: merge 1 of 'a' and 'b': 'ab' is not in the vocabulary");
  CHECK_THROWS_WITH(make_bpe({"a", "b"}, {{"a", "x"}}), Catch::Contains("'x' is not in the vocabulary"));
  CHECK_THROWS_WITH(make_bpe({"a"}, {}, {.unk_token = "<unk>"}), "file: unk_token '<unk>' is not in the vocabulary");
  CHECK_THROWS_AS(make_bpe({"a"}, {}, {.unk_token = "<unk>"}), Error);
}
