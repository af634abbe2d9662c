// What changed between two texts, line by line and within the line: the form of Python's difflib.ndiff, in which
// torch.jit.trace shows how two graphs differ.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

/// Lines that begin with "  " (in both), "- " (only in the first), "+ " (only in the second), or "? ": marks under the
/// characters of the line before that were replaced (^), left out (-) or added (+).
struct TextDiff {
  std::vector<std::string> lines;
  /// Whether it was too much to compare every line with every other, and lines were paired only where they stand near
  /// each other. The diff is right then too, but may be longer than it needs to be.
  bool narrowed = false;
};

/// The difference of two texts, given as lines without their ends, in UTF-8. Two equal texts give lines that all begin
/// with "  ".
///
/// The lines are those of difflib.ndiff in Python 3.8 to 3.12. Its time grows with the third power of the number of
/// lines; beyond some ten thousand pairs of lines the search goes on as in Python 3.13, in linear time, and `narrowed`
/// is set.
TextDiff diff_lines(const std::vector<std::string>& first, const std::vector<std::string>& second);

/// "a\nb\n" -> {"a", "b"}.
std::vector<std::string> lines_of(const std::string& text);

/// {"a", "b"} -> "a\nb".
std::string joined_lines(const std::vector<std::string>& lines);

}  // namespace bertjit
