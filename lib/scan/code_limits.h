// How deep code may nest, and a finding in it.
#pragma once

#include <string>

#include "scan/code_outline.h"
#include "scan/findings.h"

namespace bertjit {

/// An unsafe finding at a token, with its line.
ScanFinding code_finding(const CodeRecord& record, size_t token, const char* rule, const std::string& found,
                         const std::string& why);

/// Adds what is nested deeper than any program is written: libtorch parses, compiles and frees programs recursively and
/// crashes.
void check_code_limits(const CodeRecord& record, ScanFindings& findings);

}  // namespace bertjit
