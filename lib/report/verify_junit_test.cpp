#include "report/verify_junit.h"

#include "report/verify_testing.h"

namespace bertjit {
namespace {

using Catch::Contains;
using testing::judge;
using testing::sample_result;

/// The rules of junit-10.xsd (jenkinsci/xunit-plugin, src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd/):
/// which elements may hold which, which attributes they may and must have; and that the counts are those of the cases.
/// Prints a line for each case: its name and what is in it.
const std::string kJudge = R"(
import sys, xml.etree.ElementTree as tree
rules = {
    'testsuites': ({'testsuite'}, set(), {'name', 'time', 'tests', 'failures', 'errors'}),
    'testsuite': ({'testsuite', 'properties', 'testcase', 'system-out', 'system-err'},
                  {'name', 'tests', 'failures', 'errors'},
                  {'group', 'time', 'skipped', 'timestamp', 'hostname', 'id', 'package', 'file', 'log', 'url'}),
    'properties': ({'property'}, set(), set()),
    'property': (set(), {'name', 'value'}, set()),
    'testcase': ({'skipped', 'error', 'failure', 'system-out', 'system-err'}, {'name'}, {'time', 'classname', 'group'}),
    'skipped': (set(), set(), {'type', 'message'}),
    'failure': (set(), set(), {'type', 'message'}),
    'error': (set(), set(), {'type', 'message'}),
    'system-out': (set(), set(), set()),
}
mixed = {'skipped', 'failure', 'error', 'system-out'}
root = tree.parse(sys.argv[1]).getroot()
assert root.tag == 'testsuites'
for element in root.iter():
    children, required, optional = rules[element.tag]
    assert {child.tag for child in element} <= children, element.tag
    assert required <= set(element.attrib) <= required | optional, element.attrib
    assert element.tag in mixed or not (element.text or '').strip(), element.tag
cases = root.findall('testsuite/testcase')
count = lambda tag: str(len(root.findall('testsuite/testcase/' + tag)))
for holder in (root, root.find('testsuite')):
    assert holder.get('tests') == str(len(cases))
    assert holder.get('failures') == count('failure') and holder.get('errors') == count('error')
assert root.find('testsuite').get('skipped') == count('skipped')
for case in cases:
    print(case.get('classname'), ascii(case.get('name')), *[child.tag for child in case])
)";

TEST_CASE("verify_junit: one case for each check, as the published schema has it") {
  const std::string xml = verify_junit(sample_result(), WarningsFail::kNo, "bertjit verify 'a b.pt'");
  CHECK_THAT(
      xml,
      Contains("<testsuite name=\"models/traced_bert.pt\" tests=\"7\" failures=\"3\" errors=\"0\" skipped=\"2\">"));
  CHECK_THAT(xml, Contains("<property name=\"command\" value=\"bertjit verify &#39;a b.pt&#39;\"/>"));
  CHECK_THAT(xml, Contains("<property name=\"cpu_capability\" value=\"AVX512\"/>"));
  CHECK_THAT(xml, Contains("<skipped message=\"no --golden FILE given\"/>"));
  CHECK_THAT(xml, Contains("<failure message=\"wrong numbers at 2x33: pooler_output differs by up to 0.31 (where: "
                           "2x33)\" type=\"fail\">"));
  CHECK_THAT(xml, Contains("to mend: Export again from the checkpoint."));
  if (testing::has_python3()) {
    CHECK(judge(xml, kJudge) ==
          "bertjit.verify 'checksum' skipped\n"
          "bertjit.verify 'grad-mode' system-out\n"
          "bertjit.verify 'shapes' failure\n"
          "bertjit.verify 'source' failure\n"
          "bertjit.verify 'check-inputs' failure\n"
          "bertjit.verify 'weights' system-out\n"
          "bertjit.verify 'golden' skipped\n");
  }
}

TEST_CASE("verify_junit: a warning passes with its words on the output, and fails with --werror") {
  VerifyResult result{.module = "a.pt"};
  result.checks = {{"weights", Verdict::kWarn, "stored twice", "decoder", {}, "Share it."}};
  result.passed = true;
  const std::string lenient = verify_junit(result, WarningsFail::kNo, "");
  CHECK_THAT(lenient, Contains("failures=\"0\"") && Contains("<system-out>warn  weights  stored twice\n") &&
                          Contains("where: decoder") && Contains("to mend: Share it."));
  result.passed = false;
  const std::string strict = verify_junit(result, WarningsFail::kYes, "");
  CHECK_THAT(strict, Contains("failures=\"1\"") &&
                         Contains("<failure message=\"stored twice (where: decoder)\" type=\"warn\">"));
}

TEST_CASE("verify_junit: nothing checked is an error, not a pass, and so is a run without an answer") {
  VerifyResult result{.module = "a.pt"};
  result.nothing_checked = true;
  result.checks = {{"golden", Verdict::kSkip, "no --golden FILE given", "", {}}};
  const std::string nothing = verify_junit(result, WarningsFail::kNo, "");
  CHECK_THAT(nothing,
             Contains("errors=\"1\"") && Contains("<error message=\"nothing was checked\" type=\"no answer\"/>"));
  const std::string error = verify_junit_error("a.pt", "a.pt: is not a complete zip archive", "bertjit verify a.pt");
  CHECK_THAT(error, Contains("<error message=\"a.pt: is not a complete zip archive\" type=\"no answer\"/>"));
  if (testing::has_python3()) {
    CHECK(judge(nothing, kJudge) == "bertjit.verify 'golden' skipped\nbertjit.verify 'verify' error\n");
    CHECK(judge(error, kJudge) == "bertjit.verify 'verify' error\n");
  }
}

TEST_CASE("verify_junit: valid XML whatever bytes the texts hold") {
  for (const WarningsFail werror : {WarningsFail::kNo, WarningsFail::kYes}) {
    const std::string xml = verify_junit(testing::hostile_result(), werror, testing::hostile());
    CHECK(xml.find('\0') == std::string::npos);
    CHECK(xml.find('\x1b') == std::string::npos);
    CHECK_THAT(xml, !Contains("<script") && !Contains("]]>"));
    if (testing::has_python3()) {
      judge(xml, kJudge);
    }
  }
  if (testing::has_python3()) {
    judge(verify_junit_error(testing::hostile(), testing::hostile(), ""), kJudge);
  }
}

}  // namespace
}  // namespace bertjit
