// The streams of digests of tensors without code: .safetensors, .bin, .npz, and Hugging Face directories.
#pragma once

#include <filesystem>

#include "digest/digest.h"

namespace bertjit {

/// As digest_meaning, for a file of tensors.
MeaningDigest digest_tensors(const std::filesystem::path& path, DigestKind kind, const DigestOptions& options);

/// As digest_meaning, for a Hugging Face directory.
MeaningDigest digest_directory(const std::filesystem::path& path, DigestKind kind, const DigestOptions& options);

}  // namespace bertjit
