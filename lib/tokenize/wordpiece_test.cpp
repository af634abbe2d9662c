// Expected values: the algorithm as published (Wu et al. 2016, section 4.1), and BertPreTokenizer of tokenizers 0.22.2.
#include "tokenize/wordpiece.h"

#include "support/error.h"
#include "testing/testing.h"
#include "tokenize/bert_pre_tokenizer.h"

using namespace bertjit;

namespace {

std::shared_ptr<const Vocabulary> make_vocabulary(const std::vector<std::string>& tokens) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (size_t i = 0; i < tokens.size(); ++i) {
    vocabulary->add(tokens[i], static_cast<int64_t>(i));
  }
  return vocabulary;
}

std::vector<std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  BertWords walk(text);
  for (std::string_view word; walk.next(word);) {
    words.emplace_back(word);
  }
  return words;
}

/// The pieces of one word, by name.
std::vector<std::string> split_word(const std::vector<std::string>& tokens, const std::string& word,
                                    const WordPieceOptions& options = {}) {
  const auto vocabulary = make_vocabulary(tokens);
  std::vector<uint64_t> hashes;
  std::vector<int32_t> ids;
  WordPiece(vocabulary, options).append_pieces(word, hashes, ids);
  std::vector<std::string> pieces;
  for (const int32_t id : ids) {
    pieces.emplace_back(vocabulary->token(id).value());
  }
  return pieces;
}

using Strings = std::vector<std::string>;

}  // namespace

TEST_CASE("wordpiece: words end at white space, and each punctuation character is one") {
  CHECK(split_words("who was  Jim?!") == Strings{"who", "was", "Jim", "?", "!"});
  CHECK(split_words("\t a\u00A0b\u3000c\n") == Strings{"a", "b", "c"});
  CHECK(split_words("don't\u2014\u00ABx\u00BB") == Strings{"don", "'", "t", "\u2014", "\u00AB", "x", "\u00BB"});
  CHECK(split_words("$a+b=^`~|<>") == Strings{"$", "a", "+", "b", "=", "^", "`", "~", "|", "<", ">"});
  CHECK(split_words("\u20AC5") == Strings{"\u20AC5"});  // a currency sign outside ASCII is no punctuation
  CHECK(split_words("").empty());
  CHECK(split_words(" \n ").empty());
  CHECK(split_words("x") == Strings{"x"});
}

TEST_CASE("wordpiece: the longest piece is taken first") {
  CHECK(split_word({"[UNK]", "un", "##aff", "##able", "##a", "u", "##n"}, "unaffable") ==
        Strings{"un", "##aff", "##able"});
  CHECK(split_word({"[UNK]", "un", "unaff", "##able"}, "unaffable") == Strings{"unaff", "##able"});
}

TEST_CASE("wordpiece: greed is not taken back, so a word with a dead end is unknown as a whole") {
  CHECK(split_word({"[UNK]", "abc", "ab", "##cd"}, "abcd") == Strings{"[UNK]"});
  CHECK(split_word({"[UNK]", "##b"}, "b") == Strings{"[UNK]"});
  CHECK(split_word({"[UNK]", "a", "b"}, "ab") == Strings{"[UNK]"});
}

TEST_CASE("wordpiece: a piece ends between characters, never inside one") {
  // The vocabulary holds a lone first byte of U+00E9, as no file could.
  CHECK(split_word({"[UNK]", "\xC3", "a"}, "\u00E9") == Strings{"[UNK]"});
  CHECK(split_word({"[UNK]", "\u00E9", "##\u4E2D"}, "\u00E9\u4E2D") == Strings{"\u00E9", "##\u4E2D"});
}

TEST_CASE("wordpiece: a word of more characters than the limit is unknown; characters are not bytes") {
  const Strings tokens = {"[UNK]", "\u00E9", "##\u00E9"};
  std::string word;
  for (int i = 0; i < 100; ++i) {
    word += "\u00E9";
  }
  CHECK(split_word(tokens, word).size() == 100);
  CHECK(split_word(tokens, word + "\u00E9") == Strings{"[UNK]"});
  CHECK(split_word(tokens, "\u00E9\u00E9", {.max_input_chars_per_word = 1}) == Strings{"[UNK]"});
}

TEST_CASE("wordpiece: another prefix, or none, and another unknown token") {
  CHECK(split_word({"<unk>", "ab", "@c"}, "abc", {.unk_token = "<unk>", .continuing_subword_prefix = "@"}) ==
        Strings{"ab", "@c"});
  CHECK(split_word({"<unk>", "ab", "c"}, "abc", {.unk_token = "<unk>", .continuing_subword_prefix = ""}) ==
        Strings{"ab", "c"});
  CHECK(split_word({"<unk>"}, "abc", {.unk_token = "<unk>"}) == Strings{"<unk>"});
}

TEST_CASE("wordpiece: a vocabulary without the unknown token is refused") {
  CHECK_THROWS_WITH(WordPiece(make_vocabulary({"a"}), {}), Catch::Contains("no '[UNK]'"));
}
