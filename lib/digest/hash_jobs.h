// SHA-512 of many pieces of files at once, on several threads.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "checksum/sha512.h"
#include "container/torchscript.h"
#include "container/zip.h"

namespace bertjit {

/// Jobs in the order in which they are begun. None refers to what another writes.
class HashJobs {
 public:
  explicit HashJobs(CountBytes count) : count_(std::move(count)) {}

  /// Hashes mapped bytes, and gives their memory back as it goes.
  void add_bytes(std::span<const std::byte> bytes, Sha512Digest& result);
  /// Hashes a record's uncompressed bytes, and checks their CRC-32.
  void add_record(const ZipArchive& archive, const ZipRecord& record, Sha512Digest& result);
  /// Checks a record's CRC-32.
  void add_check(const ZipArchive& archive, const ZipRecord& record);
  /// Hashes a tensor's elements in row-major order.
  void add_elements(const ScriptArchive& file, const ScriptTensor& tensor, Sha512Digest& result);

  /// Does them all on that many threads, 0: one for each core. Of several errors the first job's is thrown.
  void run(int threads);

 private:
  void hash_piece(Sha512& hash, std::span<const std::byte> bytes) const;

  CountBytes count_;
  std::vector<std::function<void()>> jobs_;
};

}  // namespace bertjit
