// Zip archives as bounded, mapped records: .pt, pytorch_model.bin and .npz files.
//
// The format is PKWARE's APPNOTE 6.3, with zip64; what torch.save, torch.jit.save, numpy and Python's zipfile write.
// The reader is strict where lenient readers disagree with one another, since a file that two programs read differently
// cannot be vouched for: the central directory must end where its end record begins, and every record's local header
// must agree with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "support/file.h"

namespace bertjit {

enum class ZipMethod { kStored, kDeflated };

struct ZipRecord {
  std::string name;  ///< as written: '/' between folders, any bytes but NUL
  ZipMethod method;
  uint32_t crc32;            ///< of the uncompressed bytes, as the directory says
  uint64_t compressed_size;  ///< bytes in the file
  uint64_t size;             ///< bytes uncompressed
  uint64_t header_offset;    ///< of the local header in the file
  uint64_t data_offset;      ///< of the first byte of data in the file
};

class ZipArchive {
 public:
  /// Reads the directory and every local header; no record's data is touched.
  ///
  /// Throws what MappedFile throws; Error(kCorrupt) if the file is truncated, the directory is missing or overruns, a
  /// local header disagrees with it, records overlap, or a name occurs twice or holds NUL; Error(kUnsupported) for
  /// encryption, several disks, or a method other than stored and deflate.
  explicit ZipArchive(const std::filesystem::path& path);

  const std::filesystem::path& path() const {
    return file_.path();
  }
  /// The whole archive, mapped.
  const MappedFile& file() const {
    return file_;
  }
  /// Of the whole file.
  uint64_t size_bytes() const {
    return file_.bytes().size();
  }
  /// In the order in which they lie in the file.
  const std::vector<ZipRecord>& records() const {
    return records_;
  }
  /// nullptr if there is none of that name.
  const ZipRecord* find(const std::string& name) const;

  /// The bytes of a stored record, mapped, not copied; they live as long as the archive. Their CRC is not checked.
  /// Throws Error(kUnsupported) if the record is compressed.
  std::span<std::byte> stored_bytes(const ZipRecord& record) const;

  /// A copy of the record's uncompressed bytes. Throws Error(kCorrupt) if they cannot be inflated to the declared size
  /// or their CRC-32 differs.
  std::vector<std::byte> read(const ZipRecord& record) const;

  /// The same, but no more than the first `max_bytes` of them are kept.
  std::vector<std::byte> read_start(const ZipRecord& record, uint64_t max_bytes) const;

  using Sink = std::function<void(std::span<const std::byte>)>;
  /// Gives `sink` the uncompressed bytes in pieces of up to 1 MiB (mapped ones if the record is stored), so memory
  /// stays small. At the end throws Error(kCorrupt) as read() does.
  void read_pieces(const ZipRecord& record, const Sink& sink) const;

  /// read_pieces into nothing: throws Error(kCorrupt) that names both CRCs if the record's bytes are not those that
  /// were written.
  void check_crc(const ZipRecord& record) const;
  /// check_crc for every record, in file order.
  void check_all() const;

 private:
  MappedFile file_;
  std::vector<ZipRecord> records_;
  std::unordered_map<std::string, size_t> index_;
};

}  // namespace bertjit
