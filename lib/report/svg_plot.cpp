#include "report/svg_plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <sstream>

#include "report/columns.h"
#include "report/markup.h"

namespace bertjit {

namespace {

// In the units of the viewBox, which the page scales to its width.
constexpr double kWidth = 960;
constexpr double kLeft = 78;
constexpr double kRight = 946;
constexpr double kTop = 30;
constexpr double kBottom = 270;
constexpr double kBand = 34;        ///< height of the places for zero and for what is not finite
constexpr double kCharacter = 6.6;  ///< width of one, at the font's 11 units
constexpr int kMaxTicks = 8;

std::string place(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string open_svg(const std::string& title, double height) {
  return "<svg class=\"plot\" role=\"img\" viewBox=\"0 0 " + place(kWidth) + " " + place(height) + "\" aria-label=\"" +
         markup_attribute(title) + "\">\n";
}

std::string line(const char* kind, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + place(x1) + "\" y1=\"" + place(y1) + "\" x2=\"" +
         place(x2) + "\" y2=\"" + place(y2) + "\"/>\n";
}

std::string label(const char* anchor, double x, double y, const std::string& text) {
  return std::string("<text text-anchor=\"") + anchor + "\" x=\"" + place(x) + "\" y=\"" + place(y) + "\">" +
         markup_text(text) + "</text>\n";
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
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
      svg += line("tick", kLeft, at, kRight, at);
      svg += label("end", kLeft - 6, at + 4, "1e" + std::to_string(exponent));
    }
    if (has_zero_) {
      svg += label("end", kLeft - 6, kBottom - kBand / 2 + 4, "0");
    }
    if (has_infinite_) {
      svg += label("end", kLeft - 6, kTop + kBand / 2 + 4, "inf, nan");
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
      svg += "<rect class=\"band\" x=\"" + place(begin) + "\" y=\"" + place(kTop) + "\" width=\"" + place(end - begin) +
             "\" height=\"" + place(kBottom - kTop) + "\"/>\n";
    }
    const double half = kCharacter * static_cast<double>(characters(plot.groups[i].label)) / 2;
    const double middle = std::clamp((begin + end) / 2, half, kWidth - half);
    if (middle - half >= free_from) {
      svg += label("middle", middle, kBottom + 16, plot.groups[i].label);
      free_from = middle + half + kCharacter;
    }
  }
  return svg;
}

std::string points(const LogPlot& plot, const LogAxis& axis) {
  std::string path;
  std::string dots;
  const char* radius = plot.points.size() > 150 ? "2" : "3.5";
  for (size_t i = 0; i < plot.points.size(); ++i) {
    const std::string x = place(x_of(i, plot.points.size()));
    const std::string y = place(axis.y(plot.points[i].value));
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
  svg += line("axis", kLeft, kTop, kLeft, kBottom) + line("axis", kLeft, kBottom, kRight, kBottom);
  if (plot.marked && *plot.marked < plot.points.size()) {
    const double x = x_of(*plot.marked, plot.points.size());
    svg += line("mark", x, kTop, x, kBottom);
  }
  svg += points(plot, axis);
  svg += label("start", 4, 16, plot.y_label) + label("middle", (kLeft + kRight) / 2, kBottom + 36, plot.x_label);
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
    svg += "<rect class=\"bar\" x=\"" + place(x + step * 0.1) + "\" y=\"" + place(kFloor - height) + "\" width=\"" +
           place(step * 0.8) + "\" height=\"" + place(height) + "\"><title>" + markup_text(bar.detail) +
           "</title></rect>\n";
    const std::string count = grouped(static_cast<uint64_t>(bar.count));
    const double half = kCharacter * static_cast<double>(std::max(characters(count), characters(bar.label))) / 2;
    const double middle = x + step / 2;
    if (middle - half >= free_from) {
      svg += label("middle", middle, kFloor - height - 5, count) + label("middle", middle, kFloor + 16, bar.label);
      free_from = middle + half;
    }
  }
  const double right = kLeft + step * static_cast<double>(plot.bars.size());
  svg += line("axis", kLeft, kFloor, right, kFloor);
  svg += label("start", 4, 16, "elements") + label("middle", (kLeft + right) / 2, kFloor + 36, plot.x_label);
  return svg + "</svg>\n";
}

}  // namespace bertjit
