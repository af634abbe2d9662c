// What `bertjit checksum` prints, in the words of GNU sha512sum 9.1.
#pragma once

#include <ostream>
#include <string>

#include "checksum/checksum.h"

namespace bertjit {

/// Writes results as they come: answers to `out`, problems to `err` after the program's name. `out` is flushed line by
/// line, so that both read in order when they end up in one place.
class ChecksumReport {
 public:
  /// The streams must outlive this.
  ChecksumReport(const ChecksumOptions& options, std::ostream& out, std::ostream& err);

  /// Bad usage: the reason, and where help is.
  void print_usage_error(const std::string& reason);
  void print(const FileDigest& file);
  void print(const CheckedLine& line);
  /// The closing remarks on a list, after all its lines.
  void print(const CheckedList& list);

  /// Whether everything reached `out`; says so on `err` if not. Call it last.
  bool finish();

 private:
  void print_line(const std::string& line);
  void print_error(const std::string& text);

  LineFormat format_;
  Talk talk_;
  bool ignore_missing_;
  std::ostream& out_;
  std::ostream& err_;
  int write_error_ = 0;  ///< errno of the first write that failed
};

}  // namespace bertjit
