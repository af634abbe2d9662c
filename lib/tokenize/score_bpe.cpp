#include "tokenize/score_bpe.h"

#include <cstdint>
#include <queue>

#include "support/error.h"
#include "tokenize/unicode.h"

namespace bertjit {

namespace {

constexpr int32_t kNone = -1;

/// A link of the chain of segments; one that was joined to its left neighbour has no text.
struct Link {
  int32_t previous;
  int32_t next;
  std::string_view text;
  bool is_frozen;
};

struct Candidate {
  int32_t left;
  int32_t right;
  float score;
  size_t length;  ///< of both together: a link that has changed since makes another
};

struct IsWorse {
  bool operator()(const Candidate& a, const Candidate& b) const {
    return a.score < b.score || (a.score == b.score && a.left > b.left);
  }
};

std::string_view joined(const Link& left, const Link& right) {
  return {left.text.data(), left.text.size() + right.text.size()};
}

}  // namespace

ScoreBpe::ScoreBpe(const SentencePieceModel& model, const std::string& file)
    : user_defined_(user_defined_pieces(model)) {
  for (const auto& piece : model.pieces) {
    if (piece.type == PieceType::kUnused) {
      throw Error(ErrorKind::kUnsupported,
                  file + ": piece '" + piece.text + "' is of type UNUSED; supported in BPE: all others");
    }
    if (piece.type == PieceType::kNormal || piece.type == PieceType::kUserDefined) {
      pieces_.add(piece.text, static_cast<int64_t>(scores_.size()));
      scores_.push_back(piece.score);
    }
  }
}

std::vector<ScoreBpe::Segment> ScoreBpe::segment(std::string_view normalized) const {
  std::vector<Link> links;
  for (size_t i = 0; i < normalized.size();) {
    const std::string_view rest = normalized.substr(i);
    size_t length = 0;
    user_defined_.visit_prefixes(rest, [&](size_t found, int32_t) { length = found; });
    const bool is_frozen = length > 0;
    if (!is_frozen) {
      next_code_point(rest, length);
    }
    const auto index = static_cast<int32_t>(links.size());
    links.push_back({index - 1, index + 1, rest.substr(0, length), is_frozen});
    i += length;
  }
  if (links.empty()) {
    return {};
  }
  links.back().next = kNone;

  const auto link = [&](int32_t index) -> Link& { return links[static_cast<size_t>(index)]; };
  std::priority_queue<Candidate, std::vector<Candidate>, IsWorse> candidates;
  const auto offer = [&](int32_t left, int32_t right) {
    if (left == kNone || right == kNone || link(left).is_frozen || link(right).is_frozen) {
      return;
    }
    const std::string_view text = joined(link(left), link(right));
    if (const int32_t piece = pieces_.find(text); piece != Vocabulary::kAbsent) {
      candidates.push({left, right, scores_[static_cast<size_t>(piece)], text.size()});
    }
  };
  for (int32_t i = 0; link(i).next != kNone; ++i) {
    offer(i, i + 1);
  }
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Link& left = link(best.left);
    Link& right = link(best.right);
    if (left.text.empty() || right.text.empty() || left.text.size() + right.text.size() != best.length) {
      continue;
    }
    left.text = joined(left, right);
    left.next = right.next;
    if (right.next != kNone) {
      link(right.next).previous = best.left;
    }
    right.text = {};
    offer(left.previous, best.left);
    offer(best.left, left.next);
  }

  std::vector<Segment> segments;
  for (int32_t i = 0; i != kNone; i = link(i).next) {
    segments.push_back({link(i).text, pieces_.find(link(i).text) != Vocabulary::kAbsent});
  }
  return segments;
}

}  // namespace bertjit
