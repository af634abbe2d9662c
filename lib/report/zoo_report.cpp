#include "report/zoo_report.h"

#include <algorithm>
#include <array>
#include <map>

#include "report/columns.h"
#include "report/decimals.h"
#include "report/visible.h"

namespace bertjit {

namespace {

constexpr size_t kVerdictWidth = 9;

constexpr const char* kReset = "\x1b[0m";

const char* color_of(ZooVerdict verdict) {
  return verdict == ZooVerdict::kPass ? "\x1b[32m" : verdict == ZooVerdict::kNoAnswer ? "\x1b[33m" : "\x1b[31m";
}

/// As `verify` writes verdicts, so that a bad one stands out without colours.
const char* verdict_word(ZooVerdict verdict) {
  constexpr std::array kWords = {"pass", "FAIL", "no answer", "UNSAFE"};
  return kWords[static_cast<size_t>(verdict)];
}

std::string padded(std::string text, size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string check_counts(const ZooEntry& entry) {
  std::string text;
  for (const char* verdict : {"pass", "fail", "warn", "skip"}) {
    const auto count = std::ranges::count(entry.checks, verdict, [](const auto& check) { return check.second; });
    if (count > 0) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + verdict;
    }
  }
  return text;
}

std::string figures_text(const ZooEntry& entry) {
  std::string text;
  for (const auto& [name, value] : entry.figures) {
    text += (text.empty() ? "" : ", ") + name + " " + fixed(value, 4);
  }
  return text;
}

const ZooFinding* blamed_finding(const ZooEntry& entry) {
  const auto blamed = std::ranges::find(entry.findings, entry.blamed, &ZooFinding::check);
  return blamed == entry.findings.end() ? nullptr : &*blamed;
}

}  // namespace

std::string zoo_summary(const ZooEntry& entry) {
  if (!entry.error.empty()) {
    return entry.error.substr(0, entry.error.find('\n'));
  }
  if (const ZooFinding* blamed = blamed_finding(entry)) {
    return blamed->check + ": " + blamed->summary.substr(0, blamed->summary.find('\n')) +
           (blamed->where.empty() ? "" : " (" + blamed->where + ")");
  }
  return entry.figures.empty() ? check_counts(entry) : figures_text(entry);
}

void print_zoo_entry(const ZooEntry& entry, size_t name_width, Color color, std::ostream& out) {
  const std::string word = padded(verdict_word(entry.verdict), kVerdictWidth);
  out << (color == Color::kYes ? color_of(entry.verdict) + word + kReset : word) << "  "
      << padded(visible(entry.name), name_width) << "  " << visible(zoo_summary(entry)) << "\n";
}

void print_text(const ZooResult& result, Color color, std::ostream& out) {
  size_t name_width = 0;
  for (const ZooEntry& entry : result.entries) {
    name_width = std::min(std::max(name_width, entry.name.size()), kWidestName);
  }
  std::vector<const ZooEntry*> entries = worst_first(result);
  std::ranges::stable_sort(entries, {}, [](const ZooEntry* entry) { return entry->verdict; });
  for (const ZooEntry* entry : entries) {
    print_zoo_entry(*entry, name_width, color, out);
  }
  out << zoo_counts(result) << "\n";
}

}  // namespace bertjit
