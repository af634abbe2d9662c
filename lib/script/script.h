// `FILE.py:NAME`: a Python file, and what one of its names stands for.
//
// The subset of Python is documented in docs/python.md. Statements are parsed by TorchScript's own parser and evaluated
// in order, but only those that NAME needs: imports, definitions and assignments it refers to, and what is done to
// these (`model.eval()`). torch.manual_seed is obeyed; without it `seed` is what random numbers begin with, and they
// are Python's numbers for that seed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "scan/load_guard.h"
#include "script/compile.h"
#include "script/objects.h"

namespace bertjit {

/// A name of a Python file, evaluated.
struct ScriptDefinition {
  std::string file;  ///< as given
  std::string name;  ///< "MyCell", "traced_foo", "model.forward"
  /// FunctionObject, InstanceObject (of a class: made without arguments), BoundMethodObject, CompiledFunctionObject or
  /// CompiledModuleObject.
  Object callable;
  /// What was passed over that may matter, one line each.
  std::vector<std::string> notes;
};

/// Splits "dir/loop.py:fn" -> {"dir/loop.py", "fn"}; nullopt if `source` is not of that form.
std::optional<std::pair<std::string, std::string>> split_script_source(const std::string& source);

/// Evaluates `source` ("FILE.py:NAME"). Archives that it loads (torch.jit.load) must pass `guard`.
///
/// Throws guard_load's errors; Error(kNotFound, kIo) for the file; Error(kInvalidArgument), "FILE.py:LINE:COLUMN: …"
/// with the line and a caret, for a syntax error, a name that is not there (with those that are), what the subset
/// leaves out, and what an evaluated statement raises.
ScriptDefinition open_script(const std::string& source, uint64_t seed, const LoadGuard& guard = {});

}  // namespace bertjit
