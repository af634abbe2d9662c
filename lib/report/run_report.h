// What `bertjit run` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "run/run_result.h"

namespace bertjit {

/// The outputs as Python prints what the model returned; then what was generated, ids and a line for each text.
void print_text(const RunResult& result, std::ostream& out);

/// How each input was bound, one line each: talk, for stderr.
void print_binding(const RunResult& result, std::ostream& out);

/// Schema "bertjit.run/1" with every value; docs/formats/run.md.
nlohmann::ordered_json to_json(const RunResult& result);

}  // namespace bertjit
