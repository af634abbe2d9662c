// The plot of `bertjit bench --svg`.
#pragma once

#include <string>

#include "bench/bench_result.h"

namespace bertjit {

/// Latency of every model by length, a panel for each batch size and number of threads. Where there is one length, by
/// batch size or by threads, whichever there are several of; inputs that are no sequences have a place each.
///
/// Marks are medians; whiskers go from p10 to p90, below 10 runs from the fastest to the slowest. `command` says how
/// the numbers came about. There is at least one row.
std::string bench_svg(const BenchResult& result, const std::string& command);

}  // namespace bertjit
