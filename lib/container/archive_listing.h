// What a zip archive that torch.save or torch.jit.save wrote says of itself, before any of its records is loaded.
//
// caffe2/serialize/inline_container.cc: all records lie under one root folder; a few small ones hold the format's
// version, the byte order and a digest of the rest.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "container/zip.h"

namespace bertjit {

enum class ArchiveKind {
  kTorchScript,  ///< code/ and data.pkl
  kTorchSave,    ///< data.pkl alone: a pickled checkpoint
  kOther,        ///< neither: .npz, or no business of PyTorch
};

/// "torchscript", "torch.save", "other".
const char* archive_kind_name(ArchiveKind kind);

struct ArchiveListing {
  std::string path;  ///< as given
  uint64_t size_bytes = 0;
  ArchiveKind kind = ArchiveKind::kOther;
  std::string root;     ///< folder of all records, "traced_bert"; empty if they have none in common
  std::string version;  ///< of the file format, "3", "10"; empty if there is no such record
  /// "little" or "big"; empty in files older than PyTorch 2.1, which are little-endian.
  std::string byteorder;
  std::string serialization_id;    ///< digest that libtorch writes; empty if it wrote none
  bool has_claims = false;         ///< extra/bertjit.json: bertjit wrote it
  bool has_traced_inputs = false;  ///< traced_inputs.pkl: torch.jit.trace of Python made it
  bool has_bytecode = false;       ///< bytecode.pkl: saved for the lite interpreter too
  std::vector<ZipRecord> records;  ///< in the order in which they lie in the file
};

/// The record's name without the root folder: "code/__torch__.py".
std::string name_in_archive(const ArchiveListing& listing, const ZipRecord& record);

/// Reads the directory and the few small records; no CRC but theirs is checked.
/// Throws what ZipArchive throws; Error(kCorrupt) if one of the small records is not whole.
ArchiveListing list_archive(const std::filesystem::path& path);
/// The same for an archive that is open.
ArchiveListing list_archive(const ZipArchive& archive);

}  // namespace bertjit
