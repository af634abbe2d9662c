// What `bertjit trace` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "report/check_report.h"
#include "trace/trace_result.h"

namespace bertjit {

/// What was traced, how the inputs were bound, the checks, and the file.
void print_text(const TraceResult& result, Color color, std::ostream& out);

/// Schema "bertjit.trace/1"; docs/formats/trace.md.
nlohmann::ordered_json to_json(const TraceResult& result);

}  // namespace bertjit
