#include "report/html_figures.h"

#include <algorithm>
#include <optional>
#include <vector>

#include "report/columns.h"
#include "report/drawn_evidence.h"
#include "report/html_diff.h"
#include "report/html_page.h"
#include "report/markup.h"
#include "report/svg_plot.h"

namespace bertjit {

namespace {

/// Of one kind in one check, lest a hundred inputs give a hundred diffs; the tables have the others.
constexpr size_t kMaxFigures = 20;

std::string number_cell(const std::string& text) {
  return "<td class=\"number\">" + text + "</td>";
}

std::string figure(const std::string& caption, const std::string& body) {
  return "<figure>\n<figcaption>" + markup_text(caption) + "</figcaption>\n" + body + "</figure>\n";
}

std::string scrolled(const std::string& caption, const std::string& svg) {
  return "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"" + markup_attribute(caption) + "\">" + svg +
         "</div>\n";
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts{""};
  for (const char c : path) {
    if (c == '.') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

bool is_index(const std::string& part) {
  return !part.empty() && part.find_first_not_of("0123456789") == std::string::npos;
}

/// The first name of all paths where the file has one, "bert" of "bert.embeddings" and "bert.encoder.layer.3"; else "".
std::string root_name(const std::vector<DrawnLayer>& layers) {
  const std::string first = parts_of(layers.front().name()).front();
  const bool holds_layers = std::any_of(layers.begin(), layers.end(), [&](const DrawnLayer& layer) {
    const std::vector<std::string> parts = parts_of(layer.module);
    return parts.front() == first && std::any_of(parts.begin(), parts.end(), is_index);
  });
  return holds_layers ? first : "";
}

/// The part of the model a module belongs to: "layer 3" of "bert.encoder.layer.3.output", else the first name below
/// the root, "pooler" of "bert.pooler.dense".
std::string part_of_model(const std::string& module, const std::string& root) {
  const std::vector<std::string> parts = parts_of(module);
  for (size_t i = 0; i < parts.size(); ++i) {
    if (is_index(parts[i])) {
      return i == 0 ? parts[i] : parts[i - 1] + " " + parts[i];
    }
  }
  return parts.size() > 1 && parts[0] == root ? parts[1] : parts[0];
}

LogPlot layer_plot(const std::vector<DrawnLayer>& layers, std::optional<size_t> blamed, const std::string& caption) {
  LogPlot plot;
  plot.title = caption + ": greatest absolute error of each tensor, in the order of execution";
  plot.x_label = "order of execution";
  plot.y_label = "greatest absolute error";
  plot.marked = blamed;
  const std::string root = root_name(layers);
  for (const DrawnLayer& layer : layers) {
    const std::string part = part_of_model(layer.name(), root);
    if (plot.groups.empty() || plot.groups.back().label != part) {
      plot.groups.push_back({plot.points.size(), part});
    }
    plot.points.push_back({layer.max_abs_error, layer.name() + (layer.op.empty() ? "" : " " + layer.op) + ": " +
                                                    number_text(layer.max_abs_error)});
  }
  return plot;
}

std::string layers_figure(const std::vector<DrawnLayer>& layers, const CheckResult& check, const std::string& caption) {
  const bool blames = check.verdict == Verdict::kFail || check.verdict == Verdict::kWarn;
  const auto blamed = blames ? std::optional(blamed_layer(layers, check.where)) : std::nullopt;
  std::string body = scrolled(caption, svg_log_plot(layer_plot(layers, blamed, caption)));
  if (blamed) {
    const DrawnLayer& layer = layers[*blamed];
    body += "<p>Marked: <code>" + markup_text(layer.name()) + "</code> " + markup_text(layer.op) + ", error " +
            rounded_text(layer.max_abs_error) +
            (*blamed > 0 ? ", before it " + rounded_text(layers[*blamed - 1].max_abs_error) : "") +
            (*blamed > 0 && lies_in(layers[*blamed - 1].module, check.where) && !lies_in(layer.module, check.where)
                 ? ": the first that is measured after <code>" + markup_text(check.where) + "</code>"
                 : "") +
            ".</p>\n";
  }
  std::string rows =
      "<tr><th scope=\"col\">#</th><th scope=\"col\">module</th><th scope=\"col\">operator</th>"
      "<th scope=\"col\">max_abs_error</th><th scope=\"col\">sqnr_db</th></tr>\n";
  for (size_t i = 0; i < layers.size(); ++i) {
    rows += "<tr>" + number_cell(std::to_string(i + 1)) + "<td><code>" + markup_text(layers[i].name()) +
            "</code></td><td>" + markup_text(layers[i].op) + "</td>" +
            number_cell(number_text(layers[i].max_abs_error)) +
            number_cell(layers[i].sqnr_db ? number_text(*layers[i].sqnr_db) : "") + "</tr>\n";
  }
  return figure(caption, body + html_fold("Numbers", html_table(caption, "rows", rows)));
}

struct CellLook {
  const char* kind;
  const char* mark;
};

CellLook look_of(ShapeOutcome outcome) {
  switch (outcome) {
    case ShapeOutcome::kWorks:
      return {"works", "✓"};
    case ShapeOutcome::kFails:
      return {"fails", "✗"};
    case ShapeOutcome::kWrongNumbers:
      return {"wrong", "≠"};
    case ShapeOutcome::kRefused:
      break;
  }
  return {"refused", "–"};
}

std::string grid_cell(const ShapeCell* cell, int64_t batch, int64_t length) {
  if (cell == nullptr) {
    return "<td><span class=\"quiet\" title=\"not tried\">·</span></td>";
  }
  const CellLook look = look_of(cell->outcome);
  const std::string words = std::to_string(batch) + "x" + std::to_string(length) + " " +
                            shape_outcome_name(cell->outcome) + (cell->detail.empty() ? "" : ": " + cell->detail);
  return std::string("<td class=\"") + look.kind + "\"><span role=\"img\" title=\"" + markup_attribute(words) +
         "\" aria-label=\"" + shape_outcome_name(cell->outcome) + "\">" + look.mark + "</span></td>";
}

/// What is not simply in order, shape by shape.
std::string grid_details(const ShapeGrid& grid) {
  std::vector<std::pair<std::string, std::string>> terms;
  for (const auto& [shape, cell] : grid.cells) {
    if (cell.outcome != ShapeOutcome::kWorks) {
      terms.emplace_back(
          std::to_string(shape.first) + "x" + std::to_string(shape.second) + " " + shape_outcome_name(cell.outcome),
          markup_text(cell.detail));
    }
  }
  return terms.empty() ? "" : html_fold("What was said of the shapes that do not work", html_terms(terms));
}

std::string grid_figure(const ShapeGrid& grid, const std::string& caption) {
  std::string rows = "<tr><th scope=\"col\">batch \\ length</th>";
  for (const int64_t length : grid.lengths) {
    rows += "<th scope=\"col\">" + std::to_string(length) + "</th>";
  }
  rows += "</tr>\n";
  for (const int64_t batch : grid.batches) {
    rows += "<tr><th scope=\"row\">" + std::to_string(batch) + "</th>";
    for (const int64_t length : grid.lengths) {
      rows += grid_cell(grid.find(batch, length), batch, length);
    }
    rows += "</tr>\n";
  }
  std::string legend;
  for (const ShapeOutcome outcome :
       {ShapeOutcome::kWorks, ShapeOutcome::kFails, ShapeOutcome::kWrongNumbers, ShapeOutcome::kRefused}) {
    if (const auto shape = grid.smallest(outcome)) {
      legend += std::string("<span><b>") + look_of(outcome).mark + "</b> " + shape_outcome_name(outcome) +
                (outcome == ShapeOutcome::kWorks
                     ? ""
                     : ", the smallest " + std::to_string(shape->first) + "x" + std::to_string(shape->second)) +
                "</span> ";
    }
  }
  return figure(caption,
                html_table(caption, "grid", rows) + "<p class=\"legend\">" + legend + "</p>\n" + grid_details(grid));
}

/// "0", "1e-7 to 1e-6".
std::string bin_name(const ErrorBin& bin) {
  return bin.from == bin.to ? rounded_text(bin.from) : rounded_text(bin.from) + " to " + rounded_text(bin.to);
}

std::string histogram_figure(const ErrorHistogram& histogram, const std::string& caption) {
  const std::string name = caption + ", output " + histogram.output;
  BarPlot plot;
  plot.title = name + ": number of elements by absolute error";
  plot.x_label = "absolute error, from";
  std::string rows = "<tr><th scope=\"col\">absolute error</th><th scope=\"col\">elements</th></tr>\n";
  for (const ErrorBin& bin : histogram.bins) {
    plot.bars.push_back({rounded_text(bin.from),
                         bin_name(bin) + ": " + grouped_count(static_cast<uint64_t>(bin.count), "element"), bin.count});
    rows += "<tr>" + number_cell(bin_name(bin)) + number_cell(grouped(static_cast<uint64_t>(bin.count))) + "</tr>\n";
  }
  return figure(name, scrolled(name, svg_bar_plot(plot)) + html_fold("Numbers", html_table(name, "rows", rows)));
}

/// Finds what can be drawn, wherever it lies.
class FigureFinder {
 public:
  explicit FigureFinder(const CheckResult& check) : check_(check) {}

  /// `path` says where the fields lie: "inputs 2, ".
  void search(const EvidenceFields& fields, const std::string& path) {
    for (const Evidence& field : fields) {
      if (!draw(field, path)) {
        descend(field, path);
      }
    }
  }

  std::string finish() {
    if (left_out_ > 0) {
      markup_ += "<p class=\"quiet\">… " + grouped_count(left_out_, "more figure") +
                 ": their numbers are in the JSON report</p>\n";
    }
    return std::move(markup_);
  }

 private:
  bool draw(const Evidence& field, const std::string& path) {
    if (const auto layers = read_layers(field)) {
      add(layers_figure(*layers, check_, path + "error by layer"));
    } else if (const auto grid = read_grid(field)) {
      add(grid_figure(*grid, path + "batch sizes and lengths"));
    } else if (const auto histograms = read_histograms(field)) {
      for (const ErrorHistogram& histogram : *histograms) {
        add(histogram_figure(histogram, path + "distribution of the errors"));
      }
    } else if (const auto* block = std::get_if<TextBlock>(&field.value);
               block != nullptr && block->kind == TextBlock::Kind::kDiff) {
      add(figure(path + field.key, html_diff(path + field.key, block->text)));
    } else {
      return false;
    }
    return true;
  }

  void descend(const Evidence& field, const std::string& path) {
    if (const auto* fields = std::get_if<EvidenceFields>(&field.value)) {
      search(*fields, path + field.key + ", ");
    } else if (const auto* rows = std::get_if<EvidenceRows>(&field.value)) {
      for (size_t i = 0; i < rows->size(); ++i) {
        search((*rows)[i], path + field.key + " " + std::to_string(i + 1) + ", ");
      }
    }
  }

  void add(const std::string& markup) {
    if (count_++ < kMaxFigures) {
      markup_ += markup;
    } else {
      ++left_out_;
    }
  }

  const CheckResult& check_;
  std::string markup_;
  size_t count_ = 0;
  size_t left_out_ = 0;
};

}  // namespace

std::string html_figures(const CheckResult& check) {
  FigureFinder finder(check);
  finder.search(check.evidence, "");
  return finder.finish();
}

}  // namespace bertjit
