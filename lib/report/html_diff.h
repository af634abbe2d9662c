// A diff in two columns.
#pragma once

#include <string>

namespace bertjit {

/// A diff in the form of TextBlock::Kind::kDiff as a table: the first text on the left, the second on the right, lines
/// that were changed beside one another with the changed characters marked. Equal lines far from a change are counted;
/// after two thousand rows the rest is too. `caption` is any text.
std::string html_diff(const std::string& caption, const std::string& diff);

}  // namespace bertjit
