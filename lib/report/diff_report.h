// What `bertjit diff` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "diff/diff_result.h"
#include "report/check_report.h"

namespace bertjit {

struct DiffTextOptions {
  bool full = false;  ///< every tensor, value and line of code; else the first ones of each
  Color color = Color::kNo;
};

/// One line that says whether they differ and why; then what differs, worst first, how it is stored last.
void print_text(const DiffResult& result, const DiffTextOptions& options, std::ostream& out);

/// Schema "bertjit.diff/1"; docs/formats/diff.md. Always everything.
nlohmann::ordered_json to_json(const DiffResult& result);

}  // namespace bertjit
