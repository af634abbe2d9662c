// `bertjit checksum --format json`: one document, docs/formats/checksum.md.
#pragma once

#include <nlohmann/json.hpp>

#include "checksum/checksum.h"
#include "report/checksum_report.h"

namespace bertjit {

/// Collects all results, and prints the document when the summary comes. Names that are not UTF-8 have replacement
/// characters in "name" and their bytes in "name_hex".
class ChecksumJson : public ChecksumSink {
 public:
  /// Both must outlive this.
  ChecksumJson(const ChecksumOptions& options, ChecksumPrinter& printer) : options_(options), printer_(printer) {}

  void take(const FileDigest& file) override;
  void take(const CheckedLine& line) override;
  void take(const CheckedList& list) override;
  void take(const WalkedPath& path) override;
  void take(const ChecksumSummary& summary) override;

 private:
  const ChecksumOptions& options_;
  ChecksumPrinter& printer_;
  nlohmann::ordered_json files_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json malformed_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json lists_ = nlohmann::ordered_json::array();
  nlohmann::ordered_json skipped_ = nlohmann::ordered_json::array();
};

}  // namespace bertjit
