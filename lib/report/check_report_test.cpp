#include "report/check_report.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "report/evidence_json.h"
#include "testing/testing.h"

namespace bertjit {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

std::string text(const std::vector<CheckResult>& checks, Color color = Color::kNo) {
  std::ostringstream out;
  print_checks(checks, color, out);
  return out.str();
}

CheckResult failed(const EvidenceFields& evidence) {
  return {"golden", Verdict::kFail, "differs", "", evidence};
}

TEST_CASE("print_checks: one line for each check, aligned; only failures and warnings are explained") {
  const EvidenceFields evidence = {{"elements", int64_t{6}}, {"max_abs_error", 0.0009999275207519531}};
  CHECK(text({{"grad-mode", Verdict::kPass, "3 modes, 2 outputs: equal bit for bit", "", evidence},
              {"source", Verdict::kFail, "1 of 2 outputs differs", "encoder.layer.1", evidence},
              {"weights", Verdict::kWarn, "1 parameter is never used", "pooler", {}},
              {"claims", Verdict::kSkip, "no claims", "", evidence}}) ==
        "pass  grad-mode  3 modes, 2 outputs: equal bit for bit\n"
        "fail  source     1 of 2 outputs differs\n"
        "                 where: encoder.layer.1\n"
        "                 elements: 6\n"
        "                 max_abs_error: 0.0009999275207519531\n"
        "warn  weights    1 parameter is never used\n"
        "                 where: pooler\n"
        "skip  claims     no claims\n");
}

TEST_CASE("print_checks: every kind of evidence has a form") {
  const EvidenceFields row = {{"name", std::string("0")}, {"index", std::vector<int64_t>{0, 1}}, {"error", kInf}};
  CHECK(text({failed({{"dynamic", true},
                      {"sqnr_db", std::nan("")},
                      {"names", std::vector<std::string>{"a", "b"}},
                      {"worst", row},
                      {"outputs", EvidenceRows{row, {{"trials", EvidenceRows{row}}}}},
                      {"message", std::string("not close!\n\n  at 1")}})}) ==
        "fail  golden  differs\n"
        "              dynamic: yes\n"
        "              sqnr_db: nan\n"
        "              names: a, b\n"
        "              worst:\n"
        "                name: 0\n"
        "                index: [0, 1]\n"
        "                error: inf\n"
        "              outputs:\n"
        "                - name: 0, index: [0, 1], error: inf\n"
        "                - trials: 1 row\n"
        "              message:\n"
        "                not close!\n"
        "\n"
        "                  at 1\n");
}

TEST_CASE("print_checks: lines stay within 100 columns, continued under their beginning") {
  std::string summary;
  for (int i = 0; i < 40; ++i) {
    summary += summary.empty() ? "größer" : " größer";
  }
  std::istringstream lines(text({{"golden", Verdict::kPass, summary, "", {}}}));
  std::string line;
  std::getline(lines, line);
  CHECK(line == "pass  golden  größer größer größer größer größer größer größer größer größer größer größer größer");
  std::getline(lines, line);
  CHECK(line.substr(0, 22) == "              größer");
}

TEST_CASE("print_checks: long lists are cut, and say how much is left out") {
  const EvidenceRows rows(12, EvidenceFields{{"n", int64_t{1}}});
  const std::string cut = text({failed({{"rows", rows}, {"lines", std::string(49, '\n')}})});
  CHECK(cut.find("                … 2 more rows in the JSON report\n") != std::string::npos);
  CHECK(cut.find("                … 10 more lines in the JSON report\n") != std::string::npos);
  CHECK(text({failed({{"names", std::vector<std::string>(13, "x")}})}).find("x, … 3 more in the JSON report\n") !=
        std::string::npos);
}

TEST_CASE("print_checks: a block keeps its lines, and a row that holds one takes a line for each field") {
  CHECK(text({failed({{"code", TextBlock{"a\n\nb"}}})}) ==
        "fail  golden  differs\n              code:\n                a\n\n                b\n");
  const TextBlock code{"\tfor i in range(n):\n\t^"};
  const EvidenceFields row = {{"where", std::string("loop.py:3:1")}, {"code", code}, {"times", int64_t{2}}};
  const EvidenceFields nested = {{"name", std::string("a")}, {"first", EvidenceFields{{"code", code}}}};
  CHECK(text({failed({{"code", code}, {"places", EvidenceRows{row, {{"n", int64_t{1}}}, nested}}})}) ==
        "fail  golden  differs\n"
        "              code:\n"
        "                    for i in range(n):\n"
        "                    ^\n"
        "              places:\n"
        "                - where: loop.py:3:1\n"
        "                  code:\n"
        "                        for i in range(n):\n"
        "                        ^\n"
        "                  times: 2\n"
        "                - n: 1\n"
        "                - name: a\n"
        "                  first:\n"
        "                    code:\n"
        "                          for i in range(n):\n"
        "                          ^\n");
}

TEST_CASE("print_checks: a diff is shown around its changes, coloured if colour is on, and cut after 60 lines") {
  std::string diff;
  for (int i = 1; i <= 20; ++i) {
    diff += "  " + std::to_string(i) + "\n";
  }
  diff += "- a\n? ^\n+ b\n? ^\n  x\n  y\n  z\n  last";
  const std::vector<CheckResult> checks{failed({{"diff", TextBlock{diff, TextBlock::Kind::kDiff}}})};
  const std::string margin(16, ' ');
  CHECK(text(checks) == "fail  golden  differs\n              diff:\n" + margin + "  … 17 equal lines\n" + margin +
                            "  18\n" + margin + "  19\n" + margin + "  20\n" + margin + "- a\n" + margin + "? ^\n" +
                            margin + "+ b\n" + margin + "? ^\n" + margin + "  x\n" + margin + "  y\n" + margin +
                            "  z\n" + margin + "  … 1 equal line\n");
  CHECK_THAT(text(checks, Color::kYes), Catch::Contains("\033[31m- a\033[0m") &&
                                            Catch::Contains("\033[32m+ b\033[0m") &&
                                            Catch::Contains("\033[2m? ^\033[0m\n") && Catch::Contains("  x\n"));
  std::string longer;
  for (int i = 0; i < 70; ++i) {
    longer += (i ? "\n+ \033" : "+ \033") + std::to_string(i);
  }
  const std::string cut = text({failed({{"diff", TextBlock{longer, TextBlock::Kind::kDiff}}})});
  CHECK_THAT(cut, Catch::Contains(margin + "+ \\x1b59\n" + margin + "… 10 more lines in the JSON report\n"));
  CHECK(evidence_to_json({{"diff", TextBlock{longer, TextBlock::Kind::kDiff}}})["diff"] == longer);
}

TEST_CASE("print_checks: control characters in names cannot reach the terminal") {
  const EvidenceFields evidence = {{"k\n", std::string("\xc2\x9b;1m\x7f")}};
  CHECK(text({{"scan", Verdict::kFail, "bad\033[2Jname", "a\rb", evidence}}) ==
        "fail  scan  bad\\x1b[2Jname\n"
        "            where: a\\x0db\n"
        "            k\\x0a: \\x9b;1m\\x7f\n");
}

TEST_CASE("print_checks: colour marks the verdict and does not disturb the columns") {
  CHECK(text({{"golden", Verdict::kFail, "differs", "", {}}}, Color::kYes) ==
        "\033[1;31mfail\033[0m  golden  differs\n");
  CHECK(text({{"golden", Verdict::kPass, "equal", "", {}}}, Color::kYes) == "\033[32mpass\033[0m  golden  equal\n");
}

TEST_CASE("checks_to_json: every check with id, verdict, summary, where and all evidence, in order") {
  CHECK(
      checks_to_json({{"grad-mode", Verdict::kPass, "equal", "", {}},
                      {"source", Verdict::kFail, "differs", "encoder", {{"elements", int64_t{6}}}, "Export again."}})
          .dump() ==
      R"([{"id":"grad-mode","verdict":"pass","summary":"equal","where":"","advice":"","evidence":{}},)"
      R"({"id":"source","verdict":"fail","summary":"differs","where":"encoder","advice":"Export again.","evidence":{"elements":6}}])");
  CHECK(checks_to_json({}).dump() == "[]");
  CHECK(std::string(verdict_name(Verdict::kWarn)) == "warn");
  CHECK(std::string(verdict_name(Verdict::kSkip)) == "skip");
}

TEST_CASE("evidence_to_json: types are kept, fields stay in order") {
  const EvidenceFields row = {{"b", true}, {"a", int64_t{INT64_MIN}}};
  CHECK(evidence_to_json({{"z", 0.5},
                          {"text", std::string("a\"b")},
                          {"names", std::vector<std::string>{"x"}},
                          {"index", std::vector<int64_t>{0, 1}},
                          {"row", row},
                          {"rows", EvidenceRows{row, {}}},
                          {"none", EvidenceRows{}}})
            .dump() ==
        R"({"z":0.5,"text":"a\"b","names":["x"],"index":[0,1],"row":{"b":true,"a":-9223372036854775808},)"
        R"("rows":[{"b":true,"a":-9223372036854775808},{}],"none":[]})");
}

TEST_CASE("json_number: finite numbers read back the same, others are words") {
  for (const double value : {0.1, 1.0 / 3, 5e-324, 1.7976931348623157e308, -0.0, 0.0009999275207519531}) {
    const auto read = nlohmann::json::parse(json_number(value).dump()).get<double>();
    CHECK(read == value);
    CHECK(std::signbit(read) == std::signbit(value));
  }
  CHECK(json_number(std::nan("")) == "nan");
  CHECK(json_number(kInf) == "inf");
  CHECK(json_number(-kInf) == "-inf");
}

TEST_CASE("json_text: bytes that are not UTF-8 do not stop the report") {
  CHECK(json_text("caf\xc3\xa9") == "caf\xc3\xa9");
  CHECK(json_text("a\xff") == "a\xef\xbf\xbd");
  CHECK_NOTHROW(checks_to_json({failed({{"k\xff", std::string("\x80")}})}).dump());
}

}  // namespace
}  // namespace bertjit
