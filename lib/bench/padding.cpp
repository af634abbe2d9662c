#include "bench/padding.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

namespace bertjit {

namespace {

double seconds_of_length(int64_t length, std::span<const MeasuredLength> measured) {
  const auto above = std::ranges::lower_bound(measured, length, {}, &MeasuredLength::length);
  if (above == measured.end()) {
    return measured.back().seconds;
  }
  if (above == measured.begin()) {
    return above->seconds;
  }
  const auto below = std::prev(above);
  const double share = static_cast<double>(length - below->length) / static_cast<double>(above->length - below->length);
  return below->seconds + share * (above->seconds - below->seconds);
}

/// Medians of one model, batch size and number of threads, by length.
struct LatencyLine {
  std::string model;
  int threads;
  std::vector<MeasuredLength> measured;
};

std::vector<LatencyLine> lines_of(std::span<const BenchRow> rows, int64_t batch_size) {
  std::vector<LatencyLine> lines;
  for (const BenchRow& row : rows) {
    if (!row.is_of_sequences() || row.shape[0] != batch_size) {
      continue;
    }
    auto line = std::ranges::find_if(
        lines, [&](const LatencyLine& one) { return one.model == row.model && one.threads == row.threads; });
    if (line == lines.end()) {
      line = lines.insert(line, {row.model, row.threads, {}});
    }
    line->measured.push_back({row.shape[1], row.figures.median});
  }
  for (LatencyLine& line : lines) {
    std::ranges::sort(line.measured, {}, &MeasuredLength::length);
  }
  return lines;
}

PaddingPlan make_plan(const std::vector<PaddedBatch>& batches, int64_t batch_size, std::string padding,
                      const std::vector<LatencyLine>& lines) {
  PaddingPlan plan{.batch = batch_size, .padding = std::move(padding)};
  for (const PaddedBatch& batch : batches) {
    plan.positions += batch.rows * batch.length;
  }
  for (const LatencyLine& line : lines) {
    plan.costs.push_back({line.model, line.threads, estimate_seconds(batches, batch_size, line.measured)});
  }
  return plan;
}

}  // namespace

std::vector<PaddedBatch> pad_to_longest(std::span<const int64_t> lengths, int64_t batch_size) {
  std::vector<PaddedBatch> batches;
  const auto size = static_cast<size_t>(batch_size);
  for (size_t begin = 0; begin < lengths.size(); begin += size) {
    const auto rows = lengths.subspan(begin, std::min(size, lengths.size() - begin));
    batches.push_back({static_cast<int64_t>(rows.size()), std::max<int64_t>(1, std::ranges::max(rows))});
  }
  return batches;
}

double estimate_seconds(std::span<const PaddedBatch> batches, int64_t batch_size,
                        std::span<const MeasuredLength> measured) {
  double seconds = 0;
  for (const PaddedBatch& batch : batches) {
    const double share = static_cast<double>(batch.rows) / static_cast<double>(batch_size);
    seconds += share * seconds_of_length(batch.length, measured);
  }
  return seconds;
}

std::vector<PaddingPlan> plan_padding(const BenchTexts& texts, std::span<const int64_t> batch_sizes,
                                      std::span<const BenchRow> rows) {
  std::vector<PaddingPlan> plans;
  const std::vector<int64_t> all_max(texts.lengths.size(), texts.max_length);
  std::vector<int64_t> sorted = texts.lengths;
  std::ranges::sort(sorted, std::greater<>());
  for (const int64_t size : batch_sizes) {
    const std::vector<LatencyLine> lines = lines_of(rows, size);
    plans.push_back(make_plan(pad_to_longest(all_max, size), size, "max", lines));
    plans.push_back(make_plan(pad_to_longest(texts.lengths, size), size, "longest", lines));
    plans.push_back(make_plan(pad_to_longest(sorted, size), size, "longest", lines));
    plans.back().sorted = true;
  }
  return plans;
}

}  // namespace bertjit
