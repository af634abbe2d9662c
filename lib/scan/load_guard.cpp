#include "scan/load_guard.h"

#include <filesystem>

#include "scan/scan.h"
#include "support/error.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

/// "data.pkl: imports 'posix.system': …"
std::string text_of(const ScanFinding& finding) {
  const std::string line = finding.line > 0 ? ":" + std::to_string(finding.line) : "";
  return (finding.record.empty() ? "" : finding.record + line + ": ") + finding.found + ": " + finding.why;
}

}  // namespace

void guard_load(const std::string& path, const LoadGuard& guard) {
  std::error_code ignored;
  if (guard.no_scan || !std::filesystem::is_regular_file(path, ignored)) {
    return;
  }
  const Stage stage("scan", path);
  const ScanResult scan = scan_file(path, {.allow = guard.allow});
  // What is no TorchScript never reaches libtorch: whoever opens it says what it is.
  if (scan.verdict == ScanVerdict::kSafe || (scan.verdict == ScanVerdict::kCannotTell && scan.kind != "torchscript")) {
    return;
  }
  const ScanFinding& first = scan.findings.front();
  const std::string found = path + ": " + text_of(first);
  switch (first.effect) {
    case ScanEffect::kUnsafe:
      throw Error(ErrorKind::kUnsafe, found + "; not loaded (bertjit scan shows all that was found)");
    case ScanEffect::kCorrupt:
      throw Error(ErrorKind::kCorrupt, found + "; get the file again");
    case ScanEffect::kUnread:
      throw Error(ErrorKind::kUnsupported, found + "; --no-scan loads it all the same");
  }
}

}  // namespace bertjit
