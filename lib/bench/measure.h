// The two parts of a measurement: the first runs of every row, and the long part in which models take turns.
#pragma once

#include <vector>

#include "bench/contestant.h"

namespace bertjit {

/// When the runs that count end: after `least` of them, and once they have taken `least_s` seconds together, at the
/// latest after `most`.
struct RunLimits {
  int64_t least = 0;
  double least_s = 0;
  int64_t most = 0;
};

/// As BenchOptions::runs and duration_s say. Where neither is set it is 10 runs, and more up to a second, and not more
/// than 1000: a tiny model would fill the report.
RunLimits limits_of(const BenchOptions& options);

/// The rows of a BenchResult. Contestants have their batches. Throws what the runners throw.
std::vector<BenchRow> measure(std::vector<Contestant>& contestants, const BenchOptions& options);

}  // namespace bertjit
