// Expected values: models.Unigram of tokenizers 0.22.2 with the same pieces.
#include "tokenize/unigram.h"

#include <limits>

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Matchers::Contains;
using testing::error_of;
using Ids = std::vector<int32_t>;

namespace {

Unigram make_unigram(const ScoredPieces& pieces, const UnigramOptions& options = {.unk_id = 0}) {
  auto vocabulary = std::make_shared<Vocabulary>();
  for (size_t id = 0; id < pieces.size(); ++id) {
    vocabulary->add(pieces[id].first, static_cast<int64_t>(id), Vocabulary::Repeated::kKeepsItsName);
  }
  return Unigram(vocabulary, pieces, options, "file");
}

Ids ids_of(const Unigram& unigram, std::string_view word) {
  Ids ids;
  unigram.append_ids({&word, 1}, ids);
  return ids;
}

const ScoredPieces kLetters = {{"<unk>", 0}, {"a", -1}, {"b", -1.5},   {"ab", -2},
                               {"abc", -9},  {"c", -3}, {"\u00E9", -2}};

}  // namespace

TEST_CASE("unigram: the most probable pieces win, not the longest") {
  const Unigram unigram = make_unigram(kLetters);
  CHECK(ids_of(unigram, "abc") == Ids{3, 5});
  CHECK(ids_of(unigram, "aab") == Ids{1, 3});
  CHECK(ids_of(unigram, "\u00E9") == Ids{6});
}

TEST_CASE("unigram: several words in one call are several words") {
  const Unigram unigram = make_unigram(kLetters);
  const std::string_view words[] = {"a", "b", "x", "x"};
  Ids ids;
  unigram.append_ids(words, ids);
  CHECK(ids == Ids{1, 2, 0, 0});
}

TEST_CASE("unigram: unknown neighbours are one, the unknown piece spelt out among them") {
  const Unigram unigram = make_unigram(kLetters);
  CHECK(ids_of(unigram, "axb") == Ids{1, 0, 2});
  CHECK(ids_of(unigram, "xyz") == Ids{0});
  CHECK(ids_of(unigram, "axyb") == Ids{1, 0, 2});
  CHECK(ids_of(unigram, "x\u00E9") == Ids{0, 6});
  CHECK(ids_of(unigram, "<unk>") == Ids{0});
  CHECK(ids_of(unigram, "x<unk>y") == Ids{0});
}

TEST_CASE("unigram: of paths that are equally good the one that was found first stays") {
  const Unigram unigram = make_unigram({{"<unk>", 0}, {"2", -1}, {"22", -2}, {"222", -3}});
  CHECK(ids_of(unigram, "22") == Ids{2});
  CHECK(ids_of(unigram, "222") == Ids{3});
  CHECK(ids_of(unigram, "2222") == Ids{1, 3});
  CHECK(ids_of(unigram, "22222") == Ids{2, 3});
}

TEST_CASE("unigram: bytes stand for an unknown stretch if all of them are pieces") {
  ScoredPieces pieces = kLetters;
  pieces.insert(pieces.end(), {{"<0x78>", -5}, {"<0xC3>", -5}, {"<0xA8>", -5}});
  const Unigram unigram = make_unigram(pieces, {.unk_id = 0, .byte_fallback = true});
  CHECK(ids_of(unigram, "axb") == Ids{1, 7, 2});
  CHECK(ids_of(unigram, "\u00E8") == Ids{8, 9});
  CHECK(ids_of(unigram, "\u00EAx") == Ids{0});
  CHECK(ids_of(unigram, "xx") == Ids{7, 7});
  CHECK(ids_of(unigram, "xy") == Ids{0});
  CHECK(ids_of(make_unigram(pieces), "axb") == Ids{1, 0, 2});
}

TEST_CASE("unigram: a piece that comes twice has its later id and score") {
  const Unigram unigram = make_unigram({{"<unk>", 0}, {"a", -1}, {"b", -1}, {"xy", -30}, {"a", -4}, {"ab", -3}});
  CHECK(ids_of(unigram, "a") == Ids{4});
  CHECK(ids_of(unigram, "ab") == Ids{5});
  CHECK(ids_of(unigram, "xya") == Ids{3, 4});
}

TEST_CASE("unigram: scores that are no numbers leave every text an answer") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  const Unigram unigram = make_unigram({{"<unk>", nan}, {"a", nan}, {"b", -infinity}, {"ab", infinity}});
  CHECK(!ids_of(unigram, "aabbxab").empty());
}

TEST_CASE("unigram: a megabyte without a space is done in one pass") {
  const Unigram unigram = make_unigram(kLetters);
  CHECK(ids_of(unigram, std::string(1 << 20, 'a')).size() == 1 << 20);
  CHECK(ids_of(unigram, std::string(1 << 20, 'x')) == Ids{0});
}

TEST_CASE("unigram: no pieces, and an unk_id that is none of them, are corrupt") {
  CHECK_THAT(error_of([] { make_unigram({}); }).what(), Contains("file: has no pieces"));
  CHECK_THAT(error_of([] { make_unigram(kLetters, {.unk_id = 7}); }).what(),
             Contains("'unk_id' is 7, expected 0 to 6"));
}

TEST_CASE("unigram: without unk_id an unknown character is an error that shows it") {
  const Unigram unigram = make_unigram(kLetters, {});
  CHECK(ids_of(unigram, "ab") == Ids{3});
  const Error error = error_of([&] { ids_of(unigram, "a\u20ACb"); });
  CHECK(error.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(error.what(), Contains("text has '\u20AC'"));
}
