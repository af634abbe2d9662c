// Digests of what a model file means, where plain SHA-512 is one of its bytes.
//
// The same model saved under another name, or loaded and saved again, has other bytes: the zip's root folder, paths in
// debug records, padding. These digests leave out what has no meaning and put the rest in a canonical order. Each is
// the SHA-512 of a short text, the digest's stream, which names every tensor and every class of code by a SHA-512 of
// its own; so the work spreads over threads, memory is small, and two streams can be compared line by line.
// docs/formats/digests.md defines them byte by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "checksum/sha512.h"

namespace bertjit {

enum class DigestKind {
  kContent,  ///< everything that matters: weights, code, attributes, constants, extra files
  kWeights,  ///< tensors by name; a checkpoint and the file traced from it have the same
  kCode,     ///< what runs, with the constants in it
};

/// "content", "weights", "code".
const char* digest_kind_name(DigestKind kind);

struct DigestOptions {
  /// Hashing at once; 0: as many as this process may use cores.
  int threads = 0;
  /// Told of bytes as they are hashed, from any thread; may be empty.
  CountBytes count = {};
};

struct MeaningDigest {
  Sha512Digest digest;
  /// What was hashed: lines of text, the first "bertjit.digest.weights/1".
  std::string stream;
  /// What was left out, or chosen, in words.
  std::vector<std::string> notes;
};

/// The digest of a TorchScript file, a file of tensors (.safetensors, .bin, .npz), or a Hugging Face directory.
///
/// The CRC-32 of every record of a zip archive is checked, whatever is hashed.
/// Throws what read_torchscript, read_tensors and read_shards throw: Error(kCorrupt) that names record and both CRCs
/// for one that is not whole; Error(kUnsupported) for the code of what has none, and for weights of which two come to
/// the same name; Error(kNotFound) for a directory without weights.
MeaningDigest digest_meaning(const std::filesystem::path& path, DigestKind kind, const DigestOptions& options = {});

}  // namespace bertjit
