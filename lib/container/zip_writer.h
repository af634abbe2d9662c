// Writes zip archives of stored records: .npz files, and whatever else bertjit puts into an archive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

namespace bertjit {

/// The same calls give the same bytes: every record is dated 1980-01-01. Data begin at multiples of 64 bytes, as
/// torch.save places them (an extra field "FB" fills the gap), so a mapped tensor is aligned. zip64 where it is needed.
class ZipWriter {
 public:
  using Sink = std::function<void(std::span<const std::byte>)>;
  using Parts = std::vector<std::span<const std::byte>>;

  /// `sink` gets the archive from front to back; what it throws passes through.
  explicit ZipWriter(Sink sink) : sink_(std::move(sink)) {}

  /// Adds a record whose bytes are `parts`, one after another. Throws Error(kInvalidArgument) if the name is empty,
  /// longer than 65535 bytes, holds NUL, or was added before.
  void add(const std::string& name, const Parts& parts);

  /// Writes the directory, once; without it the archive is not complete.
  void finish();

 private:
  void write(std::span<const std::byte> bytes);

  Sink sink_;
  uint64_t offset_ = 0;
  uint64_t count_ = 0;
  std::string directory_;
  std::unordered_set<std::string> names_;
};

}  // namespace bertjit
