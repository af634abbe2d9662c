// The operation behind `bertjit checksum`: hash files, or hold listed checksums against the files they name.
//
// It answers as GNU sha512sum 9.1 does, so that it can stand in its place.
#pragma once

#include <functional>
#include <istream>
#include <string>
#include <vector>

#include "checksum/checksum_list.h"
#include "checksum/checksum_result.h"

namespace bertjit {

enum class Talk {
  kNormal,
  kWarn,    ///< also name each line that is not a checksum line
  kQuiet,   ///< no line for a file that matches
  kStatus,  ///< nothing but the system's errors; the exit code is the answer
};

struct ChecksumOptions {
  /// Files to hash, or lists to check; "-" and no file at all mean standard input.
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
};

/// Why these options make no sense together, in sha512sum's words; empty if they do.
std::string find_conflict(const ChecksumOptions& options);

/// Hashes the file `name`, or `standard_input` to its end if `name` is "-".
FileDigest digest_file(const std::string& name, std::istream& standard_input);

/// Checks one list after another by the same options.
class ListChecker {
 public:
  /// `standard_input` serves lists and listed files called "-"; it must outlive this.
  ListChecker(const ChecksumOptions& options, std::istream& standard_input);

  /// Reads the list `name` line by line and hands each verdict to `on_line` as soon as it is known.
  /// A list cannot be standard input and name it too: such a line is malformed.
  CheckedList check_list(const std::string& name, const std::function<void(const CheckedLine&)>& on_line);

  /// Whether the list as a whole is a yes: at least one file matched, none differed or failed to be read.
  bool passes(const CheckedList& list) const;

 private:
  CheckedLine check_entry(const ListedChecksum& entry);
  void check_lines(std::istream& lines, CheckedList& list, const std::function<void(const CheckedLine&)>& on_line);

  bool ignore_missing_;
  bool strict_;
  std::istream& standard_input_;
  ChecksumListParser parser_;
};

}  // namespace bertjit
