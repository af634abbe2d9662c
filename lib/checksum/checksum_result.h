// What came of hashing files and of checking lists, as plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "checksum/file_walk.h"
#include "checksum/sha512.h"

namespace bertjit {

/// One file that was to be hashed.
struct FileDigest {
  std::string name;                ///< as given, or as a walk found it; "-" is standard input
  Sha512Digest digest;             ///< meaningless if there is a problem
  std::string problem;             ///< the reason why it could not be read; empty if it was
  std::vector<std::string> notes;  ///< what was left out of the digest, or chosen
};

enum class LineVerdict {
  kMatch,
  kMismatch,
  kUnreadable,
  kMissing,    ///< there is no such file
  kMalformed,  ///< not a checksum line
};

/// One line of a list, held against the file it names.
struct CheckedLine {
  std::string list;     ///< name of the list
  uint64_t number = 0;  ///< of the line, from 1
  LineVerdict verdict = LineVerdict::kMalformed;
  std::string name;         ///< the file; empty if malformed
  std::string problem;      ///< the system's reason if unreadable or missing
  Sha512Digest expected{};  ///< the listed digest; meaningless if malformed
  Sha512Digest actual{};    ///< the file's; meaningless unless it was read
};

/// How many lines came to which verdict. Comments and empty lines count nowhere.
struct LineCounts {
  uint64_t matched = 0;
  uint64_t mismatched = 0;
  uint64_t unreadable = 0;
  uint64_t missing = 0;
  uint64_t malformed = 0;

  uint64_t entries() const {
    return matched + mismatched + unreadable + missing;
  }
};

/// A whole list.
struct CheckedList {
  std::string name;
  LineCounts lines;
  std::string problem;  ///< why the list itself could not be read to its end; empty if it was
};

/// Everything together. What is not asked for stays 0: `lines` and `extra` are of checks, `hashed` is not.
struct ChecksumSummary {
  bool passed = false;    ///< all was read and nothing differs
  uint64_t hashed = 0;    ///< files with a digest
  LineCounts lines;       ///< of all lists; `unreadable` also counts files and folders that could not be read
  uint64_t extra = 0;     ///< files under the folders that no list names
  uint64_t symlinks = 0;  ///< symbolic links that walks did not follow
  uint64_t skipped = 0;   ///< pipes, sockets, devices and folders within themselves that walks passed over
  bool read_standard_input = false;
};

/// Takes results as soon as each is known, in the order of the arguments and lines, on the thread that asked.
class ChecksumSink {
 public:
  virtual ~ChecksumSink() = default;
  virtual void take(const FileDigest& file) = 0;
  virtual void take(const CheckedLine& line) = 0;
  /// After all its lines.
  virtual void take(const CheckedList& list) = 0;
  /// What a walk came upon. Where lists are checked, a file is one that none of them names.
  virtual void take(const WalkedPath& path) = 0;
  /// Once, last.
  virtual void take(const ChecksumSummary& summary) = 0;
};

}  // namespace bertjit
