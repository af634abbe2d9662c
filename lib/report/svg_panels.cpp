#include "report/svg_panels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <set>
#include <sstream>

#include "report/columns.h"
#include "report/markup.h"
#include "report/svg_elements.h"

namespace bertjit {

namespace {

constexpr double kWidth = 960;
constexpr double kMargin = 16;
constexpr double kGap = 24;
constexpr double kPanelHeight = 300;
constexpr double kAxisLeft = 62;  ///< of a panel, for the numbers and the title of its axis
constexpr double kAxisBottom = 44;
constexpr double kAxisTop = 30;  ///< for the panel's title
constexpr double kLineHeight = 19;
constexpr double kLogFromY = 10;
constexpr double kLogFromX = 4;
constexpr double kMostDodge = 6;    ///< between the marks of two series on one place
constexpr double kDodgeWidth = 32;  ///< between those of the first series and the last

constexpr std::array kDashes = {"", "7 4", "2 3", "10 3 2 3", "12 5"};
constexpr size_t kColours = 6;
constexpr size_t kMarks = 6;

constexpr const char* kStyle = R"(
svg { --page: #ffffff; --text: #1f2328; --quiet: #57606a; --line: #d0d7de; --c0: #0550ae; --c1: #b35000; --c2: #1a7f37;
  --c3: #8250df; --c4: #bf3989; --c5: #4d6170; font: 11px system-ui, "Segoe UI", "DejaVu Sans", sans-serif; }
@media (prefers-color-scheme: dark) {
  svg { --page: #0d1117; --text: #e6edf3; --quiet: #9aa4af; --line: #3d444d; --c0: #79b8ff; --c1: #f0a04b; --c2: #6fdd8b;
    --c3: #d2a8ff; --c4: #ff8fd0; --c5: #adbac7; }
}
.page { fill: var(--page); } text { fill: var(--text); } .title { font-size: 15px; font-weight: 600; }
.panel { font-size: 12px; font-weight: 600; } .quiet { fill: var(--quiet); }
.axis { stroke: var(--quiet); } .tick { stroke: var(--line); }
.curve { fill: none; stroke-width: 1.6; } .whisker { stroke-width: 1.2; } .mark { stroke-width: 1.6; }
.s0 { stroke: var(--c0); fill: var(--c0); } .s1 { stroke: var(--c1); fill: var(--c1); } .s2 { stroke: var(--c2); fill: var(--c2); }
.s3 { stroke: var(--c3); fill: var(--c3); } .s4 { stroke: var(--c4); fill: var(--c4); } .s5 { stroke: var(--c5); fill: var(--c5); }
path.curve { fill: none; } .hollow { fill: var(--page); }
)";

/// Where values lie on the page.
struct Scale {
  double low = 0;
  double high = 1;
  bool is_log = false;
  double begin = 0;  ///< where `low` is
  double end = 1;    ///< where `high` is

  double at(double value) const {
    const double share = is_log ? std::log(value / low) / std::log(high / low) : (value - low) / (high - low);
    return begin + share * (end - begin);
  }
};

struct Range {
  double low = INFINITY;
  double high = -INFINITY;

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

/// 1, 2 and 5 times powers of ten from below `low` to above `high`.
std::vector<double> log_ticks(double low, double high) {
  std::vector<double> ticks;
  for (int exponent = static_cast<int>(std::floor(std::log10(low))); std::pow(10, exponent) <= high; ++exponent) {
    for (const double digit : {1.0, 2.0, 5.0}) {
      ticks.push_back(digit * std::pow(10, exponent));
    }
  }
  constexpr double kRounding = 1e-9;
  const auto first =
      std::find_if(ticks.rbegin(), ticks.rend(), [&](double tick) { return tick <= low * (1 + kRounding); });
  ticks.erase(ticks.begin(), first.base() - 1);
  const auto last = std::ranges::find_if(ticks, [&](double tick) { return tick >= high * (1 - kRounding); });
  if (last != ticks.end()) {
    ticks.erase(last + 1, ticks.end());
  } else {
    ticks.push_back(std::pow(10, std::ceil(std::log10(high))));
  }
  return ticks;
}

/// From 0 in about five round steps.
std::vector<double> linear_ticks(double high) {
  const double rough = high / 5;
  const double power = std::pow(10, std::floor(std::log10(rough)));
  const double digit = rough / power;
  const double step = power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
  std::vector<double> ticks;
  for (int i = 0; ticks.empty() || ticks.back() < high * (1 - 1e-9); ++i) {
    ticks.push_back(step * i);
  }
  return ticks;
}

std::string classed(const std::string& kind, const std::string& label) {
  return "<text class=\"" + kind + "\"" + label.substr(std::string("<text").size());
}

/// Broken at blanks into lines that fit across the page; a word that does not stays whole.
std::vector<std::string> wrapped(const std::string& text) {
  constexpr size_t kMostCharacters = static_cast<size_t>((kWidth - 2 * kMargin) / kSvgCharacter);
  std::vector<std::string> lines(1);
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!lines.back().empty() && count_characters(lines.back()) + 1 + count_characters(word) > kMostCharacters) {
      lines.emplace_back();
    }
    lines.back() += (lines.back().empty() ? "" : " ") + word;
  }
  return lines;
}

std::string move_to(double x, double y, const char* how) {
  return how + svg_number(x) + " " + svg_number(y);
}

/// A mark of six shapes, the second half of them hollow.
std::string mark_path(size_t shape, double x, double y) {
  constexpr double r = 4.5;
  switch (shape % 3) {
    case 0:
      return move_to(x - r, y, "M") + "a" + svg_number(r) + " " + svg_number(r) + " 0 1 0 " + svg_number(2 * r) +
             " 0a" + svg_number(r) + " " + svg_number(r) + " 0 1 0 " + svg_number(-2 * r) + " 0z";
    case 1:
      return move_to(x - r + 0.5, y - r + 0.5, "M") + "h8v8h-8z";
    default:
      return move_to(x, y - r - 1, "M") + move_to(x + r + 1, y + r - 0.5, "L") + move_to(x - r - 1, y + r - 0.5, "L") +
             "z";
  }
}

std::string series_class(size_t series) {
  return "s" + std::to_string(series % kColours);
}

std::string dash_of(size_t series) {
  const std::string dash = kDashes[series % kDashes.size()];
  return dash.empty() ? "" : " stroke-dasharray=\"" + dash + "\"";
}

std::string mark_of(size_t series, double x, double y) {
  const bool is_hollow = series % kMarks >= kMarks / 2;
  return "<path class=\"" + series_class(series) + (is_hollow ? " hollow" : "") + " mark\" d=\"" +
         mark_path(series % kMarks, x, y) + "\"/>";
}

/// Draws one plot.
class PanelDrawing {
 public:
  explicit PanelDrawing(const PanelPlot& plot) : plot_(plot) {
    for (const auto& panel : plot.panels) {
      for (const auto& line : panel.lines) {
        for (const auto& point : line.points) {
          y_range_.add(point.low);
          y_range_.add(point.high);
          y_range_.add(point.y);
          places_.insert(point.x);
        }
      }
    }
    is_log_y_ = y_range_.high >= kLogFromY * y_range_.low;
    ticks_ = is_log_y_ ? log_ticks(y_range_.low, y_range_.high) : linear_ticks(y_range_.high);
    columns_ = plot.panels.size() > 1 ? 2 : 1;
  }

