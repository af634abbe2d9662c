#include "report/bench_svg.h"

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "report/bench_report.h"
#include "report/columns.h"
#include "report/decimals.h"
#include "report/svg_panels.h"

namespace bertjit {

namespace {

/// What rows differ in besides the model; one of them is the x axis, the others tell panels apart.
struct Dimension {
  const char* axis;
  int64_t (*value)(const BenchRow&);
  std::string (*words)(int64_t);
};

constexpr std::array<Dimension, 3> kDimensions = {{
    {"sequence length (tokens)", [](const BenchRow& row) { return row.shape[1]; },
     [](int64_t value) { return "length " + std::to_string(value); }},
    {"batch size (sequences)", [](const BenchRow& row) { return row.shape[0]; },
     [](int64_t value) { return "batch " + std::to_string(value); }},
    {"threads", [](const BenchRow& row) { return static_cast<int64_t>(row.threads); },
     [](int64_t value) { return grouped_count(static_cast<uint64_t>(value), "thread"); }},
}};

/// The first that has several values among the rows, else the first.
size_t choose_axis(const std::vector<BenchRow>& rows) {
  for (size_t i = 0; i < kDimensions.size(); ++i) {
    std::set<int64_t> values;
    for (const BenchRow& row : rows) {
      values.insert(kDimensions[i].value(row));
    }
    if (values.size() > 1) {
      return i;
    }
  }
  return 0;
}

std::string panel_title(const BenchRow& row, size_t axis) {
  std::string title;
  for (size_t i = 0; i < kDimensions.size(); ++i) {
    if (i != axis) {
      title += (title.empty() ? "" : ", ") + kDimensions[i].words(kDimensions[i].value(row));
    }
  }
  return title;
}

PanelPlot::Point point_of(const BenchRow& row, double x) {
  const RunFigures& figures = row.figures;
  PanelPlot::Point point{x, figures.median * 1e3, figures.p10.value_or(figures.min) * 1e3,
                         figures.p90.value_or(figures.max) * 1e3, ""};
  point.label = row.model + ", " + shape_words(row) + ", " + kDimensions[2].words(row.threads) + ": median " +
                fixed(point.y, 3) + " ms, " + fixed(point.low, 3) + " to " + fixed(point.high, 3);
  return point;
}

void add_point(PanelPlot& plot, const std::string& title, const BenchRow& row, double x) {
  auto panel = std::ranges::find(plot.panels, title, &PanelPlot::Panel::title);
  if (panel == plot.panels.end()) {
    panel = plot.panels.insert(panel, {title, {}});
  }
  const auto series = static_cast<size_t>(std::ranges::find(plot.series, row.model) - plot.series.begin());
  auto line = std::ranges::find(panel->lines, series, &PanelPlot::Line::series);
  if (line == panel->lines.end()) {
    line = panel->lines.insert(line, {series, {}});
  }
  line->points.push_back(point_of(row, x));
}

void sort_points(PanelPlot& plot) {
  for (auto& panel : plot.panels) {
    for (auto& line : panel.lines) {
      std::ranges::stable_sort(line.points, {}, &PanelPlot::Point::x);
    }
  }
}

void add_sequences(PanelPlot& plot, const std::vector<BenchRow>& rows) {
  const size_t axis = choose_axis(rows);
  plot.x_label = kDimensions[axis].axis;
  for (const BenchRow& row : rows) {
    add_point(plot, panel_title(row, axis), row, static_cast<double>(kDimensions[axis].value(row)));
  }
}

void add_others(PanelPlot& plot, const std::vector<BenchRow>& rows) {
  plot.x_label = "shape of the first input";
  for (const BenchRow& row : rows) {
    const std::string shape = shape_words(row);
    const auto place = std::ranges::find(plot.x_names, shape);
    const auto x = static_cast<double>(place - plot.x_names.begin());
    if (place == plot.x_names.end()) {
      plot.x_names.push_back(shape);
    }
    add_point(plot, kDimensions[2].words(row.threads), row, x);
  }
}

}  // namespace

std::string bench_svg(const BenchResult& result, const std::string& command) {
  PanelPlot plot{.title = "Latency of a batch",
                 .subtitle = environment_line(result.environment),
                 .y_label = "milliseconds a batch"};
  bool has_few = false;
  for (const BenchRow& row : result.rows) {
    if (std::ranges::find(plot.series, row.model) == plot.series.end()) {
      plot.series.push_back(row.model);
    }
    has_few = has_few || !row.figures.p10;
  }
  const bool are_sequences =
      std::ranges::all_of(result.rows, [](const BenchRow& row) { return row.is_of_sequences(); });
  are_sequences ? add_sequences(plot, result.rows) : add_others(plot, result.rows);
  sort_points(plot);
  plot.captions = {std::string("marks: median of the runs; whiskers: 10th to 90th percentile") +
                       (has_few ? ", fastest to slowest where there are fewer than 10 runs" : ""),
                   command};
  return svg_panels(plot);
}

}  // namespace bertjit
