#include "report/verify_report.h"

#include <algorithm>

#include "report/evidence_json.h"
#include "report/source_report.h"

namespace bertjit {

namespace {

int64_t count(const VerifyResult& result, Verdict verdict) {
  return std::count_if(result.checks.begin(), result.checks.end(),
                       [&](const CheckResult& check) { return check.verdict == verdict; });
}

}  // namespace

void print_text(const VerifyResult& result, Color color, std::ostream& out) {
  print_checks(result.checks, color, out);
  out << result.module << ": " << (result.nothing_checked ? "nothing was checked" : result.passed ? "pass" : "FAIL");
  std::string counts;
  for (const auto verdict : {Verdict::kPass, Verdict::kFail, Verdict::kWarn, Verdict::kSkip}) {
    if (const int64_t n = count(result, verdict); n > 0) {
      counts += (counts.empty() ? "" : ", ") + std::to_string(n) + " " + verdict_name(verdict);
    }
  }
  out << " (" << counts << ")";
  out << "\n";
}

nlohmann::ordered_json to_json(const VerifyResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = "bertjit.verify/1";
  json["verdict"] = result.passed ? "pass" : "fail";
  json["module"] = json_text(result.module);
  json["source"] = result.source.empty() ? nlohmann::ordered_json(nullptr) : json_text(result.source);
  json["source_kind"] = result.source_kind ? nlohmann::ordered_json(source_kind_name(*result.source_kind)) : nullptr;
  json["checkpoint"] = result.choice ? choice_to_json(*result.choice) : nlohmann::ordered_json(nullptr);
  json["example"] = json_text(result.example);
  json["checks"] = checks_to_json(result.checks);
  return json;
}

}  // namespace bertjit
