// What padding costs: texts put into batches in different ways, and the time that the measured latencies make of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "bench/bench_result.h"

namespace bertjit {

/// Rows that run together, and the length they are padded to.
struct PaddedBatch {
  int64_t rows = 0;
  int64_t length = 0;
};

/// Texts in batches of `batch_size`, the last one of what is left, each padded to its longest text, which counts as one
/// token if it has none. In order as given.
std::vector<PaddedBatch> pad_to_longest(std::span<const int64_t> lengths, int64_t batch_size);

/// Median seconds of a full batch of one length.
struct MeasuredLength {
  int64_t length = 0;
  double seconds = 0;
};

/// Seconds that all batches take: between two measured lengths on the line through them; below the shortest as long as
/// that one, beyond the longest too. A batch that is not full takes its share of a full one. `measured` ascends by
/// length and is not empty.
double estimate_seconds(std::span<const PaddedBatch> batches, int64_t batch_size,
                        std::span<const MeasuredLength> measured);

/// Three ways for each batch size: all padded to texts.max_length; each batch to its longest text, in order; the same
/// of texts sorted by length. With costs for each model and number of threads that has `rows` of that batch size.
std::vector<PaddingPlan> plan_padding(const BenchTexts& texts, std::span<const int64_t> batch_sizes,
                                      std::span<const BenchRow> rows);

}  // namespace bertjit
