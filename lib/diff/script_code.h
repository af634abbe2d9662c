// The classes and functions of a TorchScript archive under names that do not depend on how they were mangled
// (digest/canonical_code.h): two archives have the same code if, and only if, they have the same texts under the same
// names.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "container/torchscript.h"

namespace bertjit {

struct CodeDefinition {
  std::string original;   ///< "__torch__.torch.nn.modules.linear.___torch_mangle_3.Linear"
  std::string unmangled;  ///< "__torch__.torch.nn.modules.linear.Linear"
  std::string text;       ///< with canonical names: the one to compare
  std::string shown;      ///< with unmangled names: the one to show
};

struct ScriptCode {
  /// By canonical name: unmangled, and "#1" after it for the second one of that name.
  std::map<std::string, CodeDefinition> definitions;
  /// Class of every module, by its path; "" is the root. A key of `definitions`, or a name that has no code.
  std::map<std::string, std::string> modules;
  /// Place of CONSTANTS.cN in the order in which code mentions them; those it does not mention come last.
  std::vector<size_t> constant_order;
  std::map<std::string, std::string> unmangled;  ///< by original name

  /// The unmangled name of a class, which is `original` as the file has it.
  std::string class_of(const std::string& original) const;
  /// "CONSTANTS.c3.weight" under the number that c3 has here; other names as they are.
  std::string rename_constant(const std::string& name) const;
};

/// Reads code/. Throws as read_record_text; Error(kCorrupt) if a class is defined twice.
ScriptCode read_script_code(const ScriptArchive& file);

}  // namespace bertjit
