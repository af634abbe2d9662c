#include "report/verify_report.h"

#include "report/evidence_json.h"
#include "report/source_report.h"
#include "report/verify_summary.h"
#include "report/visible.h"

namespace bertjit {

namespace {

nlohmann::ordered_json environment_to_json(const VerifyEnvironment& environment) {
  return {{"bertjit", json_text_or_null(environment.bertjit)},
          {"libtorch", json_text_or_null(environment.libtorch)},
          {"cpu_capability", json_text_or_null(environment.cpu_capability)},
          {"threads", environment.threads},
          {"interop_threads", environment.interop_threads},
          {"seed", environment.seed}};
}

}  // namespace

void print_text(const VerifyResult& result, Color color, std::ostream& out) {
  print_checks(result.checks, color, out);
  out << result.module << ": " << verdict_words(result) << " (" << verdict_counts(result) << ")";
  if (!result.where.empty()) {
    out << ", see " << result.blamed << ": " << visible(result.where);
  }
  out << "\n";
}

nlohmann::ordered_json to_json(const VerifyResult& result) {
  nlohmann::ordered_json json;
  json["schema"] = kVerifySchema;
  json["verdict"] = result.passed ? "pass" : "fail";
  json["unsafe"] = result.unsafe;
  json["module"] = json_text(result.module);
  json["source"] = json_text_or_null(result.source);
  json["source_kind"] = result.source_kind ? nlohmann::ordered_json(source_kind_name(*result.source_kind)) : nullptr;
  json["checkpoint"] = result.choice ? choice_to_json(*result.choice) : nlohmann::ordered_json(nullptr);
  json["claims_from"] = json_text_or_null(result.claims_from);
  json["recognised"] = json_text_or_null(result.recognised);
  json["example"] = json_text(result.example);
  json["environment"] = environment_to_json(result.environment);
  json["blamed"] = json_text_or_null(result.blamed);
  json["where"] = json_text(result.where);
  json["checks"] = checks_to_json(result.checks);
  return json;
}

}  // namespace bertjit
