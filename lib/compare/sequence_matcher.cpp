#include "compare/sequence_matcher.h"

#include <algorithm>

namespace bertjit {

namespace {

/// From this length on, letters that make up more than a hundredth of b begin no match: blank lines, closing braces.
constexpr size_t kPopularFrom = 200;

double ratio_of(size_t matched, size_t length) {
  return length == 0 ? 1.0 : 2.0 * static_cast<double>(matched) / static_cast<double>(length);
}

}  // namespace

SequenceMatcher::SequenceMatcher(std::vector<bool> junk)
    : junk_(std::move(junk)), places_(junk_.size()), b_counts_(junk_.size()) {}

void SequenceMatcher::set_b(const Sequence& b) {
  b_ = &b;
  for (auto& places : places_) {
    places.clear();
  }
  std::fill(b_counts_.begin(), b_counts_.end(), 0);
  for (size_t j = 0; j < b.size(); ++j) {
    ++b_counts_[b[j]];
    if (!junk_[b[j]]) {
      places_[b[j]].push_back(j);
    }
  }
  if (b.size() >= kPopularFrom) {
    const size_t most = b.size() / 100 + 1;
    for (auto& places : places_) {
      if (places.size() > most) {
        places.clear();
      }
    }
  }
  run_.assign(b.size() + 1, 0);
  next_run_.assign(b.size() + 1, 0);
}

SequenceMatcher::Match SequenceMatcher::longest_indexed_match(const Range& range) {
  Match best{range.a_begin, range.b_begin, 0};
  const auto in_range = [&range](const std::vector<size_t>& places) {
    return std::pair(std::lower_bound(places.begin(), places.end(), range.b_begin),
                     std::lower_bound(places.begin(), places.end(), range.b_end));
  };
  const auto forget = [&](size_t i, std::vector<size_t>& run) {
    const auto [begin, end] = in_range(places_[(*a_)[i]]);
    std::for_each(begin, end, [&run](size_t j) { run[j + 1] = 0; });
  };
  for (size_t i = range.a_begin; i < range.a_end; ++i) {
    const auto [begin, end] = in_range(places_[(*a_)[i]]);
    for (auto place = begin; place != end; ++place) {
      const size_t length = run_[*place] + 1;
      next_run_[*place + 1] = length;
      if (length > best.size) {
        best = {i + 1 - length, *place + 1 - length, length};
      }
    }
    if (i > range.a_begin) {
      forget(i - 1, run_);
    }
    std::swap(run_, next_run_);
  }
  if (range.a_end > range.a_begin) {
    forget(range.a_end - 1, run_);
  }
  return best;
}

SequenceMatcher::Match SequenceMatcher::longest_match(const Range& range) {
  const Sequence& a = *a_;
  const Sequence& b = *b_;
  Match best = longest_indexed_match(range);
  // Letters that begin no match may lengthen one: first those that are merely frequent, then junk.
  for (const bool junk : {false, true}) {
    while (best.a > range.a_begin && best.b > range.b_begin && junk_[b[best.b - 1]] == junk &&
           a[best.a - 1] == b[best.b - 1]) {
      --best.a;
      --best.b;
      ++best.size;
    }
    while (best.a + best.size < range.a_end && best.b + best.size < range.b_end &&
           junk_[b[best.b + best.size]] == junk && a[best.a + best.size] == b[best.b + best.size]) {
      ++best.size;
    }
  }
  return best;
}

std::vector<SequenceMatcher::Match> SequenceMatcher::matches() {
  std::vector<Match> found;
  std::vector<Range> open{{0, a_->size(), 0, b_->size()}};
  while (!open.empty()) {
    const Range range = open.back();
    open.pop_back();
    const Match match = longest_match(range);
    if (match.size == 0) {
      continue;
    }
    found.push_back(match);
    if (range.a_begin < match.a && range.b_begin < match.b) {
      open.push_back({range.a_begin, match.a, range.b_begin, match.b});
    }
    if (match.a + match.size < range.a_end && match.b + match.size < range.b_end) {
      open.push_back({match.a + match.size, range.a_end, match.b + match.size, range.b_end});
    }
  }
  std::sort(found.begin(), found.end(), [](const Match& left, const Match& right) { return left.a < right.a; });
  return found;
}

double SequenceMatcher::ratio() {
  size_t matched = 0;
  for (const Match& match : matches()) {
    matched += match.size;
  }
  return ratio_of(matched, a_->size() + b_->size());
}

size_t SequenceMatcher::common_elements() {
  available_ = b_counts_;
  return static_cast<size_t>(
      std::count_if(a_->begin(), a_->end(), [this](uint32_t letter) { return available_[letter]-- > 0; }));
}

bool SequenceMatcher::is_above(double limit) {
  const size_t length = a_->size() + b_->size();
  return ratio_of(std::min(a_->size(), b_->size()), length) > limit && ratio_of(common_elements(), length) > limit &&
         ratio() > limit;
}

std::vector<Edit> SequenceMatcher::edits() {
  std::vector<Match> found = matches();
  found.push_back({a_->size(), b_->size(), 0});
  std::vector<Edit> result;
  size_t i = 0, j = 0;
  for (const Match& match : found) {
    if (i < match.a || j < match.b) {
      const EditTag tag = j == match.b ? EditTag::kDelete : i == match.a ? EditTag::kInsert : EditTag::kReplace;
      result.push_back({tag, i, match.a, j, match.b});
    }
    i = match.a + match.size;
    j = match.b + match.size;
    if (match.size > 0) {
      // Two runs that touch are one.
      if (!result.empty() && result.back().tag == EditTag::kEqual) {
        result.back().a_end = i;
        result.back().b_end = j;
      } else {
        result.push_back({EditTag::kEqual, match.a, i, match.b, j});
      }
    }
  }
  return result;
}

}  // namespace bertjit
