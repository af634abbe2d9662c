#include "tokenize/charsmap.h"

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

constexpr uint32_t kLeaf = uint32_t{1} << 31;

bool has_leaf(uint32_t unit) {
  return (unit >> 8 & 1) != 0;
}

uint32_t offset_of(uint32_t unit) {
  return (unit >> 10) << ((unit & (1U << 9)) >> 6);
}

uint32_t read_u32(std::string_view bytes, size_t position) {
  uint32_t value = 0;
  for (size_t i = 4; i-- > 0;) {
    value = value << 8 | static_cast<uint8_t>(bytes[position + i]);
  }
  return value;
}

[[noreturn]] void fail(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::kCorrupt, name + ": 'precompiled_charsmap' " + what);
}

}  // namespace

Charsmap::Charsmap(std::string_view bytes, const std::string& name) {
  if (bytes.size() < 4) {
    fail(name, "is " + std::to_string(bytes.size()) + " bytes long, expected a size of 4 bytes and more");
  }
  const uint32_t trie_bytes = read_u32(bytes, 0);
  if (trie_bytes > bytes.size() - 4 || trie_bytes % 4 != 0 || trie_bytes == 0) {
    fail(name, "has a trie of " + std::to_string(trie_bytes) + " bytes, expected a multiple of 4 up to " +
                   std::to_string(bytes.size() - 4));
  }
  units_.reserve(trie_bytes / 4);
  for (size_t i = 0; i < trie_bytes; i += 4) {
    units_.push_back(read_u32(bytes, 4 + i));
  }
  pool_ = bytes.substr(4 + trie_bytes);
  if (!pool_.empty() && pool_.back() != '\0') {
    pool_.push_back('\0');
  }
  if (const size_t bad = find_malformed_utf8(pool_); bad != std::string_view::npos) {
    fail(name, "has strings that are not UTF-8, at byte " + std::to_string(4 + trie_bytes + bad));
  }
  check_units(name);
  for (size_t byte = 1; byte < ascii_.size(); ++byte) {
    const char text = static_cast<char>(byte);
    ascii_[byte] = find_shortest({&text, 1}).has_value();
  }
}

void Charsmap::check_units(const std::string& name) const {
  // A search begins at the root's children, whatever the root is.
  if ((units_[0] & kLeaf) != 0) {
    fail(name, "has a leaf for its root");
  }
  for (size_t i = 0; i < units_.size(); ++i) {
    const uint32_t unit = units_[i];
    if ((unit & kLeaf) != 0) {
      continue;
    }
    // Children differ from i ^ offset in the low byte only, so they lie in one block of 256.
    const size_t children = i ^ offset_of(unit);
    if ((children | 0xFF) >= units_.size()) {
      fail(name, "has a unit " + std::to_string(i) + " whose children are at " + std::to_string(children) +
                     ", expected below " + std::to_string(units_.size()));
    }
    if (has_leaf(unit)) {
      const size_t value = units_[children] & ~kLeaf;
      if (value >= pool_.size() || (static_cast<uint8_t>(pool_[value]) & 0xC0) == 0x80) {
        fail(name, "has a leaf with offset " + std::to_string(value) + ", expected the start of a character of its " +
                       std::to_string(pool_.size()) + " bytes of strings");
      }
    }
  }
}

template <typename Visit>
void Charsmap::visit_keys(std::string_view text, const Visit& visit) const {
  size_t node = offset_of(units_[0]);
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    node ^= byte;
    const uint32_t unit = units_[node];
    if (byte == 0 || (unit & (kLeaf | 0xFF)) != byte) {
      return;
    }
    node ^= offset_of(unit);
    if (has_leaf(unit) && !visit(i + 1, std::string_view(pool_.data() + (units_[node] & ~kLeaf)))) {
      return;
    }
  }
}

std::optional<std::string_view> Charsmap::find_shortest(std::string_view text) const {
  std::optional<std::string_view> found;
  visit_keys(text, [&](size_t, std::string_view mapped) {
    found = mapped;
    return false;
  });
  return found;
}

std::optional<Charsmap::Match> Charsmap::find_longest(std::string_view text) const {
  std::optional<Match> found;
  visit_keys(text, [&](size_t length, std::string_view mapped) {
    found = Match{length, mapped};
    return true;
  });
  return found;
}

}  // namespace bertjit
