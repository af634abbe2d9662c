// numpy's .npz format: a zip archive of .npy files.
#pragma once

#include <filesystem>
#include <span>

#include "container/tensors.h"

namespace bertjit {

/// The arrays of an archive that numpy.savez or numpy.savez_compressed wrote, named without ".npy".
///
/// Stored, C-ordered arrays are mapped; others are copied. Every record's CRC-32 is checked, as numpy.load does.
/// Throws as ZipArchive and parse_npy; Error(kUnsupported) for a record that is not a .npy file.
TensorFile read_npz(const std::filesystem::path& path);

/// Writes an uncompressed archive that numpy.load reads, arrays in the order given. The same tensors give the same
/// bytes.
///
/// Throws Error(kInvalidArgument) if a name occurs twice or a view's bytes are not the product of its shape;
/// Error(kUnsupported) for bfloat16; Error(kNotFound, kIo) as AtomicFile.
void write_npz(const std::filesystem::path& path, std::span<const TensorView> tensors);

}  // namespace bertjit
