// The operation behind `bertjit checksum`: hash files, or hold listed checksums against the files they name.
//
// It answers as GNU sha512sum 9.1 does, so that it can stand in its place. What sha512sum has not is asked for by
// options of its own: folders, and files that no list names.
#pragma once

#include <istream>
#include <string>
#include <vector>

#include "checksum/checksum_list.h"
#include "checksum/checksum_result.h"
#include "checksum/file_walk.h"
#include "checksum/hash_queue.h"
#include "support/progress.h"

namespace bertjit {

enum class Talk {
  kNormal,
  kWarn,    ///< also name each line that is not a checksum line
  kQuiet,   ///< no line for a file that matches
  kStatus,  ///< nothing but the system's errors; the exit code is the answer
};

struct ChecksumOptions {
  /// Files to hash, or lists to check; "-" and no file at all mean standard input. If `recursive`, also folders.
  std::vector<std::string> files;
  /// Read checksums from `files` and check them.
  bool check = false;
  /// How lines are written.
  LineFormat format;
  /// A text or binary mark was asked for by name, even if it is the default; checking refuses it.
  bool mark_given = false;
  /// How much is said while checking.
  Talk talk = Talk::kNormal;
  /// Lines that are not checksum lines fail the list.
  bool strict = false;
  /// Listed files that do not exist are passed over; a list of which none exists still fails.
  bool ignore_missing = false;

  /// Hash the files under folders; if `check`, look there for files that no list names.
  bool recursive = false;
  /// What walks do with symbolic links.
  FollowSymlinks follow_symlinks = FollowSymlinks::kNo;
  /// Files that walks pass over, beside the lists: the one that the results go to.
  std::vector<FileIdentity> leave_out;
  /// Files hashed at once; 0: as many as this process may use cores.
  int threads = 0;
  /// What a digest is taken of.
  HashFile hash = hash_named_file;
  /// Whether that can be taken of standard input. If not, a line that names it is malformed.
  bool hashes_standard_input = true;
};

/// Why these options make no sense together, in sha512sum's words; empty if they do.
std::string find_conflict(const ChecksumOptions& options);

/// Hashes or checks, hands all results to `sink`, the summary last, and returns it.
///
/// A list cannot be standard input and name it too: such a line is malformed. With `check` and `recursive`, `files`
/// that are folders are walked, the others are lists; files under the folders that no list names fail the check. A
/// list names a file if both, their folders resolved, are the same path.
ChecksumSummary run_checksum(const ChecksumOptions& options, std::istream& standard_input, Progress& progress,
                             ChecksumSink& sink);

}  // namespace bertjit
