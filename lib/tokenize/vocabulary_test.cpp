#include "tokenize/vocabulary.h"

#include "support/error.h"
#include "testing/testing.h"

using namespace bertjit;

namespace {

Vocabulary make_vocabulary(const std::vector<std::pair<std::string, int64_t>>& tokens) {
  Vocabulary vocabulary;
  for (const auto& [token, id] : tokens) {
    vocabulary.add(token, id);
  }
  return vocabulary;
}

}  // namespace

TEST_CASE("vocabulary: 50,000 tokens are found both ways, and their neighbours are not") {
  Vocabulary vocabulary;
  for (int64_t i = 0; i < 50000; ++i) {
    vocabulary.add("t" + std::to_string(i), i);
  }
  CHECK(vocabulary.size() == 50000);
  size_t wrong = 0;
  for (int64_t i = 0; i < 50000; ++i) {
    const std::string token = "t" + std::to_string(i);
    wrong += vocabulary.find(token) != i || vocabulary.token(i) != token;
    wrong += vocabulary.find("u" + std::to_string(i)) != Vocabulary::kAbsent;
  }
  CHECK(wrong == 0);
  CHECK(vocabulary.token(50000) == std::nullopt);
  CHECK(vocabulary.token(-1) == std::nullopt);
}

TEST_CASE("vocabulary: a hash built from a prefix and a rest finds the whole token, and only that") {
  const Vocabulary vocabulary = make_vocabulary({{"##ing", 0}, {"ing", 1}});
  const uint64_t hash = Vocabulary::hash_bytes(Vocabulary::hash_bytes(Vocabulary::kHashSeed, "##"), "ing");
  CHECK(vocabulary.find_hashed(hash, "##", "ing") == 0);
  CHECK(vocabulary.find_hashed(hash, "##", "inh") == Vocabulary::kAbsent);
}

TEST_CASE("vocabulary: a token added again has the later id, and the earlier id no token") {
  const Vocabulary vocabulary = make_vocabulary({{"a", 0}, {"b", 1}, {"a", 2}, {"c", 3}});
  CHECK(vocabulary.size() == 3);
  CHECK(vocabulary.find("a") == 2);
  CHECK(vocabulary.token(0) == std::nullopt);
  CHECK(vocabulary.token(2) == "a");
  CHECK(vocabulary.token(3) == "c");
}

TEST_CASE("vocabulary: ids may have gaps and come in any order; of two tokens with one id the later names it") {
  const Vocabulary vocabulary = make_vocabulary({{"far", 1000000}, {"zero", 0}, {"two", 2}, {"also zero", 0}});
  CHECK(vocabulary.token(1000000) == "far");
  CHECK(vocabulary.token(0) == "also zero");
  CHECK(vocabulary.find("zero") == 0);
  CHECK(vocabulary.token(2) == "two");
  CHECK(vocabulary.token(1) == std::nullopt);
}

TEST_CASE("vocabulary: empty tokens and tokens with NUL are kept apart") {
  const std::string nul(1, '\0');
  const Vocabulary vocabulary = make_vocabulary({{"", 0}, {nul, 1}, {nul + nul, 2}});
  CHECK(vocabulary.find("") == 0);
  CHECK(vocabulary.find(nul) == 1);
  CHECK(vocabulary.find(nul + nul) == 2);
}

TEST_CASE("vocabulary: an id that is negative or too large is refused by name") {
  Vocabulary vocabulary;
  CHECK_THROWS_WITH(vocabulary.add("x", -1), Catch::Contains("'x' has id -1"));
  CHECK_THROWS_WITH(vocabulary.add("x", int64_t{1} << 40), Catch::Contains("1099511627776"));
}

TEST_CASE("vocabulary: a token that is added again may keep the name of its first id") {
  Vocabulary vocabulary;
  for (int64_t id = 0; id < 3000; ++id) {  // enough to grow
    vocabulary.add(std::to_string(id % 2000), id, Vocabulary::Repeated::kKeepsItsName);
  }
  CHECK(vocabulary.size() == 3000);
  CHECK(vocabulary.find("7") == 2007);
  CHECK(vocabulary.token(7) == "7");
  CHECK(vocabulary.token(2007) == "7");
  CHECK(vocabulary.find("1500") == 1500);
}
