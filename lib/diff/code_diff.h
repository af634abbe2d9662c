// Code of two TorchScript archives, class by class.
#pragma once

#include <vector>

#include "diff/diff_result.h"
#include "diff/script_code.h"

namespace bertjit {

struct CodeDifferences {
  uint64_t compared = 0;       ///< classes and functions that both have
  std::vector<DiffCode> code;  ///< by the first module that has the class, then by name
  bool renamed = false;        ///< some class that both have is mangled otherwise
};

/// Modules of one path are to have one code; definitions that are no module's class are paired by name. Code of modules
/// that only one side has is not listed.
CodeDifferences diff_code(const ScriptCode& a, const ScriptCode& b);

/// "only numbers", "only True and False", "only names of variables"; empty for anything else.
std::string code_nature(const std::string& a, const std::string& b);

}  // namespace bertjit
