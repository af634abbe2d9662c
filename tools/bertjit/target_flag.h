// --target: where what is made or judged is to run.
#pragma once

#include <optional>

#include <CLI/CLI.hpp>

#include "target/target.h"
#include "trace/trace.h"

namespace bertjit {

/// A name of a profile, or a file with one. It is read at once, so that an unknown one is refused before anything is
/// loaded.
CLI::Option* add_target_flag(CLI::App& command, std::optional<Target>& target);

/// Sets what options.target needs, of the flags that `command` was not given: --fixed-shapes where it compiles for one
/// shape, --attention eager where it has no fused operator. Throws Error(kInvalidArgument) for a flag that was given
/// and says otherwise: --attention, --dtype, --fuse, --script.
void apply_target(const CLI::App& command, TraceOptions& options);

}  // namespace bertjit
