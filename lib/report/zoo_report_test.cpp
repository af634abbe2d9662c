#include "report/zoo_report.h"

#include <sstream>

#include "report/verify_testing.h"
#include "zoo/result_line.h"
#include "zoo/result_testing.h"

namespace bertjit {
namespace {

using Catch::Contains;
using testing::judge;
using testing::zoo_line;

const char* const kHostile = "<script>\x1b[2J\xff&\"' ]]>";

/// Of four jobs one each passes, fails, has no answer and is unsafe.
ZooResult sample() {
  ZooResult result{.command = "verify", .version = "0.1.0", .list_digest = std::string(128, 'a'), .jobs = 4};
  for (const size_t index : {1, 2, 3, 4}) {
    const ZooLine line = zoo_line(index, 4, static_cast<int>(index) - 1);
    result.entries.push_back(entry_of(line));
    result.entries.back().place = {.path = "", .text = write_result_line(line)};
  }
  return result;
}

std::string text_of(const ZooResult& result) {
  std::ostringstream out;
  print_text(result, Color::kNo, out);
  return out.str();
}

nlohmann::ordered_json json_of(const ZooResult& result) {
  std::ostringstream out;
  print_json(result, out);
  const auto json = nlohmann::ordered_json::parse(out.str());
  // As every other document: one that a program has read and written is the same bytes.
  CHECK(json.dump(2) + "\n" == out.str());
  return json;
}

}  // namespace

TEST_CASE("zoo report: a line a job, the worst last, and what came of all") {
  CHECK(text_of(sample()) ==
        "pass       job 1  2 pass\n"
        "FAIL       job 2  source: 1 of 9 tensors differs (encoder.weight)\n"
        "no answer  job 3  a.pt: no such file\n"
        "UNSAFE     job 4  source: 1 of 9 tensors differs (encoder.weight)\n"
        "4 jobs: 1 pass, 1 fail, 1 no answer, 1 unsafe\n");
}

TEST_CASE("zoo report: JSON has every report whole, and what is of single runs apart from it") {
  auto json = json_of(sample());
  CHECK(json.at("schema") == "bertjit.zoo/1");
  CHECK(json.at("verdict") == "fail");
  CHECK(json.at("exit_code") == 3);
  CHECK(json.at("counts") == nlohmann::ordered_json{{"pass", 1}, {"fail", 1}, {"no-answer", 1}, {"unsafe", 1}});
  CHECK(json.at("checks").at("source") == nlohmann::ordered_json{{"pass", 1}, {"fail", 2}});
  CHECK(json.at("jobs").at(1).at("report") == zoo_line(2, 4, 1).report);
  CHECK(json.at("jobs").at(2).at("error") == "a.pt: no such file");
  CHECK(json.at("runs").at(3).at("host") == "node1");
  CHECK(json.back() == json.at("runs"));

  ZooResult elsewhere = sample();
  for (ZooEntry& entry : elsewhere.entries) {
    ZooLine line = read_result_line(entry.place.text, "x");
    line.run.host = "node2";
    line.run.seconds = 99;
    entry.place.text = write_result_line(line);
  }
  auto other = json_of(elsewhere);
  CHECK(other != json);
  json.erase("runs");
  other.erase("runs");
  CHECK(other == json);
}

TEST_CASE("zoo report: the page has the worst first, is well-formed and runs nothing, whatever names there are") {
  ZooResult result = sample();
  result.entries[1].name = kHostile;
  result.entries[1].findings[0].summary = kHostile;
  result.entries[2].error = kHostile;
  const std::string page = zoo_html(result, "bertjit report merge a.jsonl");
  CHECK(page.find("href=\"#job-4\"") < page.find("href=\"#job-3\""));
  CHECK(page.find("href=\"#job-3\"") < page.find("href=\"#job-2\""));
  CHECK(page.find("href=\"#job-2\"") < page.find(">job 1<"));
  CHECK_THAT(page, Contains("export it again") && Contains("default-src 'none'") && !Contains("<script"));
  if (testing::has_python3()) {
    CHECK(judge(page,
                "import sys, xml.etree.ElementTree as t\n"
                "r = t.parse(sys.argv[1]).getroot()\n"
                "print(len(r.findall('.//table[@class=\"zoo\"]')), len(r.findall('.//details')))") == "2 3\n");
  }
}

TEST_CASE("zoo report: JUnit has a case for each job; no answer is an error, unsafe a failure") {
  ZooResult result = sample();
  result.entries[1].findings[0].summary = kHostile;
  const std::string xml = zoo_junit(result, "bertjit report merge a.jsonl");
  CHECK_THAT(xml, Contains("tests=\"4\" failures=\"2\" errors=\"1\""));
  CHECK_THAT(xml, Contains("<error message=\"a.pt: no such file\" type=\"no-answer\">"));
  if (testing::has_python3()) {
    CHECK(judge(xml,
                "import sys, xml.etree.ElementTree as t\n"
                "for c in t.parse(sys.argv[1]).getroot().findall('testsuite/testcase'):\n"
                "  print(c.get('name'), c.get('time'), *[e.tag for e in c])") ==
          "job 1 0.250 system-out\njob 2 0.250 failure\njob 3 0.250 error\njob 4 0.250 failure\n");
  }
}

TEST_CASE("zoo report: a terminal is told nothing by a name or a message") {
  ZooResult result = sample();
  result.entries[0].name = kHostile;
  result.entries[2].error = "first\nsecond";
  const std::string text = text_of(result);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK_THAT(text, Contains("first\n") && !Contains("second"));
}

}  // namespace bertjit
