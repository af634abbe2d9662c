// Everything in a zip archive: records, pickles, code.
#pragma once

#include "scan/findings.h"
#include "scan/operators.h"
#include "scan/pickle_survey.h"
#include "support/file.h"

namespace bertjit {

/// Scans a TorchScript or torch.save archive, a .npz, or any other zip. Sets the result's kind.
void scan_archive(const MappedFile& file, const OperatorRules& rules, int threads, ScanResult& result,
                  ScanFindings& findings);

/// Adds what a pickle imports and `is_allowed` does not hold, and each import that it changes, allowed or not. `record`
/// is empty for a file that is a pickle, which begins at `base_offset`.
using ImportFilter = bool (*)(const std::string& name);
void judge_imports(const PickleSurvey& survey, ImportFilter is_allowed, const std::string& record, uint64_t base_offset,
                   ScanFindings& findings);

}  // namespace bertjit
