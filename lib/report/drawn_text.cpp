#include "report/drawn_text.h"

#include <algorithm>
#include <string>

#include "report/columns.h"
#include "report/visible.h"

namespace bertjit {

namespace {

constexpr size_t kWidth = 100;
constexpr size_t kBefore = 4;  ///< layers shown before the blamed one
constexpr size_t kAfter = 3;

constexpr ShapeOutcome kOutcomes[] = {ShapeOutcome::kWorks, ShapeOutcome::kFails, ShapeOutcome::kWrongNumbers,
                                      ShapeOutcome::kRefused};

char mark_of(ShapeOutcome outcome) {
  switch (outcome) {
    case ShapeOutcome::kWorks:
      return '.';
    case ShapeOutcome::kFails:
      return 'x';
    case ShapeOutcome::kWrongNumbers:
      return '!';
    case ShapeOutcome::kRefused:
      break;
  }
  return '-';
}

/// The grid's columns [begin, end).
void print_grid_part(const ShapeGrid& grid, size_t begin, size_t end, const std::string& margin, std::ostream& out) {
  std::vector<std::vector<std::string>> rows{{"batch \\ length"}};
  for (size_t i = begin; i < end; ++i) {
    rows[0].push_back(std::to_string(grid.lengths[i]));
  }
  for (const int64_t batch : grid.batches) {
    std::vector<std::string> row{std::to_string(batch)};
    for (size_t i = begin; i < end; ++i) {
      const ShapeCell* cell = grid.find(batch, grid.lengths[i]);
      row.emplace_back(cell == nullptr ? 0 : 1, cell == nullptr ? ' ' : mark_of(cell->outcome));
    }
    rows.push_back(std::move(row));
  }
  print_columns(rows, std::vector<Align>(end - begin + 1, Align::kRight), margin, out);
}

/// How many columns from `begin` fit beside the head "batch \ length".
size_t fitting_columns(const ShapeGrid& grid, size_t begin, size_t indent) {
  size_t width = indent + std::string("batch \\ length").size();
  size_t end = begin;
  while (end < grid.lengths.size()) {
    width += 2 + std::to_string(grid.lengths[end]).size();
    if (width > kWidth && end > begin) {
      break;
    }
    ++end;
  }
  return end;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

void print_grid(const ShapeGrid& grid, size_t indent, std::ostream& out) {
  const std::string margin(indent, ' ');
  for (size_t begin = 0; begin < grid.lengths.size();) {
    const size_t end = fitting_columns(grid, begin, indent);
    print_grid_part(grid, begin, end, margin, out);
    begin = end;
  }
  std::string legend;
  for (const ShapeOutcome outcome : kOutcomes) {
    if (grid.smallest(outcome)) {
      legend += (legend.empty() ? "" : "   ") + std::string(1, mark_of(outcome)) + " " + shape_outcome_name(outcome);
    }
  }
  out << margin << legend << '\n';
}

std::vector<std::string> grid_troubles(const ShapeGrid& grid) {
  std::vector<std::string> lines;
  for (const ShapeOutcome outcome : kOutcomes) {
    const auto shape = grid.smallest(outcome);
    if (outcome == ShapeOutcome::kWorks || !shape) {
      continue;
    }
    const std::string& detail = grid.find(shape->first, shape->second)->detail;
    lines.push_back(std::to_string(shape->first) + "x" + std::to_string(shape->second) + " " +
                    shape_outcome_name(outcome) + (detail.empty() ? "" : ": " + visible(first_line(detail))));
  }
  return lines;
}

void print_layers(const std::vector<DrawnLayer>& layers, size_t blamed, size_t indent, std::ostream& out) {
  const std::string margin(indent, ' ');
  const size_t begin = blamed < kBefore ? 0 : blamed - kBefore;
  const size_t end = std::min(blamed + kAfter + 1, layers.size());
  std::vector<std::vector<std::string>> rows{{"", "module", "operator", "max_abs_error", "sqnr_db"}};
  for (size_t i = begin; i < end; ++i) {
    const DrawnLayer& layer = layers[i];
    rows.push_back({i == blamed ? ">" : "", visible(layer.name()), visible(layer.op), rounded_text(layer.max_abs_error),
                    layer.sqnr_db ? rounded_text(*layer.sqnr_db) : ""});
  }
  if (begin > 0) {
    out << margin << "… " << grouped(begin) << " before\n";
  }
  print_columns(rows, {Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight}, margin, out);
  if (end < layers.size()) {
    out << margin << "… " << grouped(layers.size() - end) << " after, in the JSON report\n";
  }
}

}  // namespace bertjit