  std::string draw() {
    std::string body = head();
    const double width =
        (kWidth - 2 * kMargin - kGap * static_cast<double>(columns_ - 1)) / static_cast<double>(columns_);
    const double top = y_;
    for (size_t i = 0; i < plot_.panels.size(); ++i) {
      const double left = kMargin + static_cast<double>(i % columns_) * (width + kGap);
      const double panel_top = top + static_cast<double>(i / columns_) * (kPanelHeight + kGap / 2);
      body += draw_panel(plot_.panels[i], left, panel_top, width);
      y_ = panel_top + kPanelHeight;
    }
    y_ += kLineHeight;
    for (const std::string& caption : plot_.captions) {
      body += quiet_lines(caption);
    }
    return open() + body + "</svg>\n";
  }

 private:
  std::string open() const {
    const std::string size = svg_number(kWidth);
    const std::string height = svg_number(y_);
    return "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" width=\"" + size + "\" height=\"" + height +
           "\" viewBox=\"0 0 " + size + " " + height + "\" aria-label=\"" + markup_attribute(plot_.title) +
           "\">\n<title>" + markup_text(plot_.title) + "</title>\n<style>" + kStyle +
           "</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
  }

  std::string quiet_lines(const std::string& text) {
    std::string svg;
    for (const std::string& line : wrapped(text)) {
      svg += classed("quiet", svg_label("start", kMargin, y_, line));
      y_ += kLineHeight;
    }
    return svg;
  }

