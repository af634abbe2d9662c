#include "report/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "report/columns.h"
#include "report/markup.h"
#include "report/svg_elements.h"

namespace bertjit {

namespace {

// In the units of the viewBox, which the page scales to its width.
constexpr double kWidth = 960;
constexpr double kLeft = 78;
constexpr double kRight = 946;
constexpr double kTop = 30;
constexpr double kBottom = 270;
constexpr double kBand = 34;  ///< height of the places for zero and for what is not finite
constexpr int kMaxTicks = 8;

std::string open_svg(const std::string& title, double height) {
  return "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 " + svg_number(kWidth) + " " + svg_number(height) +
         "\" aria-label=\"" + markup_attribute(title) + "\">\n";
}

/// Where values lie: whole powers of ten, and the two bands.
class LogAxis {
 public:
  explicit LogAxis(const std::vector<LogPlot::Point>& points) {
    double low = 400;
    double high = -400;
    for (const auto& point : points) {
      if (!std::isfinite(point.value)) {
        has_infinite_ = true;
      } else if (point.value == 0) {
        has_zero_ = true;
      } else {
        low = std::min(low, std::log10(std::abs(point.value)));
        high = std::max(high, std::log10(std::abs(point.value)));
      }
    }
    is_empty_ = low > high;
    low_ = is_empty_ ? 0 : static_cast<int>(std::floor(low));
    high_ = is_empty_ ? 1 : std::max(static_cast<int>(std::ceil(high)), low_ + 1);
    top_ = kTop + (has_infinite_ ? kBand : 0);
    bottom_ = kBottom - (has_zero_ ? kBand : 0);
  }

  double y(double value) const {
    if (!std::isfinite(value)) {
      return kTop + kBand / 2;
    }
    if (value == 0) {
      return kBottom - kBand / 2;
    }
    return bottom_ - (std::log10(std::abs(value)) - low_) / (high_ - low_) * (bottom_ - top_);
  }

  std::string ticks() const {
    std::string svg;
    const int step = (high_ - low_ + kMaxTicks - 1) / kMaxTicks;
    for (int exponent = low_; exponent <= high_ && !is_empty_; exponent += step) {
      const double at = bottom_ - static_cast<double>(exponent - low_) / (high_ - low_) * (bottom_ - top_);
      svg += svg_line("tick", kLeft, at, kRight, at);
      svg += svg_label("end", kLeft - 6, at + 4, "1e" + std::to_string(exponent));
    }
    if (has_zero_) {
      svg += svg_label("end", kLeft - 6, kBottom - kBand / 2 + 4, "0");
    }
    if (has_infinite_) {
      svg += svg_label("end", kLeft - 6, kTop + kBand / 2 + 4, "inf, nan");
    }
    return svg;
  }

