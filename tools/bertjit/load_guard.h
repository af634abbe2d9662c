// `--no-scan` and `--allow` of the commands that load models.
#pragma once

#include <CLI/CLI.hpp>

#include "scan/load_guard.h"

namespace bertjit {

/// --no-scan, --allow.
void add_load_flags(CLI::App& command, LoadGuard& guard);

/// --allow alone.
void add_allow_flag(CLI::App& command, LoadGuard& guard);

}  // namespace bertjit