  /// Titles and the legend, one series a line.
  std::string head() {
    y_ = 26;
    std::string svg = classed("title", svg_label("start", kMargin, y_, plot_.title));
    y_ += kLineHeight;
    svg += quiet_lines(plot_.subtitle);
    y_ += 6 - kLineHeight;
    for (size_t i = 0; i < plot_.series.size(); ++i) {
      y_ += kLineHeight;
      svg += "<path class=\"curve " + series_class(i) + "\"" + dash_of(i) + " d=\"" + move_to(kMargin, y_ - 4, "M") +
             "h48\"/>" + mark_of(i, kMargin + 24, y_ - 4) + svg_label("start", kMargin + 58, y_, plot_.series[i]);
    }
    y_ += kLineHeight;
    return svg;
  }

  std::string draw_panel(const PanelPlot::Panel& panel, double left, double top, double width) const {
    const double x_begin = left + kAxisLeft;
    const double x_end = left + width;
    const double y_begin = top + kPanelHeight - kAxisBottom;
    const double y_end = top + kAxisTop;
    const Scale y{ticks_.front(), ticks_.back(), is_log_y_, y_begin, y_end};
    const Scale x = x_scale(x_begin, x_end);
    std::string svg = "<g>\n" + classed("panel", svg_label("start", x_begin, top + 16, panel.title));
    for (const double tick : ticks_) {
      svg += svg_line("tick", x_begin, y.at(tick), x_end, y.at(tick));
      svg += svg_label("end", x_begin - 6, y.at(tick) + 4, number_text(std::round(tick * 1e9) / 1e9));
    }
    svg += x_ticks(x, y_begin);
    svg += svg_line("axis", x_begin, y_begin, x_end, y_begin) + svg_line("axis", x_begin, y_begin, x_begin, y_end);
    svg += svg_label("middle", (x_begin + x_end) / 2, y_begin + 36, plot_.x_label);
    svg += "<g transform=\"rotate(-90 " + svg_number(left + 12) + " " + svg_number((y_begin + y_end) / 2) + ")\">" +
           svg_label("middle", left + 12, (y_begin + y_end) / 2, plot_.y_label) + "</g>\n";
    for (const auto& line : panel.lines) {
      svg += draw_line(line, x, y);
    }
    return svg + "</g>\n";
  }

  /// Names and numbers stand off the ends of the axis.
  Scale x_scale(double begin, double end) const {
    constexpr double kInset = 34;
    Scale scale{*places_.begin(), *places_.rbegin(), false, begin + kInset, end - kInset};
    scale.is_log = plot_.x_names.empty() && scale.high >= kLogFromX * scale.low;
    if (scale.low == scale.high) {
      scale.low -= 1;
      scale.high += 1;
    }
    return scale;
  }

  std::string x_ticks(const Scale& x, double y) const {
    std::string svg;
    double free_from = -INFINITY;
    for (const double place : places_) {
      const std::string text =
          plot_.x_names.empty() ? number_text(place) : plot_.x_names[static_cast<size_t>(std::lround(place))];
      const double half = kSvgCharacter * static_cast<double>(count_characters(text)) / 2;
      svg += svg_line("axis", x.at(place), y, x.at(place), y + 4);
      if (x.at(place) - half >= free_from) {
        svg += svg_label("middle", x.at(place), y + 18, text);
        free_from = x.at(place) + half + kSvgCharacter;
      }
    }
    return svg;
  }

  std::string draw_line(const PanelPlot::Line& line, const Scale& x, const Scale& y) const {
    const auto last = static_cast<double>(plot_.series.size() - 1);
    const double dodge = std::min(kMostDodge, kDodgeWidth / std::max(last, 1.0));
    const double shift = dodge * (static_cast<double>(line.series) - last / 2);
    const std::string kind = series_class(line.series);
    std::string path;
    std::string points;
    for (const auto& point : line.points) {
      const double at_x = x.at(point.x) + shift;
      path += move_to(at_x, y.at(point.y), path.empty() ? "M" : "L");
      points += "<g><title>" + markup_text(point.label) + "</title>";
      const std::string whisker = "whisker " + kind;
      points += svg_line(whisker.c_str(), at_x, y.at(point.low), at_x, y.at(point.high));
      for (const double end : {point.low, point.high}) {
        points += svg_line(whisker.c_str(), at_x - 3, y.at(end), at_x + 3, y.at(end));
      }
      points += mark_of(line.series, at_x, y.at(point.y)) + "</g>\n";
    }
    return "<path class=\"curve " + kind + "\"" + dash_of(line.series) + " d=\"" + path + "\"/>\n" + points;
  }

  const PanelPlot& plot_;
  Range y_range_;
  std::set<double> places_;
  bool is_log_y_ = false;
  std::vector<double> ticks_;
  size_t columns_ = 1;
  double y_ = 0;  ///< how far down the page is filled
};

}  // namespace

std::string svg_panels(const PanelPlot& plot) {
  return PanelDrawing(plot).draw();
}

}  // namespace bertjit
