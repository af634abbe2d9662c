#include "report/bench_report.h"

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <sstream>

namespace bertjit {

namespace {

std::string milliseconds(double seconds) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(seconds < 0.01 ? 3 : 1) << seconds * 1e3;
  return text.str();
}

std::string first_runs(const BenchRow& row) {
  std::string text;
  for (const double seconds : row.first_s) {
    text += (text.empty() ? "" : " ") + milliseconds(seconds);
  }
  return text;
}

bool is_of_sequences(const BenchRow& row) {
  return row.shape.size() == 2;
}

double sequences_per_second(const BenchRow& row) {
  const double median = quantile(row.runs_s, 0.5);
  return median > 0 ? static_cast<double>(row.shape[0]) / median : 0;
}

std::string rate_text(const BenchRow& row) {
  std::ostringstream text;
  text << std::fixed << std::setprecision(1);
  if (is_of_sequences(row)) {
    text << sequences_per_second(row);
  }
  return text.str();
}

/// "8x128"; "-" without a tensor.
std::string shape_text(const BenchRow& row) {
  std::string text;
  for (const int64_t size : row.shape) {
    text += (text.empty() ? "" : "x") + std::to_string(size);
  }
  return text.empty() ? "-" : text;
}

}  // namespace

double quantile(std::vector<double> values, double share) {
  if (values.empty()) {
    return 0;
  }
  std::sort(values.begin(), values.end());
  const double place = share * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(std::floor(place));
  const size_t above = std::min(below + 1, values.size() - 1);
  return values[below] + (place - static_cast<double>(below)) * (values[above] - values[below]);
}

void print_text(const BenchResult& result, std::ostream& out) {
  size_t widest = 5;
  for (const auto& row : result.rows) {
    widest = std::max(widest, row.model.size());
  }
  const auto line = [&](const std::string& model, const std::vector<std::string>& cells) {
    constexpr int kWidths[] = {11, 9, 7, 9, 9, 9, 9};
    out << std::left << std::setw(static_cast<int>(widest)) << model;
    for (size_t i = 0; i + 1 < cells.size(); ++i) {
      out << "  " << (i == 0 ? std::left : std::right) << std::setw(kWidths[i]) << cells[i];
    }
    out << "  " << cells.back() << "\n";
  };
  line("model", {"kind", "shape", "threads", "median", "p90", "p99", "seq/s", "runs 1 2 3"});
  for (const auto& row : result.rows) {
    line(row.model, {row.kind, shape_text(row), std::to_string(row.threads), milliseconds(quantile(row.runs_s, 0.5)),
                     milliseconds(quantile(row.runs_s, 0.9)), milliseconds(quantile(row.runs_s, 0.99)), rate_text(row),
                     first_runs(row)});
  }
  out << "Milliseconds a batch; CPU capability " << result.cpu_capability << ".\n";
}

nlohmann::ordered_json to_json(const BenchResult& result) {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const auto& row : result.rows) {
    using Json = nlohmann::ordered_json;
    const bool is_of = is_of_sequences(row);
    rows.push_back({{"model", row.model},
                    {"kind", row.kind},
                    {"inputs", row.inputs},
                    {"shape", row.shape},
                    {"batch", is_of ? Json(row.shape[0]) : Json()},
                    {"seq", is_of ? Json(row.shape[1]) : Json()},
                    {"threads", row.threads},
                    {"first_s", row.first_s},
                    {"runs_s", row.runs_s},
                    {"median_s", quantile(row.runs_s, 0.5)},
                    {"p90_s", quantile(row.runs_s, 0.9)},
                    {"p99_s", quantile(row.runs_s, 0.99)},
                    {"sequences_per_s", is_of ? Json(sequences_per_second(row)) : Json()}});
  }
  return {{"schema", "bertjit.bench/1"}, {"cpu_capability", result.cpu_capability}, {"rows", rows}};
}

}  // namespace bertjit
