#include "zoo/result_line.h"

#include "testing/error_of.h"
#include "zoo/result_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::zoo_line;

std::string error_of(const std::string& text) {
  return testing::error_of([&] { read_result_line(text, "out.jsonl:3"); }).what();
}

}  // namespace

TEST_CASE("result line: what was written is read back, and written again it is the same bytes") {
  for (const int exit_code : {0, 1, 2, 3}) {
    const std::string text = write_result_line(zoo_line(3, 9, exit_code));
    CHECK(text.find('\n') == text.size() - 1);
    const ZooLine line = read_result_line(text, "x");
    CHECK(line.header == zoo_line(3, 9).header);
    CHECK(line.exit_code == exit_code);
    CHECK(line.files.at("a.pt").stamp == FileStamp{7, 8, 9, 10});
    CHECK_FALSE(line.files.at("lost").stamp);
    CHECK(line.run.seconds == 0.25);
    CHECK(write_result_line(line) == text);
  }
}

TEST_CASE("result line: bytes that are no UTF-8 in a name or a message still make a line that can be read") {
  ZooLine line = zoo_line(1, 1, 2);
  line.error = "\xff\n\x1b[2J";
  line.arguments.back() = "\xfe.pt";
  const ZooLine read = read_result_line(write_result_line(line), "x");
  CHECK(read.error == "\xef\xbf\xbd\n\x1b[2J");
}

TEST_CASE("result line: what is none is told with its place") {
  CHECK(error_of("{") == "out.jsonl:3: is no line that verify --list or eval --list writes");
  CHECK(error_of(std::string(1000000, '[') + std::string(1000000, ']')) == error_of("{"));
  CHECK(error_of("[]") == error_of("{"));
  CHECK(error_of("{\"schema\": \"bertjit.verify-list/1\"}") == error_of("{"));
  CHECK(error_of("{\"schema\": \"bertjit.verify/1\"}") ==
        "out.jsonl:3: 'schema' is 'bertjit.verify/1', not one of bertjit.verify-list/1, bertjit.eval-list/1");
  ZooLine line = zoo_line(10, 9);
  CHECK(error_of(write_result_line(line)) == error_of("{"));
  line = zoo_line(1, 9);
  line.exit_code = 3;
  std::string text = write_result_line(line);
  text.replace(text.find("\"exit_code\":3"), 13, "\"exit_code\":7");
  CHECK(error_of(text) == error_of("{"));
}

TEST_CASE("result line: another run of the same job has the same digest, another result another one") {
  const ZooEntry entry = entry_of(zoo_line(2, 9, 1));
  CHECK(entry.blamed == "source");
  REQUIRE(entry.findings.size() == 1);
  CHECK(entry.findings[0].where == "encoder.weight");
  CHECK(entry.checks == std::vector<std::pair<std::string, std::string>>{{"safety", "pass"}, {"source", "fail"}});
  CHECK(entry.operands == "a.pt");

  ZooLine again = zoo_line(2, 9, 1);
  again.run = {"2/2", "node2", "2026-02-01T12:00:00Z", 9, 9, 9};
  again.files["a.pt"].stamp.reset();
  again.report["checks"][1]["evidence"]["process"]["seconds"] = 77;
  CHECK(entry_of(again).digest == entry.digest);
  again.report["checks"][1]["summary"] = "2 of 9 tensors differ";
  CHECK(entry_of(again).digest != entry.digest);
}

TEST_CASE("result line: the figures of eval are the metrics of each model") {
  ZooLine line = zoo_line(1, 1);
  line.header.command = "eval";
  line.report = nlohmann::ordered_json::parse(
      R"({"data": [{"name": "mrpc", "models": [{"model": "a", "score": {"metrics": {"accuracy": 0.5, "f1": "nan"}}},
                                               {"model": "b", "score": null}]}]})");
  const ZooEntry entry = entry_of(line);
  REQUIRE(entry.figures.size() == 2);
  CHECK(entry.figures[0] == std::pair<std::string, double>{"a accuracy", 0.5});
  CHECK(entry.figures[1].first == "a f1");
}

}  // namespace bertjit
