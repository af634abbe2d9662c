#include "report/decimals.h"
#include "report/markup.h"
#include "report/zoo_report.h"

namespace bertjit {

namespace {

std::string attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + markup_attribute(value) + "\"";
}

std::string findings_text(const ZooEntry& entry) {
  std::string text;
  for (const ZooFinding& finding : entry.findings) {
    text += finding.verdict + "  " + finding.check + "  " + finding.summary + "\n";
    text += finding.where.empty() ? "" : "  where: " + finding.where + "\n";
    text += finding.advice.empty() ? "" : "  to mend: " + finding.advice + "\n";
  }
  return text;
}

std::string body(const ZooEntry& entry) {
  const std::string summary = attribute("message", zoo_summary(entry));
  const std::string type = attribute("type", zoo_verdict_name(entry.verdict));
  switch (entry.verdict) {
    case ZooVerdict::kPass:
      return "<system-out>" + markup_text(zoo_summary(entry) + "\n" + findings_text(entry)) + "</system-out>";
    case ZooVerdict::kNoAnswer:
      return "<error" + summary + type + ">" + markup_text(entry.error) + "</error>";
    case ZooVerdict::kFail:
    case ZooVerdict::kUnsafe:
      return "<failure" + summary + type + ">" + markup_text(findings_text(entry)) + "</failure>";
  }
  return "";
}

}  // namespace

std::string zoo_junit(const ZooResult& result, const std::string& command_line) {
  const std::string totals =
      attribute("tests", std::to_string(result.entries.size())) +
      attribute("failures", std::to_string(result.count(ZooVerdict::kFail) + result.count(ZooVerdict::kUnsafe))) +
      attribute("errors", std::to_string(result.count(ZooVerdict::kNoAnswer)));
  const auto property = [](const char* name, const std::string& value) {
    return "      <property" + attribute("name", name) + attribute("value", value) + "/>\n";
  };
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" +
                    attribute("name", "bertjit " + result.command) + totals + ">\n  <testsuite" +
                    attribute("name", "bertjit " + result.command + " --list") + totals + attribute("skipped", "0") +
                    ">\n    <properties>\n" + property("command", command_line) + property("bertjit", result.version) +
                    property("list_sha512", result.list_digest) + "    </properties>\n";
  for (const ZooEntry& entry : result.entries) {
    xml += "    <testcase" + attribute("classname", "bertjit." + result.command) + attribute("name", entry.name) +
           attribute("time", fixed(entry.seconds, 3)) + ">" + body(entry) + "</testcase>\n";
  }
  return xml + "  </testsuite>\n</testsuites>\n";
}

}  // namespace bertjit