 private:
  bool has_infinite_ = false;
  bool has_zero_ = false;
  bool is_empty_ = false;
  int low_ = 0;
  int high_ = 1;
  double top_ = kTop;
  double bottom_ = kBottom;
};

double x_of(size_t index, size_t count) {
  return kLeft + (static_cast<double>(index) + 0.5) / static_cast<double>(count) * (kRight - kLeft);
}

/// Every other part shaded, with its name where it fits.
std::string groups(const LogPlot& plot) {
  std::string svg;
  const auto edge = [&plot](size_t index) {
    return x_of(index, plot.points.size()) - x_of(0, plot.points.size()) + kLeft;
  };
  double free_from = 0;
  for (size_t i = 0; i < plot.groups.size(); ++i) {
    const double begin = edge(plot.groups[i].begin);
    const double end = edge(i + 1 < plot.groups.size() ? plot.groups[i + 1].begin : plot.points.size());
    if (i % 2 == 1) {
      svg += "<rect class=\"band\" x=\"" + svg_number(begin) + "\" y=\"" + svg_number(kTop) + "\" width=\"" +
             svg_number(end - begin) + "\" height=\"" + svg_number(kBottom - kTop) + "\"/>\n";
    }
    const double half = kSvgCharacter * static_cast<double>(count_characters(plot.groups[i].label)) / 2;
    const double middle = std::clamp((begin + end) / 2, half, kWidth - half);
    if (middle - half >= free_from) {
      svg += svg_label("middle", middle, kBottom + 16, plot.groups[i].label);
      free_from = middle + half + kSvgCharacter;
    }
  }
  return svg;
}

std::string points(const LogPlot& plot, const LogAxis& axis) {
  std::string path;
  std::string dots;
  const char* radius = plot.points.size() > 150 ? "2" : "3.5";
  for (size_t i = 0; i < plot.points.size(); ++i) {
    const std::string x = svg_number(x_of(i, plot.points.size()));
    const std::string y = svg_number(axis.y(plot.points[i].value));
    path += (path.empty() ? "" : " ") + x + "," + y;
    const bool marked = plot.marked == i;
    dots += std::string("<circle class=\"") + (marked ? "point marked" : "point") + "\" cx=\"" + x + "\" cy=\"" + y +
            "\" r=\"" + (marked ? "6" : radius) + "\"><title>" + markup_text(plot.points[i].label) +
            "</title></circle>\n";
  }
  return "<polyline class=\"curve\" points=\"" + path + "\"/>\n" + dots;
}

}  // namespace

std::string svg_log_plot(const LogPlot& plot) {
  if (plot.points.empty()) {
    return "";
  }
  const LogAxis axis(plot.points);
  std::string svg = open_svg(plot.title, kBottom + 44);
  svg += groups(plot) + axis.ticks();
  svg += svg_line("axis", kLeft, kTop, kLeft, kBottom) + svg_line("axis", kLeft, kBottom, kRight, kBottom);
  if (plot.marked && *plot.marked < plot.points.size()) {
    const double x = x_of(*plot.marked, plot.points.size());
    svg += svg_line("mark", x, kTop, x, kBottom);
  }
  svg += points(plot, axis);
  svg +=
      svg_label("start", 4, 16, plot.y_label) + svg_label("middle", (kLeft + kRight) / 2, kBottom + 36, plot.x_label);
  return svg + "</svg>\n";
}

std::string svg_bar_plot(const BarPlot& plot) {
  if (plot.bars.empty()) {
    return "";
  }
  int64_t most = 1;
  for (const auto& bar : plot.bars) {
    most = std::max(most, bar.count);
  }
  constexpr double kMaxWidth = 90;
  constexpr double kFloor = 180;
  const double step = std::min(kMaxWidth, (kRight - kLeft) / static_cast<double>(plot.bars.size()));
  std::string svg = open_svg(plot.title, kFloor + 44);
  double free_from = 0;
  for (size_t i = 0; i < plot.bars.size(); ++i) {
    const auto& bar = plot.bars[i];
    const double height = bar.count <= 0 ? 0
                                         : std::log10(1.0 + static_cast<double>(bar.count)) /
                                               std::log10(1.0 + static_cast<double>(most)) * (kFloor - kTop);
    const double x = kLeft + step * static_cast<double>(i);
    svg += "<rect class=\"bar\" x=\"" + svg_number(x + step * 0.1) + "\" y=\"" + svg_number(kFloor - height) +
           "\" width=\"" + svg_number(step * 0.8) + "\" height=\"" + svg_number(height) + "\"><title>" +
           markup_text(bar.detail) + "</title></rect>\n";
    const std::string count = grouped(static_cast<uint64_t>(bar.count));
    const double half =
        kSvgCharacter * static_cast<double>(std::max(count_characters(count), count_characters(bar.label))) / 2;
    const double middle = x + step / 2;
    if (middle - half >= free_from) {
      svg +=
          svg_label("middle", middle, kFloor - height - 5, count) + svg_label("middle", middle, kFloor + 16, bar.label);
      free_from = middle + half;
    }
  }
  const double right = kLeft + step * static_cast<double>(plot.bars.size());
  svg += svg_line("axis", kLeft, kFloor, right, kFloor);
  svg += svg_label("start", 4, 16, "elements") + svg_label("middle", (kLeft + right) / 2, kFloor + 36, plot.x_label);
  return svg + "</svg>\n";
}

}  // namespace bertjit
