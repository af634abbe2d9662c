#include "report/verify_junit.h"

#include <sstream>
#include <utility>
#include <vector>

#include "report/check_report.h"
#include "report/markup.h"
#include "report/verify_summary.h"

namespace bertjit {

namespace {

/// A suite as it grows.
struct Suite {
  std::string cases;
  size_t tests = 0;
  size_t failures = 0;
  size_t errors = 0;
  size_t skipped = 0;
};

std::string attribute(const char* name, const std::string& value) {
  return std::string(" ") + name + "=\"" + markup_attribute(value) + "\"";
}

std::string attribute(const char* name, size_t value) {
  return attribute(name, std::to_string(value));
}

void add_case(Suite& suite, const std::string& name, const std::string& body) {
  ++suite.tests;
  suite.cases += "    <testcase" + attribute("classname", "bertjit.verify") + attribute("name", name) + ">" + body +
                 "</testcase>\n";
}

void add_error(Suite& suite, const std::string& message) {
  ++suite.errors;
  add_case(suite, "verify", "<error" + attribute("message", message) + attribute("type", "no answer") + "/>");
}

/// As on a terminal: the summary, what is to blame, how to mend it, the evidence.
std::string as_text(const CheckResult& check) {
  std::ostringstream text;
  print_checks({check}, Color::kNo, text);
  return text.str();
}

void add_check(Suite& suite, const CheckResult& check, WarningsFail werror) {
  const bool fails =
      check.verdict == Verdict::kFail || (check.verdict == Verdict::kWarn && werror == WarningsFail::kYes);
  if (fails) {
    ++suite.failures;
    const std::string message = check.summary + (check.where.empty() ? "" : " (where: " + check.where + ")");
    add_case(suite, check.id,
             "<failure" + attribute("message", message) + attribute("type", verdict_name(check.verdict)) + ">" +
                 markup_text(as_text(check)) + "</failure>");
  } else if (check.verdict == Verdict::kSkip) {
    ++suite.skipped;
    add_case(suite, check.id, "<skipped" + attribute("message", check.summary) + "/>");
  } else {
    add_case(suite, check.id, "<system-out>" + markup_text(as_text(check)) + "</system-out>");
  }
}

using Properties = std::vector<std::pair<std::string, std::string>>;

std::string document(const Suite& suite, const std::string& module, const Properties& properties) {
  const std::string totals =
      attribute("tests", suite.tests) + attribute("failures", suite.failures) + attribute("errors", suite.errors);
  std::string xml = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + attribute("name", "bertjit verify") +
                    totals + ">\n  <testsuite" + attribute("name", module) + totals +
                    attribute("skipped", suite.skipped) + ">\n    <properties>\n";
  for (const auto& [name, value] : properties) {
    xml += "      <property" + attribute("name", name.c_str()) + attribute("value", value) + "/>\n";
  }
  return xml + "    </properties>\n" + suite.cases + "  </testsuite>\n</testsuites>\n";
}

void add_property(Properties& properties, const char* name, const std::string& value) {
  if (!value.empty()) {
    properties.emplace_back(name, value);
  }
}

}  // namespace

std::string verify_junit(const VerifyResult& result, WarningsFail werror, const std::string& command_line) {
  Suite suite;
  for (const CheckResult& check : result.checks) {
    add_check(suite, check, werror);
  }
  if (result.nothing_checked || result.checks.empty()) {
    add_error(suite, verdict_words(result));
  }
  Properties properties;
  add_property(properties, "verdict", verdict_words(result));
  add_property(properties, "command", command_line);
  add_property(properties, "source", result.source);
  add_property(properties, "claims_from", result.claims_from);
  add_property(properties, "recognised", result.recognised);
  add_property(properties, "example", result.example);
  for (const auto& [name, value] : environment_words(result.environment)) {
    add_property(properties, name.c_str(), value);
  }
  return document(suite, result.module, properties);
}

std::string verify_junit_error(const std::string& module, const std::string& message, const std::string& command_line) {
  Suite suite;
  add_error(suite, message);
  Properties properties;
  add_property(properties, "command", command_line);
  return document(suite, module, properties);
}

}  // namespace bertjit
