#include "scan/safety.h"

#include <algorithm>
#include <utility>

#include "support/file.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

constexpr const char* kSafety = "safety";

EvidenceRows rows_of(const ScanResult& scan) {
  EvidenceRows rows;
  for (const ScanFinding& finding : scan.findings) {
    EvidenceFields row{{"record", finding.record}, {"found", finding.found}, {"why", finding.why}};
    if (finding.line > 0) {
      row.push_back({"line", static_cast<int64_t>(finding.line)});
    }
    if (finding.offset) {
      row.push_back({"offset", static_cast<int64_t>(*finding.offset)});
    }
    row.push_back({"effect", std::string(scan_effect_name(finding.effect))});
    row.push_back({"rule", finding.rule});
    rows.push_back(std::move(row));
  }
  return rows;
}

const char* advice_for(const ScanResult& scan) {
  switch (scan.findings.front().effect) {
    case ScanEffect::kUnsafe:
      return "do not load it; get the file from its maker by another way, or export the model anew";
    case ScanEffect::kCorrupt:
      return "get the file again: it was damaged on its way or on the disk";
    case ScanEffect::kUnread:
      return scan.findings.front().record.empty()
                 ? "verify takes TorchScript files, as `bertjit trace` and torch.jit.save write them"
                 : "--skip safety loads it all the same: only if you trust where it comes from";
  }
  return "";
}

}  // namespace

CheckResult judge_safety(const std::string& path, const ScanOptions& options) {
  // A file that cannot be opened is no finding: the error says what is the matter.
  const MappedFile readable(path);
  const Stage stage("scan", path);
  const ScanResult scan = scan_file(path, options);
  CheckResult result{kSafety, Verdict::kPass, "nothing in it does more than compute", "", {}};
  result.evidence = {{kSafety, std::string(scan_verdict_name(scan.verdict))},
                     {"records", static_cast<int64_t>(scan.records)},
                     {"pickles", static_cast<int64_t>(scan.pickles)},
                     {"functions", static_cast<int64_t>(scan.functions)},
                     {"operators", static_cast<int64_t>(scan.operators)}};
  if (scan.verdict == ScanVerdict::kSafe) {
    return result;
  }
  const ScanFinding& first = scan.findings.front();
  result.verdict = Verdict::kFail;
  result.summary = first.found + ": " + first.why;
  result.where = first.record;
  result.advice = advice_for(scan);
  result.evidence.push_back({"finding_count", static_cast<int64_t>(scan.finding_count)});
  result.evidence.push_back({"findings", rows_of(scan)});
  return result;
}

bool found_unsafe(const CheckResult& safety) {
  return std::ranges::any_of(safety.evidence, [](const Evidence& fact) {
    const auto* word = std::get_if<std::string>(&fact.value);
    return fact.key == kSafety && word != nullptr && *word == scan_verdict_name(ScanVerdict::kUnsafe);
  });
}

}  // namespace bertjit
