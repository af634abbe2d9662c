// A verify report read back from its JSON, so that what one process found another one can tell.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "support/evidence.h"
#include "verify/verify_result.h"

namespace bertjit {

/// Evidence as evidence_to_json writes it: writing what was read gives the same JSON.
///
/// JSON has fewer types. "nan", "inf" and "-inf" become numbers, lines that all begin as those of a diff do a diff,
/// other text a plain string; an empty list becomes one of names. Throws Error(kCorrupt) for what evidence never is:
/// null, a list of unlike things.
EvidenceFields evidence_from_json(const nlohmann::ordered_json& object);

/// The "checks" of a report. Throws Error(kCorrupt) that names the field.
std::vector<CheckResult> checks_from_json(const nlohmann::ordered_json& array);

/// A "bertjit.verify/1" document. Throws Error(kCorrupt) that names the field; Error(kUnsupported) for another schema.
VerifyResult verify_from_json(const nlohmann::ordered_json& document);

}  // namespace bertjit
