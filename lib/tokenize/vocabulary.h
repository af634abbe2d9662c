// The tokens of a model and their ids: one flat table, looked up without allocating.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

/// A map between tokens and ids, both ways.
///
/// The hash of a token is built byte by byte, so that a caller who tries every prefix of a word (WordPiece) hashes the
/// word once: feed bytes to hash_byte() from kHashSeed and ask find_hashed() wherever it likes.
class Vocabulary {
 public:
  static constexpr int32_t kAbsent = -1;
  static constexpr uint64_t kHashSeed = 0xCBF29CE484222325;

  Vocabulary();

  /// What becomes of the id that a token had when it is added again.
  enum class Repeated {
    kLosesItsId,    ///< it has no name any more and does not count (a map of tokens to ids)
    kKeepsItsName,  ///< it is still called so, and counts (Unigram's list of pieces)
  };

  /// Adds a token. One that is already there gets the new id; two tokens may share an id, and the later is then the
  /// name of that id. Throws Error(kUnsupported) if `id` is negative or 2^30 or more.
  void add(std::string_view token, int64_t id, Repeated repeated = Repeated::kLosesItsId);

  /// The id of `token`, or kAbsent.
  int32_t find(std::string_view token) const;
  /// The id of the token `prefix + rest`, whose hash the caller has, or kAbsent.
  int32_t find_hashed(uint64_t hash, std::string_view prefix, std::string_view rest) const;

  static uint64_t hash_byte(uint64_t state, char byte) {
    return (state ^ static_cast<unsigned char>(byte)) * 0x9E3779B97F4A7C15;
  }
  static uint64_t hash_bytes(uint64_t state, std::string_view bytes);

  /// The token of an id. Valid until the next add().
  std::optional<std::string_view> token(int64_t id) const;

  /// Number of tokens that have an id. Ids may be larger: a file may leave gaps.
  size_t size() const {
    return size_;
  }
  size_t longest_token_bytes() const {
    return longest_token_bytes_;
  }

 private:
  struct Entry {
    size_t offset;
    size_t length;
    int32_t id;  ///< kAbsent: the token was added again, later
  };
  struct Slot {
    uint32_t tag;    ///< bits of the hash that tell most strangers apart without looking at their text
    uint32_t entry;  ///< index + 1; 0 is a free slot
  };

  std::string_view text(const Entry& entry) const {
    return {pool_.data() + entry.offset, entry.length};
  }
  /// Index of the slot that holds `prefix + rest`, or of the free one where it belongs.
  size_t locate(uint64_t hash, std::string_view prefix, std::string_view rest) const;
  void grow();

  std::string pool_;
  std::vector<Entry> entries_;             ///< the entry of id i is at i, in vocabularies that list 0, 1, 2 …
  std::map<int64_t, uint32_t> displaced_;  ///< id → entry, for those that are not
  std::vector<Slot> slots_;
  int shift_;  ///< the top 64 - shift_ bits of a hash name its slot
  size_t size_ = 0;
  size_t longest_token_bytes_ = 0;
};

}  // namespace bertjit
