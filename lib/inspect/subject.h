// What `inspect` looks at, wherever it comes from: a file, or what was compiled in memory.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "inspect/inspect.h"
#include "module/claims.h"

namespace bertjit {

struct InspectSubject {
  std::string name;  ///< stands in messages and in the result
  torch::jit::Module module;
  std::optional<Claims> claims;
  /// The archive it was loaded from; absent for what was compiled.
  std::optional<std::filesystem::path> archive;
};

/// inspect() for a module that is in memory already; `options.path` is not read.
/// Throws Error(kInvalidArgument), beside what inspect() throws, if records of no archive are asked for.
InspectResult inspect_subject(const InspectSubject& subject, const InspectOptions& options);

}  // namespace bertjit
