// What `bertjit bench` prints.
#pragma once

#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "bench/bench_result.h"

namespace bertjit {

enum class BenchDetail {
  kUsual,
  kVerbose,  ///< what libtorch says of its threads, too
};

/// Tables of the models, of times, of throughput and memory, and of padding; a line for each model, shape and number of
/// threads.
void print_text(const BenchResult& result, BenchDetail detail, std::ostream& out);

/// Schema "bertjit.bench/1" with the seconds of every run.
nlohmann::ordered_json to_json(const BenchResult& result);

/// "8x128"; "-" without a tensor.
std::string shape_words(const BenchRow& row);

/// "AMD EPYC, 2 cores, AVX512 (avx512_vnni, avx512_bf16); libtorch 2.13.0, 1 inter-op thread".
std::string environment_line(const Environment& environment);

/// Sequences, and positions of them, that the model gets through in a second at its median; 0 where the inputs are no
/// sequences.
double sequences_per_second(const BenchRow& row);
double tokens_per_second(const BenchRow& row);

}  // namespace bertjit
