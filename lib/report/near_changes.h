// Long diffs, shortened for people.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace bertjit {

/// A line to show, or a run of equal lines to count.
struct DiffPiece {
  size_t line;      ///< index of the line, or of the first of the run
  size_t left_out;  ///< length of the run; 0 for a line that is shown
};

/// The lines of a diff ("  ", "- ", "+ ", "? ") that are changed, with up to three equal ones before and after; what
/// lies between them is left out.
std::vector<DiffPiece> near_changes(const std::vector<std::string>& lines);

}  // namespace bertjit
