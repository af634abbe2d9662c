// What `bertjit verify` prints.
#pragma once

#include <ostream>

#include <nlohmann/json.hpp>

#include "report/check_report.h"
#include "verify/verify_result.h"

namespace bertjit {

inline constexpr const char* kVerifySchema = "bertjit.verify/1";

/// One line a check, what failed in detail, and the verdict at the end.
void print_text(const VerifyResult& result, Color color, std::ostream& out);

/// Schema kVerifySchema; docs/formats/verify.md.
nlohmann::ordered_json to_json(const VerifyResult& result);

}  // namespace bertjit
