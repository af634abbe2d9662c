#include "load_guard.h"

#include <filesystem>

#include "scan/scan.h"
#include "support/error.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;

bool is_loaded_by_libtorch(const std::string& model) {
  std::error_code ignored;
  const fs::path path(model);
  return fs::is_regular_file(path, ignored) && path.extension() != ".json" && path.extension() != ".py";
}

/// "data.pkl: imports 'posix.system': …"
std::string text_of(const ScanFinding& finding) {
  const std::string line = finding.line > 0 ? ":" + std::to_string(finding.line) : "";
  return (finding.record.empty() ? "" : finding.record + line + ": ") + finding.found + ": " + finding.why;
}

}  // namespace

void add_load_flags(CLI::App& command, LoadGuard& guard) {
  command.add_flag("--no-scan", guard.no_scan,
                   "Load TorchScript files without a scan: only those that people you trust made (see scan)");
  command.add_option("--allow", guard.allow, "An operator for the scan to let pass: my::op, or my::*; may be repeated")
      ->option_text("OP")
      ->allow_extra_args(false);
}

void guard_load(const std::string& model, const LoadGuard& guard) {
  if (guard.no_scan || !is_loaded_by_libtorch(model)) {
    return;
  }
  const ScanResult scan = scan_file(model, {.allow = guard.allow});
  // What is no TorchScript never reaches libtorch: whoever opens it says what it is.
  if (scan.verdict == ScanVerdict::kSafe || (scan.verdict == ScanVerdict::kCannotTell && scan.kind != "torchscript")) {
    return;
  }
  const ScanFinding& first = scan.findings.front();
  const std::string found = model + ": " + text_of(first);
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
