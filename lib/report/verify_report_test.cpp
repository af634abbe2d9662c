#include "report/verify_report.h"

#include <sstream>

#include "report/verify_testing.h"

namespace bertjit {
namespace {

std::string last_line(const VerifyResult& result) {
  std::ostringstream out;
  print_text(result, Color::kNo, out);
  const std::string text = out.str();
  return text.substr(text.rfind('\n', text.size() - 2) + 1);
}

TEST_CASE("print_text: the last line has the verdict and the counts") {
  VerifyResult result = testing::sample_result();
  CHECK(last_line(result) == "models/traced_bert.pt: FAIL (1 pass, 3 fail, 1 warn, 2 skip)\n");
  result.passed = true;
  CHECK(last_line(result) == "models/traced_bert.pt: pass (1 pass, 3 fail, 1 warn, 2 skip)\n");
  result.nothing_checked = true;
  CHECK(last_line(result) == "models/traced_bert.pt: nothing was checked (1 pass, 3 fail, 1 warn, 2 skip)\n");
  result.unsafe = true;
  CHECK(last_line(result) == "models/traced_bert.pt: REFUSED as unsafe (1 pass, 3 fail, 1 warn, 2 skip)\n");
}

TEST_CASE("to_json: the document says under what, held to which claims, and how to mend what was found") {
  const auto json = to_json(testing::sample_result());
  CHECK(json.at("schema") == "bertjit.verify/1");
  CHECK(json.at("verdict") == "fail");
  CHECK(json.at("unsafe") == false);
  CHECK(json.at("claims_from") == "extra/bertjit.json");
  CHECK(json.at("recognised") == "bert BertModel");
  CHECK(json.at("environment").dump() ==
        R"({"bertjit":"0.6.0","libtorch":"2.13.0","cpu_capability":"AVX512","threads":4,"interop_threads":8,)"
        R"("seed":18446744073709551615})");
  CHECK(json.at("checks").at(2).at("advice") == "Trace with sizes recorded (without --fixed-shapes).");
  CHECK(json.at("checks").at(0).at("advice") == "");
  // Drawn in other reports, complete here.
  CHECK(json.at("checks").at(3).at("evidence").at("layers").size() == 37);
  CHECK(json.at("checks").at(2).at("evidence").at("grid").size() == 24);
}

TEST_CASE("to_json: what is not known is null, hostile bytes do not stop it") {
  VerifyResult result{.module = "a.pt"};
  const auto json = to_json(result);
  CHECK(json.at("claims_from").is_null());
  CHECK(json.at("recognised").is_null());
  CHECK(json.at("environment").at("libtorch").is_null());
  CHECK_NOTHROW(to_json(testing::hostile_result()).dump());
}

}  // namespace
}  // namespace bertjit
