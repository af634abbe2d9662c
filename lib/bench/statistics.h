// Many times in few numbers, none of which says more than the runs do.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "bench/bench_result.h"

namespace bertjit {

/// The value below which `share` (0 to 1) of `values` lie, interpolated between neighbours; 0 if there are none.
double quantile(std::vector<double> values, double share);

/// Whether at least one of `count` values lies beyond that quantile, on its nearer side: 10 for 0.9 and 0.1, 100 for
/// 0.99. With fewer it would be the extreme value under another name.
bool supports_quantile(size_t count, double share);

/// With fewer runs nothing can be said of whether they still change.
inline constexpr size_t kRunsToSettle = 10;

/// `settled` is false where the runs went on getting faster or slower: the medians of the first and the second half are
/// more than 5 % apart, and the middle halves of the two do not overlap. A single slow spell is no such change, nor is
/// noise; a slow change of less than 5 % goes unseen.
RunFigures summarize_runs(std::span<const double> seconds);

}  // namespace bertjit
