// A scan as the first check of `verify`.
#pragma once

#include <string>

#include "scan/scan.h"
#include "support/evidence.h"

namespace bertjit {

/// The check `safety` of that file: passes if it is safe. Else it fails with all that was found, the worst in the
/// summary, and says whether that is intent, damage, or only beyond what is read.
///
/// Throws what MappedFile throws for a file that cannot be opened, and what scan_file throws.
CheckResult judge_safety(const std::string& path, const ScanOptions& options);

/// Whether that is a result of judge_safety that calls the file unsafe, rather than damaged or beyond what is read. In
/// all three cases it failed, and libtorch must not see the file.
bool found_unsafe(const CheckResult& safety);

}  // namespace bertjit
