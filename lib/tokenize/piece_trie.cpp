#include "tokenize/piece_trie.h"

#include <algorithm>

namespace bertjit {

namespace {

/// The pieces that share the path to a node.
struct Share {
  size_t begin;
  size_t end;
  size_t depth;
};

}  // namespace

PieceTrie::PieceTrie(std::vector<std::pair<std::string_view, int32_t>> pieces) {
  std::sort(pieces.begin(), pieces.end());
  std::vector<Share> shares = {{0, pieces.size(), 0}};
  labels_.push_back('\0');
  for (size_t node = 0; node < shares.size(); ++node) {
    Share share = shares[node];
    children_.push_back(static_cast<uint32_t>(shares.size()));
    values_.push_back(kNone);
    if (share.begin < share.end && pieces[share.begin].first.size() == share.depth) {
      values_.back() = pieces[share.begin++].second;
    }
    while (share.begin < share.end) {
      const char label = pieces[share.begin].first[share.depth];
      size_t end = share.begin;
      while (end < share.end && pieces[end].first[share.depth] == label) {
        ++end;
      }
      shares.push_back({share.begin, end, share.depth + 1});
      labels_.push_back(label);
      share.begin = end;
    }
  }
  children_.push_back(static_cast<uint32_t>(shares.size()));
  for (uint32_t node = children_[0]; node < children_[1]; ++node) {
    roots_[static_cast<uint8_t>(labels_[node])] = node;
  }
}

}  // namespace bertjit
