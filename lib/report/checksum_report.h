// What `bertjit checksum` prints, in the words of GNU sha512sum 9.1.
#pragma once

#include <ostream>
#include <string>

#include "checksum/checksum.h"
#include "support/progress.h"

namespace bertjit {

/// Where reports go: answers to `out`, problems to `err` after the program's name, and the bar that must be off the
/// terminal meanwhile.
struct ChecksumStreams {
  std::ostream& out;
  std::ostream& err;
  Progress& progress;
};

/// Writes to both streams in the form of sha512sum. `out` is flushed line by line, so that both read in order when they
/// end up in one place.
class ChecksumPrinter {
 public:
  explicit ChecksumPrinter(const ChecksumStreams& streams) : streams_(streams) {}

  /// Does nothing once a write has failed.
  void print(const std::string& text);
  void print_error(const std::string& text);
  /// Bad usage: the reason, and where help is.
  void print_usage_error(const std::string& reason);

  /// Whether everything reached `out`; says so on `err` if not. Call it last.
  bool finish();

 private:
  ChecksumStreams streams_;
  int write_error_ = 0;  ///< errno of the first write that failed
};

/// Prints results as they come.
class ChecksumReport : public ChecksumSink {
 public:
  /// Both must outlive this.
  ChecksumReport(const ChecksumOptions& options, ChecksumPrinter& printer) : options_(options), printer_(printer) {}

  void take(const FileDigest& file) override;
  void take(const CheckedLine& line) override;
  /// The closing remarks on a list.
  void take(const CheckedList& list) override;
  void take(const WalkedPath& path) override;
  void take(const ChecksumSummary& summary) override;

 private:
  bool silent() const {
    return options_.talk == Talk::kStatus;
  }
  void take_missing(const CheckedLine& line);

  const ChecksumOptions& options_;
  ChecksumPrinter& printer_;
};

}  // namespace bertjit
