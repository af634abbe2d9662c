// The Ratcliff-Obershelp way to match two sequences: the longest common run first, then the same to its left and to its
// right. People find it more natural than a shortest edit script, because what stands together stays together.
// Laws and ties are those of Python's difflib.SequenceMatcher, so that diffs are the same.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace bertjit {

/// Elements as numbers from 0 to the size of the alphabet.
using Sequence = std::vector<uint32_t>;

enum class EditTag { kEqual, kReplace, kDelete, kInsert };

/// How a[a_begin, a_end) became b[b_begin, b_end).
struct Edit {
  EditTag tag;
  size_t a_begin, a_end, b_begin, b_end;
};

/// Borrows both sequences.
class SequenceMatcher {
 public:
  /// `junk` has an entry for each letter of the alphabet: whether a match may not begin with it (blanks in a line).
  explicit SequenceMatcher(std::vector<bool> junk);

  /// Costs more than set_a; set the one that stays first.
  void set_b(const Sequence& b);
  void set_a(const Sequence& a) {
    a_ = &a;
  }

  /// 2 * matched elements / elements of both: 1 for equal sequences.
  double ratio();
  /// Whether ratio() is above `limit`; seldom needs to compute it.
  bool is_above(double limit);

  /// All edits that make b of a, in order, equal runs included.
  std::vector<Edit> edits();

 private:
  struct Match {
    size_t a, b, size;
  };
  struct Range {
    size_t a_begin, a_end, b_begin, b_end;
  };
  Match longest_match(const Range& range);
  Match longest_indexed_match(const Range& range);
  std::vector<Match> matches();
  size_t common_elements();

  std::vector<bool> junk_;
  const Sequence* a_ = nullptr;
  const Sequence* b_ = nullptr;
  std::vector<std::vector<size_t>> places_;  ///< of each letter in b; none for junk and for what is everywhere
  std::vector<int64_t> b_counts_;
  std::vector<int64_t> available_;
  std::vector<size_t> run_;       ///< length of the common run that ends at b[j - 1], for the last element of a
  std::vector<size_t> next_run_;  ///< the same for the element in hand
};

}  // namespace bertjit
