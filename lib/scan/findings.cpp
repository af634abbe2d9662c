#include "scan/findings.h"

#include <algorithm>
#include <utility>

namespace bertjit {

namespace {

constexpr size_t kMaxKept = 100;

ScanEffect effect_of(ErrorKind kind) {
  return kind == ErrorKind::kUnsafe    ? ScanEffect::kUnsafe
         : kind == ErrorKind::kCorrupt ? ScanEffect::kCorrupt
                                       : ScanEffect::kUnread;
}

const char* reason_of(ScanEffect effect) {
  switch (effect) {
    case ScanEffect::kUnsafe:
      return "reading it could run code";
    case ScanEffect::kCorrupt:
      return "the bytes are not what their format says, and loaders do not check";
    case ScanEffect::kUnread:
      return "what was not read cannot be vouched for";
  }
  return "";
}

}  // namespace

const char* scan_verdict_name(ScanVerdict verdict) {
  switch (verdict) {
    case ScanVerdict::kSafe:
      return "safe";
    case ScanVerdict::kCannotTell:
      return "cannot tell";
    case ScanVerdict::kUnsafe:
      return "unsafe";
  }
  return "";
}

const char* scan_effect_name(ScanEffect effect) {
  constexpr const char* kNames[] = {"unsafe", "corrupt", "unread"};
  return kNames[static_cast<size_t>(effect)];
}

void ScanFindings::add(ScanFinding finding) {
  ++result_.finding_count;
  if (finding.effect == ScanEffect::kUnsafe && damaged_.contains(finding.record)) {
    finding.effect = ScanEffect::kCorrupt;
  }
  if (counts_[static_cast<size_t>(finding.effect)]++ < kMaxKept) {
    result_.findings.push_back(std::move(finding));
  }
}

void ScanFindings::add_error(const Error& error, std::string_view path, const std::string& record) {
  std::string_view message = error.what();
  if (message.starts_with(path) && message.substr(path.size()).starts_with(": ")) {
    message.remove_prefix(path.size() + 2);
  }
  const ScanEffect effect = effect_of(error.kind());
  add({.effect = effect,
       .rule = scan_effect_name(effect),
       .record = record,
       .found = std::string(message),
       .why = reason_of(effect)});
}

bool ScanFindings::has(ScanEffect effect) const {
  return counts_[static_cast<size_t>(effect)] > 0;
}

void ScanFindings::finish() {
  std::ranges::stable_sort(result_.findings, {}, &ScanFinding::effect);
  result_.findings.resize(std::min(result_.findings.size(), kMaxKept));
  result_.verdict = has(ScanEffect::kUnsafe)    ? ScanVerdict::kUnsafe
                    : result_.finding_count > 0 ? ScanVerdict::kCannotTell
                                                : ScanVerdict::kSafe;
}

}  // namespace bertjit
