// A TorchScript module to bytes: what torch.jit.save writes, byte for byte, to wherever the caller wants it.
#pragma once

#include <cstddef>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>

#include <torch/csrc/jit/api/module.h>

#include "checksum/sha512.h"

namespace bertjit {

struct SaveOptions {
  /// Root folder of the zip archive. torch.jit.save takes the file's stem; it is part of the bytes.
  std::string archive_name;
  /// Records under extra/, as torch.jit.save's _extra_files.
  std::map<std::string, std::string> extra_files;
};

/// Called with the archive's bytes in order; throws to stop.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Serializes `module` into `sink`. What `sink` throws is rethrown after libtorch's writer has been wound up.
void serialize_module(const torch::jit::Module& module, const SaveOptions& options, const ByteSink& sink);

/// Name of the root folder that torch.jit.save would take for a file: "traced_bert" for "out/traced_bert.pt".
std::string default_archive_name(const std::filesystem::path& path);

enum class HashWhileWriting { kNo, kYes };

struct SavedFile {
  uint64_t size_bytes;
  /// Of the bytes as they were written; absent if not asked for.
  std::optional<Sha512Digest> digest;
};

/// Saves to `path` as one AtomicFile: whole or not at all. Throws Error(kIo) with the system's reason.
SavedFile save_module(const torch::jit::Module& module, const std::filesystem::path& path, const SaveOptions& options,
                      HashWhileWriting hash);

/// SHA-512 of what save_module would write, without writing it.
Sha512Digest hash_serialized(const torch::jit::Module& module, const SaveOptions& options);

}  // namespace bertjit
