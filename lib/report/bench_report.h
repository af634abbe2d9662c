// What `bertjit bench` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "bench/bench_result.h"

namespace bertjit {

/// A table: a line for each model, shape and number of threads.
void print_text(const BenchResult& result, std::ostream& out);

/// Schema "bertjit.bench/1" with the seconds of every run.
nlohmann::ordered_json to_json(const BenchResult& result);

/// The value below which `share` (0 to 1) of `values` lie, interpolated between neighbours; 0 if there are none.
double quantile(std::vector<double> values, double share);

}  // namespace bertjit
