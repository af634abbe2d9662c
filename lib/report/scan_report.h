// What `bertjit scan` prints.
#pragma once

#include <ostream>
#include <vector>

#include <nlohmann/json.hpp>

#include "report/check_report.h"
#include "scan/scan_result.h"

namespace bertjit {

/// One line a file: path, verdict, what was examined; below it each finding, what there is and what it could do. The
/// first ten of them unless `full`.
void print_text(const ScanResult& result, bool full, Color color, std::ostream& out);

/// Schema "bertjit.scan/1"; docs/formats/scan.md.
nlohmann::ordered_json to_json(const std::vector<ScanResult>& results);

}  // namespace bertjit
