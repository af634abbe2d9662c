// `bertjit scan`: is a model file safe to load?
//
// torch.jit.load compiles and runs the `__setstate__` of a file's classes, torch.load calls whatever a pickle names,
// and both trust sizes and names in the archive. This reads the same bytes as data, bounded, without libtorch: the
// zip's structure, pickles instruction by instruction, code token by token. Imports and operators are held against
// lists of what is known to do no more than compute; what is on none is refused.
#pragma once

#include <string>
#include <vector>

#include "scan/scan_result.h"

namespace bertjit {

struct ScanOptions {
  /// Operators to let pass besides the known ones: "aten::from_file", as in code ("torch.from_file", "ops.my.op"), or
  /// "my::*" for all of a namespace.
  std::vector<std::string> allow;
  /// Threads that check CRCs; 0: one per core.
  int threads = 0;
};

/// Reads the whole file. TorchScript and torch.save archives, the old form of torch.save, .safetensors, .npz, .npy; by
/// content, not by name.
///
/// Whatever is wrong with the file is a finding, never an exception: a file that cannot be opened or read is one that
/// the scan cannot tell of. Throws Error(kInvalidArgument) if an entry of `allow` is no operator's name.
ScanResult scan_file(const std::string& path, const ScanOptions& options);

}  // namespace bertjit
