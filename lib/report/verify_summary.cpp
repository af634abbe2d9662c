#include "report/verify_summary.h"

#include <algorithm>

#include "report/check_report.h"

namespace bertjit {

const char* verdict_words(const VerifyResult& result) {
  return result.unsafe            ? "REFUSED as unsafe"
         : result.nothing_checked ? "nothing was checked"
         : result.passed          ? "pass"
                                  : "FAIL";
}

std::string verdict_counts(const VerifyResult& result) {
  std::string counts;
  for (const Verdict verdict : {Verdict::kPass, Verdict::kFail, Verdict::kWarn, Verdict::kSkip}) {
    const auto n = std::count_if(result.checks.begin(), result.checks.end(),
                                 [&](const CheckResult& check) { return check.verdict == verdict; });
    if (n > 0) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(n) + " " + verdict_name(verdict);
    }
  }
  return counts;
}

std::vector<std::pair<std::string, std::string>> environment_words(const VerifyEnvironment& environment) {
  std::vector<std::pair<std::string, std::string>> words;
  const auto add = [&words](const char* name, const std::string& value) {
    if (!value.empty()) {
      words.emplace_back(name, value);
    }
  };
  const auto count = [](int number) { return number > 0 ? std::to_string(number) : ""; };
  add("bertjit", environment.bertjit);
  add("libtorch", environment.libtorch);
  add("cpu_capability", environment.cpu_capability);
  add("threads", count(environment.threads));
  add("interop_threads", count(environment.interop_threads));
  add("seed", std::to_string(environment.seed));
  return words;
}

}  // namespace bertjit
