#include "zoo/zoo_result.h"

#include <algorithm>

namespace bertjit {

size_t ZooResult::count(ZooVerdict verdict) const {
  return static_cast<size_t>(std::ranges::count(entries, verdict, &ZooEntry::verdict));
}

int ZooResult::exit_code() const {
  const auto worst = std::ranges::max_element(entries, {}, &ZooEntry::verdict);
  return worst == entries.end() ? 0 : static_cast<int>(worst->verdict);
}

const char* zoo_verdict_name(ZooVerdict verdict) {
  switch (verdict) {
    case ZooVerdict::kPass:
      return "pass";
    case ZooVerdict::kFail:
      return "fail";
    case ZooVerdict::kNoAnswer:
      return "no-answer";
    case ZooVerdict::kUnsafe:
      return "unsafe";
  }
  return "";
}

std::string zoo_counts(const ZooResult& result) {
  const size_t all = result.entries.size();
  std::string text = std::to_string(all) + (all == 1 ? " job" : " jobs");
  const char* separator = ": ";
  const auto add = [&](ZooVerdict verdict, const char* word) {
    if (const size_t n = result.count(verdict); n > 0) {
      text += separator + std::to_string(n) + " " + word;
      separator = ", ";
    }
  };
  add(ZooVerdict::kPass, result.command == "eval" ? "evaluated" : "pass");
  add(ZooVerdict::kFail, "fail");
  add(ZooVerdict::kNoAnswer, "no answer");
  add(ZooVerdict::kUnsafe, "unsafe");
  return text;
}

std::vector<const ZooEntry*> worst_first(const ZooResult& result) {
  std::vector<const ZooEntry*> entries;
  for (const ZooEntry& entry : result.entries) {
    entries.push_back(&entry);
  }
  std::ranges::stable_sort(entries, std::ranges::greater(), [](const ZooEntry* entry) { return entry->verdict; });
  return entries;
}

}  // namespace bertjit
