#include "report/scan_report.h"

#include <algorithm>
#include <string>

#include "report/columns.h"
#include "report/evidence_json.h"
#include "report/visible.h"

namespace bertjit {

namespace {

using nlohmann::ordered_json;

constexpr size_t kShown = 10;

std::string painted(ScanVerdict verdict, Color color) {
  const std::string name = scan_verdict_name(verdict);
  constexpr const char* kRed = "\x1b[31m";
  constexpr const char* kYellow = "\x1b[33m";
  constexpr const char* kGreen = "\x1b[32m";
  const char* paint = verdict == ScanVerdict::kSafe ? kGreen : verdict == ScanVerdict::kUnsafe ? kRed : kYellow;
  return color == Color::kYes ? paint + name + "\x1b[0m" : name;
}

/// " (TorchScript archive: 39 records, 2 pickles, 38 functions, 112 operators)"
std::string examined(const ScanResult& result) {
  std::string text = result.kind;
  const auto add = [&](size_t count, const char* noun) {
    if (count > 0) {
      text += (text == result.kind ? ": " : ", ") + grouped_count(count, noun);
    }
  };
  const bool has_tensors = result.kind == "safetensors" || result.kind == "npy";
  add(result.records, has_tensors ? "tensor" : "record");
  add(result.pickles, "pickle");
  add(result.functions, "function");
  add(result.operators, "operator");
  return text.empty() ? "" : " (" + text + ")";
}

/// "data.pkl, byte 12", "code/__torch__.py, line 7"
std::string place_of(const ScanFinding& finding) {
  std::string place = finding.record;
  if (finding.line > 0) {
    place += ", line " + std::to_string(finding.line);
  } else if (finding.offset) {
    place += (place.empty() ? "byte " : ", byte ") + std::to_string(*finding.offset);
  }
  return place;
}

ordered_json finding_to_json(const ScanFinding& finding) {
  return {{"effect", scan_effect_name(finding.effect)},
          {"rule", finding.rule},
          {"record", finding.record.empty() ? ordered_json(nullptr) : json_text(finding.record)},
          {"offset", finding.offset ? ordered_json(*finding.offset) : ordered_json(nullptr)},
          {"line", finding.line > 0 ? ordered_json(finding.line) : ordered_json(nullptr)},
          {"found", json_text(finding.found)},
          {"why", json_text(finding.why)}};
}

ordered_json file_to_json(const ScanResult& result) {
  ordered_json findings = ordered_json::array();
  for (const ScanFinding& finding : result.findings) {
    findings.push_back(finding_to_json(finding));
  }
  return {{"path", json_text(result.path)},
          {"safety", scan_verdict_name(result.verdict)},
          {"kind", result.kind.empty() ? ordered_json(nullptr) : ordered_json(result.kind)},
          {"size_bytes", result.size_bytes},
          {"examined",
           {{"records", result.records},
            {"pickles", result.pickles},
            {"functions", result.functions},
            {"operators", result.operators}}},
          {"finding_count", result.finding_count},
          {"findings", findings}};
}

}  // namespace

void print_text(const ScanResult& result, bool full, Color color, std::ostream& out) {
  out << visible(result.path) << ": " << painted(result.verdict, color) << examined(result) << "\n";
  const size_t shown = full ? result.findings.size() : std::min(result.findings.size(), kShown);
  for (size_t i = 0; i < shown; ++i) {
    const ScanFinding& finding = result.findings[i];
    const std::string place = place_of(finding);
    out << "  " << (place.empty() ? "" : visible(place) + ": ") << visible(finding.found) << "\n    ["
        << scan_effect_name(finding.effect) << ", " << finding.rule << "] " << visible(finding.why) << "\n";
  }
  if (result.finding_count > shown) {
    out << "  … and " << grouped_count(result.finding_count - shown, "finding") << " more\n";
  }
}

ordered_json to_json(const std::vector<ScanResult>& results) {
  ordered_json files = ordered_json::array();
  bool passed = true;
  for (const ScanResult& result : results) {
    files.push_back(file_to_json(result));
    passed = passed && result.verdict == ScanVerdict::kSafe;
  }
  return {{"schema", "bertjit.scan/1"}, {"verdict", passed ? "pass" : "fail"}, {"files", files}};
}

}  // namespace bertjit
