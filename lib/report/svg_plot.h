// Plots as inline SVG, which the style of report/html_style.h colours.
//
// They are drawn for readers who see them; the numbers belong in a table beside them. Labels are any text.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace bertjit {

/// One line of values over their order, by powers of ten. What a logarithm does not show has places of its own: zeros
/// below the axis, NaN and infinities above it.
struct LogPlot {
  struct Point {
    double value;
    std::string label;  ///< shown under the pointer
  };
  struct Group {
    size_t begin;       ///< index of its first point
    std::string label;  ///< under the axis, where there is room
  };
  std::string title;
  std::string x_label;
  std::string y_label;
  std::vector<Point> points;
  std::vector<Group> groups;     ///< ascending; the first begins at 0
  std::optional<size_t> marked;  ///< the point to look at
};

/// "" without points.
std::string svg_log_plot(const LogPlot& plot);

/// Counts as bars; their heights are logarithms, so that one element among a million can be seen.
struct BarPlot {
  struct Bar {
    std::string label;   ///< under the bar: a word or a number
    std::string detail;  ///< shown under the pointer
    int64_t count;       ///< not negative
  };
  std::string title;
  std::string x_label;
  std::vector<Bar> bars;
};

/// "" without bars.
std::string svg_bar_plot(const BarPlot& plot);

}  // namespace bertjit
