// The character map of a SentencePiece model, NormalizerSpec.precompiled_charsmap: which strings become which.
//
// A double-array trie (Darts-clone) whose leaves are offsets into a pool of NUL-terminated strings:
//
//   uint32 size of the trie in bytes | units of uint32 | pool
//
// A unit has its label in bits 0–7 (bit 31 set: a leaf, bits 0–30 its value), "has a leaf" in bit 8, and in bits 10–30
// the offset of its children (shifted by 8 where bit 9 is set): the child for byte b of the unit at i is at
// i ^ offset ^ b, its leaf at i ^ offset. All little-endian.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace bertjit {

class Charsmap {
 public:
  /// Reads the bytes of a precompiled_charsmap; `name` stands first in messages.
  ///
  /// Throws Error(kCorrupt) if they end early, a unit points outside the trie, a leaf outside the pool, or the pool is
  /// not UTF-8: afterwards no text can lead a search astray.
  Charsmap(std::string_view bytes, const std::string& name);

  /// What the shortest key that `text` begins with becomes; absent if it begins with none.
  std::optional<std::string_view> find_shortest(std::string_view text) const;

  struct Match {
    size_t length;  ///< of the key
    std::string_view mapped;
  };
  /// The longest key that `text` begins with.
  std::optional<Match> find_longest(std::string_view text) const;

  /// Whether a key is this one ASCII byte.
  bool maps_ascii(char byte) const {
    return ascii_[static_cast<uint8_t>(byte) & 0x7F];
  }

 private:
  void check_units(const std::string& name) const;
  /// Calls visit(length, mapped) for each key that `text` begins with, the shortest first, until it returns false.
  template <typename Visit>
  void visit_keys(std::string_view text, const Visit& visit) const;

  std::vector<uint32_t> units_;
  std::string pool_;
  std::array<bool, 128> ascii_{};
};

}  // namespace bertjit
