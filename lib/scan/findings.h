// Where the parts of a scan put what they find.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "scan/scan_result.h"
#include "support/error.h"

namespace bertjit {

/// Collects findings, the worst ones first once `finish` is called. A hostile file can hold a million faults: all are
/// counted, and the first hundred of each effect kept.
class ScanFindings {
 public:
  explicit ScanFindings(ScanResult& result) : result_(result) {}

  void add(ScanFinding finding);

  /// What a reader threw: kUnsafe, kCorrupt as such, everything else as unread. `path` is cut off where the message
  /// begins with it.
  void add_error(const Error& error, std::string_view path, const std::string& record);

  /// The record's CRC does not fit: what is found in it from now on counts as damage, not as intent. A flipped bit
  /// turns one import into another.
  void mark_damaged(const std::string& record) {
    damaged_.insert(record);
  }

  bool has(ScanEffect effect) const;

  /// Sorts, and draws the verdict.
  void finish();

 private:
  ScanResult& result_;
  size_t counts_[3] = {};
  std::set<std::string> damaged_;
};

}  // namespace bertjit
