// Default arguments, and values in the bodies of classes: libtorch evaluates them when the file is loaded
// (torch/csrc/jit/frontend/ir_emitter.cpp, evaluateDefaults), whether or not the model is ever called.
#pragma once

#include "scan/code_outline.h"
#include "scan/findings.h"

namespace bertjit {

/// Adds those that are no literals. What libtorch prints there are numbers, texts, lists of them, `annotate(T, [])`,
/// `torch.device("cpu")`, constants and members of enums.
void check_load_values(const CodeRecord& record, ScanFindings& findings);

}  // namespace bertjit
