// Expected values: the published behaviour of tokenizers' AddedVocabulary, checked with tokenizers 0.22.2.
#include "tokenize/added_tokens.h"

#include "testing/testing.h"

using namespace bertjit;

namespace {

std::string lowercase(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
  }
  return lower;
}

AddedTokens make_tokens(const std::vector<AddedToken>& tokens) {
  AddedTokens added;
  for (const AddedToken& token : tokens) {
    added.add(token, {});
  }
  added.build_matchers(lowercase);
  return added;
}

/// Pieces as text, tokens as "#id".
std::vector<std::string> names(const std::vector<TextPiece>& pieces) {
  std::vector<std::string> shown;
  for (const TextPiece& piece : pieces) {
    shown.push_back(piece.id == Vocabulary::kAbsent ? std::string(piece.text) : "#" + std::to_string(piece.id));
  }
  return shown;
}

std::vector<std::string> split_raw(const std::vector<AddedToken>& tokens, std::string_view text) {
  std::vector<TextPiece> pieces;
  make_tokens(tokens).split_raw(text, pieces);
  return names(pieces);
}

AddedToken raw(const std::string& content) {
  return {.content = content, .normalized = false};
}

using Pieces = std::vector<std::string>;

}  // namespace

TEST_CASE("added tokens: found anywhere in the text, also inside words and at its ends") {
  const std::vector<AddedToken> tokens = {raw("[CLS]"), raw("[MASK]")};
  CHECK(split_raw(tokens, "[CLS]a[MASK]b [MASK]") == Pieces{"#0", "a", "#1", "b ", "#1"});
  CHECK(split_raw(tokens, "[mask] [MAS") == Pieces{"[mask] [MAS"});
  CHECK(split_raw(tokens, "[[MASK]]") == Pieces{"[", "#1", "]"});
  CHECK(split_raw(tokens, "").empty());
}

TEST_CASE("added tokens: the leftmost match wins, then the longest") {
  const std::vector<AddedToken> tokens = {raw("ab"), raw("abcd"), raw("bcdef"), raw("abc")};
  CHECK(split_raw(tokens, "abcdef") == Pieces{"#1", "ef"});
  CHECK(split_raw(tokens, "abcx") == Pieces{"#3", "x"});
  CHECK(split_raw(tokens, "abx") == Pieces{"#0", "x"});
  CHECK(split_raw(tokens, "xbcdef") == Pieces{"x", "#2"});
}

TEST_CASE("added tokens: lstrip and rstrip take the white space beside the token, Unicode's too") {
  AddedToken left = raw("<L>");
  left.lstrip = true;
  AddedToken right = raw("<R>");
  right.rstrip = true;
  CHECK(split_raw({left, right}, "a \u2003<L> b") == Pieces{"a", "#0", " b"});
  CHECK(split_raw({left, right}, "a <R>\t\u00A0b") == Pieces{"a ", "#1", "b"});
  CHECK(split_raw({left, right}, "<R>  <L>") == Pieces{"#1", "#0"});
  CHECK(split_raw({left, right}, "  <L>") == Pieces{"#0"});
}

TEST_CASE("added tokens: single_word tokens do not touch word characters") {
  AddedToken word = raw("foo");
  word.single_word = true;
  CHECK(split_raw({word}, "foo, foo") == Pieces{"#0", ", ", "#0"});
  CHECK(split_raw({word}, "foot") == Pieces{"foot"});
  CHECK(split_raw({word}, "\u00E9foo") == Pieces{"\u00E9foo"});
  CHECK(split_raw({word}, "foo_") == Pieces{"foo_"});
}

TEST_CASE("added tokens: normalized ones are found in normal form, in normalized text only") {
  const AddedTokens added = make_tokens({{.content = "<Mask>"}, raw("[SEP]")});
  CHECK(added.has_normalized());
  std::vector<TextPiece> pieces;
  added.split_normalized("a <mask>[SEP]", pieces);
  CHECK(names(pieces) == Pieces{"a ", "#0", "[SEP]"});
  pieces.clear();
  added.split_raw("a <Mask>[SEP]", pieces);
  CHECK(names(pieces) == Pieces{"a <Mask>", "#1"});
}

TEST_CASE("added tokens: known ones keep the vocabulary's id, new ones come after it and after one another") {
  Vocabulary vocabulary;
  for (const auto& [token, id] : std::vector<std::pair<std::string, int64_t>>{{"a", 0}, {"[SEP]", 1}, {"b", 2}}) {
    vocabulary.add(token, id);
  }
  AddedTokens added;
  for (const std::string content : {"[SEP]", "new", "newer", "new", ""}) {
    added.add(raw(content), vocabulary);
  }
  CHECK(added.find("[SEP]") == 1);
  CHECK(added.find("new") == 3);
  CHECK(added.find("newer") == 4);
  CHECK(added.find("a") == std::nullopt);
  CHECK(added.find("") == std::nullopt);
  CHECK(added.count_new() == 2);
  CHECK(added.token(4) == "newer");
  CHECK(added.token(5) == std::nullopt);
}

TEST_CASE("added tokens: malformed bytes around a token do not hide it") {
  CHECK(split_raw({raw("[SEP]")}, "\xE2\x82[SEP]\x82") == Pieces{"\xE2\x82", "#0", "\x82"});
}
