// What came of hashing files and of checking lists, as plain data.
#pragma once

#include <cstdint>
#include <string>

#include "checksum/sha512.h"

namespace bertjit {

/// One file named on the command line.
struct FileDigest {
  std::string name;     ///< as given; "-" is standard input
  Sha512Digest digest;  ///< meaningless if there is a problem
  std::string problem;  ///< the system's reason why it could not be read; empty if it was
};

enum class LineVerdict {
  kMatch,
  kMismatch,
  kUnreadable,
  kMissing,    ///< absent, and absent files are to be ignored
  kMalformed,  ///< not a checksum line
};

/// One line of a list, held against the file it names.
struct CheckedLine {
  std::string list;     ///< name of the list
  uint64_t number = 0;  ///< of the line, from 1
  LineVerdict verdict = LineVerdict::kMalformed;
  std::string name;     ///< the file; empty if malformed
  std::string problem;  ///< the system's reason if unreadable
};

/// A whole list: how many lines came to which verdict. Comments and empty lines count nowhere.
struct CheckedList {
  std::string name;
  uint64_t matched = 0;
  uint64_t mismatched = 0;
  uint64_t unreadable = 0;
  uint64_t missing = 0;
  uint64_t malformed = 0;
  std::string problem;  ///< why the list itself could not be read to its end; empty if it was

  uint64_t entries() const {
    return matched + mismatched + unreadable + missing;
  }
};

}  // namespace bertjit
