// Holding a module to a target's profile (target/target.h): `trace` does it before it writes, `verify` with a finished
// file. What the target itself does with the module is not known here, but for the lite interpreter, which libtorch
// has.
#pragma once

#include <optional>

#include "compare/tolerance.h"
#include "infer/input_options.h"
#include "infer/runner.h"
#include "module/claims.h"
#include "support/evidence.h"
#include "target/target.h"

namespace bertjit {

/// `options`, padded to the longest text that `signature` has positions for, where the target asks for that and they
/// give neither length nor tensors.
InputOptions inputs_for(const Target& target, const Signature& signature, InputOptions options);

/// A module, and what is known of it.
struct ConformSubject {
  ModuleRunner& module;
  const BoundBatch& example;
  /// What it is said to be: whether it takes every shape.
  const std::optional<Claims>& claims;
  /// What two runs of it may differ by.
  Tolerance tolerance;
};

/// Check `target`: every operator is one that the target has, no device is named that it has not, floating weights are
/// of a dtype that it takes, shapes are fixed where it compiles for one and the example fits, and as bytecode of the
/// lite interpreter the module gives the same outputs, as far as the profile asks for each.
///
/// The evidence has a row for each fault and module: rule, operator, module, code record and line, how often. `where`
/// is the first one's module. Throws RunError where it is to run in the lite interpreter and does not run at all,
/// unless something else was found.
CheckResult check_target(const Target& target, const ConformSubject& subject);

}  // namespace bertjit
