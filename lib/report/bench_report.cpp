#include "report/bench_report.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "report/columns.h"
#include "report/decimals.h"
#include "support/progress.h"
#include "support/words.h"

namespace bertjit {

namespace {

using Cells = std::vector<std::string>;

/// Four digits, or all before the point.
std::string milliseconds(double seconds) {
  const double ms = seconds * 1e3;
  return fixed(ms, ms < 10 ? 3 : ms < 100 ? 2 : 1);
}

std::string milliseconds(const std::optional<double>& seconds) {
  return seconds ? milliseconds(*seconds) : "-";
}

std::string bytes_text(const std::optional<uint64_t>& bytes) {
  return bytes ? format_byte_count(static_cast<double>(*bytes)) : "-";
}

std::string rate_text(double rate) {
  return rate <= 0 ? "-" : rate < 1000 ? fixed(rate, 1) : grouped(static_cast<uint64_t>(std::llround(rate)));
}

std::string percent(double share) {
  return fixed(share * 100, 1) + " %";
}

/// A column of numbers about rows.
struct Column {
  std::string title;
  std::function<std::string(const BenchRow&)> cell;
};

/// A percentile that no row has enough runs for has no column.
void add_percentile(std::vector<Column>& columns, const BenchResult& result, const std::string& title,
                    std::optional<double> RunFigures::*percentile) {
  const auto has_it = [&](const BenchRow& row) { return (row.figures.*percentile).has_value(); };
  if (std::ranges::any_of(result.rows, has_it)) {
    columns.push_back({title, [=](const BenchRow& row) { return milliseconds(row.figures.*percentile); }});
  }
}

std::vector<Column> time_columns(const BenchResult& result) {
  std::vector<Column> columns;
  for (size_t i = 0; i < 3; ++i) {
    columns.push_back({"run " + std::to_string(i + 1), [=](const BenchRow& row) {
                         return i < row.first_s.size() ? milliseconds(row.first_s[i]) : "-";
                       }});
  }
  const auto add = [&](const std::string& title, double RunFigures::*value) {
    columns.push_back({title, [=](const BenchRow& row) { return milliseconds(row.figures.*value); }});
  };
  columns.push_back({"runs", [](const BenchRow& row) { return std::to_string(row.runs_s.size()); }});
  add("median", &RunFigures::median);
  add("mean", &RunFigures::mean);
  add("min", &RunFigures::min);
  add_percentile(columns, result, "p90", &RunFigures::p90);
  add_percentile(columns, result, "p95", &RunFigures::p95);
  add_percentile(columns, result, "p99", &RunFigures::p99);
  add("max", &RunFigures::max);
  columns.push_back({"spread", [](const BenchRow& row) {
                       const RunFigures& figures = row.figures;
                       return figures.median > 0 ? percent(figures.quartiles / figures.median) : "-";
                     }});
  return columns;
}

std::vector<Column> rate_columns(const BenchResult& result) {
  std::vector<Column> columns = {{"seq/s", [](const BenchRow& row) { return rate_text(sequences_per_second(row)); }},
                                 {"tokens/s", [](const BenchRow& row) { return rate_text(tokens_per_second(row)); }},
                                 {"peak memory", [](const BenchRow& row) { return bytes_text(row.peak_bytes); }}};
  if (result.models.size() > 1) {
    columns.push_back({"speed", [](const BenchRow& row) { return fixed(row.speedup, 2) + " x"; }});
  }
  return columns;
}

void print_rows(const BenchResult& result, const std::vector<Column>& columns, std::ostream& out) {
  std::vector<Cells> table = {{"model", "shape", "threads"}};
  std::vector<Align> aligns = {Align::kLeft, Align::kRight, Align::kRight};
  for (const Column& column : columns) {
    table[0].push_back(column.title);
    aligns.push_back(Align::kRight);
  }
  for (const BenchRow& row : result.rows) {
    table.push_back({row.model, shape_words(row), std::to_string(row.threads)});
    for (const Column& column : columns) {
      table.back().push_back(column.cell(row));
    }
  }
  print_columns(table, aligns, "  ", out);
}

void print_models(const BenchResult& result, std::ostream& out) {
  std::vector<Cells> table = {{"model", "runs", "weights", "size", "opened in", "memory then"}};
  for (const BenchModel& model : result.models) {
    table.push_back({model.name, model.kind == "eager" ? "untraced" : model.kind,
                     model.dtype.empty() ? "-" : model.dtype,
                     model.size_bytes == 0 ? "-" : format_byte_count(static_cast<double>(model.size_bytes)),
                     fixed(model.open_s, 3) + " s", bytes_text(model.opened_bytes)});
  }
  print_columns(table, {Align::kLeft, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight, Align::kRight}, "  ",
                out);
}

/// Rows whose runs still changed, or are too few to tell.
void print_drift(const BenchResult& result, std::ostream& out) {
  size_t unknown = 0;
  for (const BenchRow& row : result.rows) {
    unknown += row.figures.settled ? 0 : 1;
    if (row.figures.settled == false) {
      out << "  not steady: " << row.model << ", " << shape_words(row) << ", " << grouped_count(row.threads, "thread")
          << ": the second half of the runs took " << percent(std::abs(row.figures.drift))
          << (row.figures.drift > 0 ? " more" : " less")
          << " time than the first; more --warmup, or a quieter machine\n";
    }
  }
  if (unknown > 0) {
    out << "  whether times were steady cannot be told from fewer than 10 runs\n";
  }
}

std::string lengths_line(const BenchTexts& texts) {
  std::vector<int64_t> sorted = texts.lengths;
  std::ranges::sort(sorted);
  // The least length that no more than the rest of the texts exceed.
  const auto at = [&](size_t part, size_t parts) {
    const size_t texts_up_to = std::max<size_t>(1, (sorted.size() * part + parts - 1) / parts);
    return std::to_string(sorted[texts_up_to - 1]);
  };
  const double mean = static_cast<double>(texts.tokens) / static_cast<double>(sorted.size());
  return "tokens " + at(0, 1) + " to " + at(1, 1) + ", mean " + fixed(mean, 1) + ", a quarter up to " + at(1, 4) +
         ", half to " + at(1, 2) + ", three quarters to " + at(3, 4) + ", nine tenths to " + at(9, 10);
}

/// A title for each model, with the threads where there are several numbers of them.
std::string cost_title(const PaddingPlan::Cost& cost, bool with_threads) {
  return cost.model + (with_threads ? ", " + grouped_count(static_cast<uint64_t>(cost.threads), "thread") : "");
}

void print_plans(const BenchTexts& texts, std::ostream& out) {
  std::vector<Cells> table = {{"batch", "padded to", "order", "positions", "padding"}};
  std::vector<Align> aligns = {Align::kRight, Align::kLeft, Align::kLeft, Align::kRight, Align::kRight};
  std::set<int> threads;
  for (const auto& cost : texts.plans.front().costs) {
    threads.insert(cost.threads);
  }
  for (const auto& cost : texts.plans.front().costs) {
    table[0].push_back(cost_title(cost, threads.size() > 1));
    aligns.push_back(Align::kRight);
  }
  for (const PaddingPlan& plan : texts.plans) {
    const auto positions = static_cast<double>(plan.positions);
    table.push_back({std::to_string(plan.batch), plan.padding, plan.sorted ? "by length" : "as given",
                     grouped(static_cast<uint64_t>(plan.positions)),
                     percent((positions - static_cast<double>(texts.tokens)) / positions)});
    for (const auto& cost : plan.costs) {
      table.back().push_back(fixed(cost.seconds, cost.seconds < 1 ? 4 : 2) + " s");
    }
  }
  print_columns(table, aligns, "  ", out);
}

void print_texts(const BenchTexts& texts, std::ostream& out) {
  out << "\nPadding of " << texts.path << ": " << grouped_count(texts.lengths.size(), "text") << ", "
      << grouped(static_cast<uint64_t>(texts.tokens)) << " tokens with the tokenizer of " << texts.tokenizer;
  if (texts.cut > 0) {
    out << "; " << grouped(static_cast<uint64_t>(texts.cut)) << " cut to " << texts.max_length;
  }
  out << "\n  " << lengths_line(texts) << "\n\n";
  print_plans(texts, out);
  out << "  seconds for all texts, estimated from the medians above\n";
}

}  // namespace

std::string shape_words(const BenchRow& row) {
  std::string text;
  for (const int64_t size : row.shape) {
    text += (text.empty() ? "" : "x") + std::to_string(size);
  }
  return text.empty() ? "-" : text;
}

std::string environment_line(const Environment& environment) {
  std::string line = environment.cpu + ", " + grouped_count(static_cast<uint64_t>(environment.cores), "core") + ", " +
                     environment.cpu_capability;
  if (!environment.cpu_features.empty()) {
    line += " (" + joined(environment.cpu_features) + ")";
  }
  return line + "; libtorch " + environment.libtorch + ", " +
         grouped_count(static_cast<uint64_t>(environment.interop_threads), "inter-op thread");
}

double sequences_per_second(const BenchRow& row) {
  const double median = row.figures.median;
  return row.is_of_sequences() && median > 0 ? static_cast<double>(row.shape[0]) / median : 0;
}

double tokens_per_second(const BenchRow& row) {
  return row.is_of_sequences() ? sequences_per_second(row) * static_cast<double>(row.shape[1]) : 0;
}

void print_text(const BenchResult& result, BenchDetail detail, std::ostream& out) {
  out << environment_line(result.environment) << ", int8 by " << result.int8_engine << "\n\n";
  print_models(result, out);
  out << "\nMilliseconds a batch, inference mode:\n";
  print_rows(result, time_columns(result), out);
  print_drift(result, out);
  out << "\nThroughput at the median, and memory:\n";
  print_rows(result, rate_columns(result), out);
  for (const BenchTexts& texts : result.texts) {
    print_texts(texts, out);
  }
  if (detail == BenchDetail::kVerbose) {
    out << "\n" << result.environment.parallel_info;
  }
}

}  // namespace bertjit
