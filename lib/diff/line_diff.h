// The difference of two texts as `diff -u` prints it.
//
// E. W. Myers, "An O(ND) Difference Algorithm and Its Variations" (1986): a shortest list of lines to leave out and put
// in. Time and memory grow with the number of such lines, not with the texts.
#pragma once

#include <cstdint>
#include <string>

namespace bertjit {

struct LineDiff {
  uint64_t removed = 0;  ///< lines of the first text alone
  uint64_t added = 0;
  /// Hunks "@@ -3,4 +3,5 @@" with three lines of context; no file names before them. Empty for equal texts.
  std::string text;
};

/// Texts with more than some thousand lines apart are paired less well: what stands between their common beginning and
/// end is then left out and put in as a whole.
LineDiff diff_texts(const std::string& first, const std::string& second);

}  // namespace bertjit
