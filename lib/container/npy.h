// numpy's .npy format: one array, a header that is a Python dict literal, then the elements.
//
// NEP 1 and numpy/lib/format.py; versions 1.0, 2.0 and 3.0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "container/tensors.h"

namespace bertjit {

/// Reads one array whose file is `bytes`; `what` stands first in messages, e.g. "inputs.npz: array 'a'".
///
/// A C-ordered array borrows `bytes`. A Fortran-ordered one is copied to row-major into `copy`, which must outlive the
/// view. The view is named `name`.
/// Throws Error(kCorrupt) if the bytes are not those the header declares; Error(kUnsafe) for arrays of Python objects,
/// which only unpickling could read; Error(kUnsupported) for big-endian, structured and other dtypes that DType lacks.
TensorView parse_npy(std::span<std::byte> bytes, const std::string& what, const std::string& name,
                     std::vector<std::byte>& copy);

/// Holds the header of an array file of `size_bytes`, which begins with `start`, against what numpy reads without
/// unpickling: plain dtypes, those too that DType lacks, and as many bytes as they need. `start` holds all of the
/// header. Errors as parse_npy; Error(kUnsupported) for structured dtypes and what is none.
void check_npy(std::span<const std::byte> start, uint64_t size_bytes, const std::string& what);

/// The header of a version 1.0 file, padded so that the elements begin at a multiple of 64 bytes; they follow as they
/// are in the view. Throws Error(kUnsupported) for bfloat16, which numpy has not, and for absurdly many dimensions.
std::string make_npy_header(const TensorView& tensor);

/// A file with one array, named as the file without its suffix. Throws as MappedFile and parse_npy.
TensorFile read_npy(const std::filesystem::path& path);

}  // namespace bertjit
