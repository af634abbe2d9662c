// What `bertjit quantize` prints.
#pragma once

#include <ostream>
#include <string>

#include <nlohmann/json.hpp>

#include "quantize/quantize_result.h"
#include "report/check_report.h"

namespace bertjit {

/// What was quantized and what was kept, the bytes of each group before and after, the check, and the file.
void print_text(const QuantizeResult& result, Color color, std::ostream& out);

/// Schema "bertjit.quantize/1"; docs/formats/quantize.md.
nlohmann::ordered_json to_json(const QuantizeResult& result);

/// The layers by the error that each alone brings, worst first, for --sensitivity FILE: JSON, or with a header line
/// CSV.
std::string sensitivity_json(const QuantizeResult& result);
std::string sensitivity_csv(const QuantizeResult& result);

}  // namespace bertjit
