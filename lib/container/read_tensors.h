// Any file of named tensors, whatever its format.
#pragma once

#include <filesystem>

#include "container/tensors.h"

namespace bertjit {

/// Reads a .safetensors, .npz, .npy, or .bin, .pt, .pth, .ckpt (torch.save) file. Another suffix, or none, is read as
/// what its first bytes say. Throws as the reader of that format; Error(kUnsupported) if they say nothing known.
TensorFile read_tensors(const std::filesystem::path& path);

}  // namespace bertjit
