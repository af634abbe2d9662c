// What is said of a module without being asked for anything in particular.
#pragma once

#include <optional>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "inspect/inspect_result.h"

namespace bertjit {

/// `method` is the one that was named, or empty: forward, if there is one. `owner` stands in messages.
/// Throws Error(kInvalidArgument) if a method was named that is not there.
ModuleSummary summarize(const torch::jit::Module& module, const std::optional<Claims>& claims,
                        const std::string& method, const std::string& owner);

}  // namespace bertjit
