// Several small plots of lines with whiskers on the same axes, as one file of its own: no scripts, nothing fetched,
// light or dark as the reader's screen is.
//
// Series differ by colour, by mark and by dashes, so that none of the three has to be seen.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

struct PanelPlot {
  struct Point {
    double x = 0;
    double y = 0;
    double low = 0;  ///< ends of the whisker; both y for none
    double high = 0;
    std::string label;  ///< shown under the pointer
  };
  struct Line {
    size_t series = 0;
    std::vector<Point> points;  ///< ascending by x
  };
  struct Panel {
    std::string title;
    std::vector<Line> lines;
  };
  std::string title;
  std::string subtitle;
  std::string x_label;
  std::string y_label;
  std::vector<std::string> x_names;  ///< of x = 0, 1, …; empty: x is a number above 0
  std::vector<std::string> series;   ///< names, for the legend
  std::vector<Panel> panels;
  std::vector<std::string> captions;  ///< lines under the panels
};

/// A whole SVG document. All texts are any text; y, low and high are above 0. An axis whose values differ by much is
/// logarithmic: y from a factor of 10, x from one of 4.
std::string svg_panels(const PanelPlot& plot);

}  // namespace bertjit
