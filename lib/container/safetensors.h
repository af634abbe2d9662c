// The safetensors format: a JSON header of names, dtypes, shapes and offsets, then the bytes.
//
// https://github.com/huggingface/safetensors#format. The reader refuses what the reference library refuses, since a
// file with holes, overlaps or two tensors of one name means different things to different readers.
#pragma once

#include <filesystem>
#include <map>
#include <span>
#include <string>

#include "container/tensors.h"

namespace bertjit {

/// Maps the file; no tensor is copied.
///
/// Throws what MappedFile throws; Error(kCorrupt) if the header is longer than the file or than 100 MB, is not the JSON
/// object it should be, holds a key twice, or if the tensors do not cover the bytes after it exactly once, each with
/// the product of its shape; Error(kUnsupported) for dtypes that DType lacks (F8_E4M3, U16, …), naming the tensor;
/// Error(kNotFound) for a Git LFS pointer.
TensorFile read_safetensors(const std::filesystem::path& path);

/// Writes the tensors as the reference library lays them out: by dtype, widest first, then by name, header padded with
/// spaces to a multiple of 8 bytes. The same tensors in any order give the same bytes.
///
/// Throws Error(kInvalidArgument) if a name occurs twice, is "__metadata__" or not UTF-8, or a view's bytes are not the
/// product of its shape; Error(kNotFound, kIo) as AtomicFile.
void write_safetensors(const std::filesystem::path& path, std::span<const TensorView> tensors,
                       const std::map<std::string, std::string>& metadata = {});

}  // namespace bertjit
