// A trie of the pieces of a vocabulary: all pieces that begin at a place in a text, in one walk.
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace bertjit {

/// Nodes lie breadth first, so the children of one stand side by side and those of the next follow: a node is its label
/// (one byte), where its children begin, and its value. Some 9 bytes a node, a million for XLM-RoBERTa's 250,000
/// pieces.
class PieceTrie {
 public:
  static constexpr int32_t kNone = -1;

  /// `pieces` are texts, all different, and their values (>= 0). An empty text is never found. The texts need not
  /// outlive the constructor.
  explicit PieceTrie(std::vector<std::pair<std::string_view, int32_t>> pieces);

  /// Calls visit(length in bytes, value) for each piece that `text` begins with, the shortest first.
  template <typename Visit>
  void visit_prefixes(std::string_view text, const Visit& visit) const {
    if (text.empty()) {
      return;
    }
    uint32_t node = roots_[static_cast<uint8_t>(text[0])];
    for (size_t length = 1; node != 0; ++length) {
      if (values_[node] != kNone) {
        visit(length, values_[node]);
      }
      if (length == text.size()) {
        return;
      }
      node = child(node, text[length]);
    }
  }

 private:
  /// 0, the root, stands for none.
  uint32_t child(uint32_t node, char label) const {
    const uint32_t begin = children_[node];
    const uint32_t count = children_[node + 1] - begin;
    if (count == 0) {
      return 0;
    }
    const void* found = std::memchr(labels_.data() + begin, static_cast<uint8_t>(label), count);
    return found == nullptr ? 0 : static_cast<uint32_t>(static_cast<const char*>(found) - labels_.data());
  }

  std::vector<char> labels_;
  std::vector<uint32_t> children_;  ///< of node i: from children_[i] to children_[i + 1]
  std::vector<int32_t> values_;
  std::array<uint32_t, 256> roots_{};  ///< children of the root by label
};

}  // namespace bertjit
