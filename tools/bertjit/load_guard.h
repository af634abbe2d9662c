// No file reaches libtorch before it was scanned: `--no-scan` and `--allow` of the commands that load models.
#pragma once

#include <string>
#include <vector>

#include <CLI/CLI.hpp>

namespace bertjit {

struct LoadGuard {
  bool no_scan = false;
  std::vector<std::string> allow;  ///< operators, as of `scan`
};

/// --no-scan, --allow.
void add_load_flags(CLI::App& command, LoadGuard& guard);

/// Scans `model` if it is a file that libtorch would load: no folder, no config.json, no FILE.py:NAME. Returns where
/// nothing speaks against loading it, or there is no such file, which whoever opens it says.
///
/// Throws Error(kUnsafe) for an unsafe file, Error(kCorrupt) for a damaged one, Error(kUnsupported) for one of which
/// the scan cannot tell, with what was found, where, and the way out.
void guard_load(const std::string& model, const LoadGuard& guard);

}  // namespace bertjit
