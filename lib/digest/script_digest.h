// The streams of a TorchScript file's digests.
#pragma once

#include <filesystem>

#include "digest/digest.h"

namespace bertjit {

/// As digest_meaning, for a TorchScript archive.
MeaningDigest digest_script(const std::filesystem::path& path, DigestKind kind, const DigestOptions& options);

}  // namespace bertjit
