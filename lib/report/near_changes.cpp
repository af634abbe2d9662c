#include "report/near_changes.h"

#include <algorithm>

namespace bertjit {

namespace {

constexpr size_t kContext = 3;

}  // namespace

std::vector<DiffPiece> near_changes(const std::vector<std::string>& lines) {
  std::vector<bool> shown(lines.size());
  for (size_t i = 0; i < lines.size(); ++i) {
    if (lines[i].substr(0, 2) != "  ") {
      const size_t begin = i < kContext ? 0 : i - kContext;
      std::fill(shown.begin() + static_cast<std::ptrdiff_t>(begin),
                shown.begin() + static_cast<std::ptrdiff_t>(std::min(i + kContext + 1, lines.size())), true);
    }
  }
  std::vector<DiffPiece> pieces;
  for (size_t i = 0; i < lines.size();) {
    const size_t begin = i;
    while (i < lines.size() && !shown[i]) {
      ++i;
    }
    if (i > begin) {
      pieces.push_back({begin, i - begin});
    } else {
      pieces.push_back({i++, 0});
    }
  }
  return pieces;
}

}  // namespace bertjit
