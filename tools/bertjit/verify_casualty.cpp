#include "verify_casualty.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "report/verify_reader.h"
#include "report/verify_report.h"
#include "support/flight_recorder.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

constexpr const char* kResult = "result";
constexpr const char* kToCome = "to_come";

/// What verify had told by then.
struct Findings {
  VerifyResult result;
  std::vector<std::string> to_come;
};

Findings findings_of(const std::vector<std::string>& notes) {
  Findings findings;
  for (const std::string& note : notes) {
    const ordered_json json = ordered_json::parse(note);
    VerifyResult part = verify_from_json(json.at(kResult));
    std::vector<CheckResult> checks = std::move(findings.result.checks);
    std::ranges::move(part.checks, std::back_inserter(checks));
    part.checks = std::move(checks);
    findings.result = std::move(part);
    findings.to_come = json.at(kToCome).get<std::vector<std::string>>();
  }
  return findings;
}

/// The id of the check that was under way.
std::string check_under_way(const std::vector<std::string>& stages) {
  for (const std::string& stage : stages) {
    if (stage.starts_with(kCheckStage)) {
      return stage.substr(std::string_view(kCheckStage).size());
    }
  }
  return kLoadCheck;
}

}  // namespace

std::function<void(const VerifyResult&, const std::vector<std::string>&)> note_verify_progress() {
  return [told = size_t{0}](const VerifyResult& so_far, const std::vector<std::string>& to_come) mutable {
    VerifyResult news = so_far;
    news.checks.erase(news.checks.begin(), news.checks.begin() + static_cast<std::ptrdiff_t>(told));
    told = so_far.checks.size();
    note_flight({kPartialResult, ordered_json{{kResult, to_json(news)}, {kToCome, to_come}}.dump(), "", ""});
  };
}

std::optional<VerifyResult> result_of_casualty(const VerifyOptions& options, const Casualty& casualty) {
  if (casualty.partial_results.empty() || std::ranges::find(casualty.stages, kReportStage) != casualty.stages.end()) {
    return std::nullopt;
  }
  auto [result, to_come] = findings_of(casualty.partial_results);
  const bool is_module_to_blame = casualty.is_by_model && (casualty.file.empty() || casualty.file == options.module);
  CheckResult last{check_under_way(casualty.stages),
                   is_module_to_blame ? Verdict::kFail : Verdict::kSkip,
                   (is_module_to_blame ? "" : "no answer: ") + casualty.summary,
                   casualty.input,
                   casualty.evidence,
                   casualty.advice};
  const auto failed = std::ranges::find(result.checks, Verdict::kFail, &CheckResult::verdict);
  if (!is_module_to_blame && failed == result.checks.end()) {
    return std::nullopt;
  }
  const CheckResult& blamed = is_module_to_blame ? last : *failed;
  result.blamed = blamed.id;
  result.where = blamed.where;
  const std::string stopped_by = last.id;
  result.checks.push_back(std::move(last));
  for (const std::string& id : to_come) {
    if (id != stopped_by) {
      result.checks.push_back({id, Verdict::kSkip, "not reached: " + casualty.summary, "", {}, ""});
    }
  }
  result.passed = false;
  result.nothing_checked = false;
  return result;
}

}  // namespace bertjit
