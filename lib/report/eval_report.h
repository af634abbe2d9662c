// What `bertjit eval` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "evaluate/evaluate_result.h"

namespace bertjit {

/// For each file a table, models side by side: figures, size, seconds at each number of threads, and what sets each
/// apart from the first. Then, of classes, each model's confusion.
void print_text(const EvalResult& result, std::ostream& out);

/// Schema "bertjit.eval/1"; without logits, which eval_files.h writes.
nlohmann::ordered_json to_json(const EvalResult& result);

}  // namespace bertjit
