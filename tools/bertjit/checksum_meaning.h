// `bertjit checksum --content`, `--weights`, `--code`: digests of what a file means, in lists like those of SHA-512.
#pragma once

#include <string>

#include "checksum/checksum.h"
#include "digest/digest.h"

namespace bertjit {

/// Takes digests of that kind in place of SHA-512's of the bytes. The threads are then those of one digest, and files
/// come one after another.
void use_meaning_digest(DigestKind kind, ChecksumOptions& options);

/// Why the options make no sense with a digest of that kind; empty if they do.
std::string find_meaning_conflict(DigestKind kind, const ChecksumOptions& options);

}  // namespace bertjit
