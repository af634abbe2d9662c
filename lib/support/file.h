// Files: mapped reading, and writing that leaves either the whole new file or the old one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace bertjit {

/// A regular file's bytes, mapped read-only: writing to them ends the process. (The type is not const because tensors
/// are made over them.)
///
/// The bytes live as long as the object. If another process truncates the file meanwhile, touching a lost page raises
/// SIGBUS, as for every program that maps files.
class MappedFile {
 public:
  /// Throws Error(kNotFound, kIo); Error(kInvalidArgument) for a directory or anything else that is not a regular file.
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::filesystem::path& path() const {
    return path_;
  }
  /// Empty for an empty file.
  std::span<std::byte> bytes() const {
    return {data_, size_};
  }

 private:
  std::filesystem::path path_;
  std::byte* data_ = nullptr;
  size_t size_ = 0;
};

/// Gives the memory behind `bytes` back to the system if they lie within a MappedFile that is alive; does nothing if
/// they do not. The bytes stay valid: they are read from the file (the page cache, as a rule) when they are next used.
void release_mapped_pages(std::span<const std::byte> bytes);

/// Lets the bytes of a MappedFile that is alive be written to, for this process alone: the file stays as it is. From
/// then on release_mapped_pages() leaves that file's memory alone, since what was written there is nowhere else. Throws
/// Error(kIo) where the system refuses.
void allow_private_writes(const MappedFile& file);

/// The whole of a small text file (config.json, vocab.txt).
///
/// Throws Error(kNotFound, kIo); Error(kInvalidArgument) if it is a directory or larger than `max_bytes`.
std::string read_text_file(const std::filesystem::path& path, size_t max_bytes = 256u << 20);

/// A file that appears under its name only when it is complete.
///
/// Bytes go to a temporary file in the target's folder; commit() flushes it to the disk and renames it over the target.
/// Without commit() (an exception, a full disk) the temporary file is removed and the target is as it was; after a kill
/// (where the file system has no nameless files, also after an interrupt) only a hidden `.NAME.XXXXXX.tmp` can remain,
/// which later runs neither use nor remove. A target that exists keeps its permission bits; a symbolic link is
/// followed, so the file it names is replaced. Targets that are not regular files (/dev/stdout, a pipe) are written
/// directly.
class AtomicFile {
 public:
  /// Throws Error(kNotFound, kIo) if the folder does not exist or cannot be written; Error(kInvalidArgument) if
  /// `target` is a directory.
  explicit AtomicFile(const std::filesystem::path& target);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Throws Error(kIo) with the system's reason, e.g. "cannot write out.pt: No space left on device".
  void write(std::span<const std::byte> bytes);
  void write(const std::string& text);

  /// Makes the bytes durable and the target visible, once. Throws Error(kIo); the target is then as it was.
  void commit();

  uint64_t size_bytes() const {
    return size_bytes_;
  }

 private:
  void discard();

  std::filesystem::path target_;     ///< as the caller named it, for messages
  std::filesystem::path resolved_;   ///< where the rename goes
  std::filesystem::path temporary_;  ///< empty when writing directly
  int fd_ = -1;
  uint64_t size_bytes_ = 0;
};

/// Writes `text` to `target` as one AtomicFile.
void write_file_atomically(const std::filesystem::path& target, const std::string& text);

}  // namespace bertjit
