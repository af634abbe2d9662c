// No file reaches libtorch before it was scanned: what `--no-scan` and `--allow` of the commands that load models say.
#pragma once

#include <string>
#include <vector>

namespace bertjit {

struct LoadGuard {
  /// Load without a scan: only files that people one trusts made.
  bool no_scan = false;
  /// Operators for the scan to let pass, as of ScanOptions.
  std::vector<std::string> allow;
};

/// Scans the file, unless the guard says no. Returns where nothing speaks against giving it to libtorch; also where it
/// is no TorchScript (libtorch is then not asked) or not there, both of which whoever opens it says.
///
/// Throws Error(kUnsafe) for an unsafe file, Error(kCorrupt) for a damaged one, Error(kUnsupported) for one of which
/// the scan cannot tell, with what was found, where, and the way out; Error(kInvalidArgument) for an entry of `allow`
/// that is no name.
void guard_load(const std::string& path, const LoadGuard& guard);

}  // namespace bertjit
