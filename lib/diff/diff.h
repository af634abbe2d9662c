// The operation behind `bertjit diff`: what sets two model files apart, and why.
//
// Two files are compared as what they mean: tensors by name, code by class, values by the path of the module that keeps
// them. How they are stored (archive name, order and compression of records, debug records) is looked at last, and
// explains why bytes differ where nothing else does. libtorch is not needed: files are read as data.
#pragma once

#include <string>

#include "diff/diff_result.h"

namespace bertjit {

struct DiffOptions {
  /// TorchScript or torch.save .pt, .safetensors, .bin, .npz, .npy, Hugging Face directory.
  std::string a;
  std::string b;
  /// What counts as a difference.
  DiffLevel level = DiffLevel::kContent;
  /// Threads that read; 0: one per core.
  int threads = 0;
};

/// Compares two files, or two directories, or one of each.
///
/// Where the two are of unlike kinds (a checkpoint and a trace), only their tensors are. Files are mapped; memory does
/// not grow with them, but for tensors that do not lie row by row in their file. The checksums (CRC-32) of every record
/// of a zip archive are checked.
///
/// Throws what the readers throw: Error(kNotFound, kIo), Error(kCorrupt) for a damaged file, with what can be told of
/// the damage from the other one; Error(kUnsafe) for pickles that refer to more than tensors; Error(kUnsupported) for
/// what is no model. Bytes are compared first: two copies of any file are identical, whatever they hold, but for an
/// archive whose checksums fail.
DiffResult diff_models(const DiffOptions& options);

}  // namespace bertjit
