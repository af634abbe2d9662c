// The report of a run that did not live to give one, from what it had told.
#include "verify_casualty.h"

#include "report/check_report.h"
#include "report/verify_report.h"
#include "report/verify_testing.h"

namespace bertjit {

namespace {

const VerifyOptions kOptions{.module = "m.pt", .source = {.path = "s.pt"}};

CheckResult check(const std::string& id, Verdict verdict, const std::string& where = "") {
  return {id, verdict, "said of " + id, where, {{"facts", int64_t{2}}}, ""};
}

/// As verify tells it: what is new, and what is to come.
std::string told(const std::vector<CheckResult>& news, const std::vector<std::string>& to_come) {
  VerifyResult result{.module = "m.pt", .source = "s.pt"};
  result.example = "--input";
  result.checks = news;
  return nlohmann::ordered_json{{"result", to_json(result)}, {"to_come", to_come}}.dump();
}

Casualty crash(const std::vector<std::string>& stages, const std::string& file,
               const std::vector<std::string>& partial_results) {
  return {.summary = "crashed in run: SIGSEGV",
          .advice = "beware",
          .stages = stages,
          .file = file,
          .input = "x [1]",
          .is_by_model = true,
          .evidence = {{"signal", std::string("SIGSEGV")}},
          .partial_results = partial_results};
}

/// "safety pass, repeat fail"
std::string verdicts(const VerifyResult& result) {
  std::string text;
  for (const CheckResult& check : result.checks) {
    text += (text.empty() ? "" : ", ") + check.id + " " + verdict_name(check.verdict);
  }
  return text;
}

const std::vector<std::string> kTold = {told({}, {"safety", "repeat", "weights"}),
                                        told({check("safety", Verdict::kPass)}, {"repeat", "weights"})};

}  // namespace

TEST_CASE("verify casualty: the check under way fails, those before it stay, those after it are skipped") {
  const auto result = result_of_casualty(kOptions, crash({"verify", "check repeat", "run"}, "m.pt", kTold));
  REQUIRE(result);
  CHECK(verdicts(*result) == "safety pass, repeat fail, weights skip");
  CHECK(result->blamed == "repeat");
  CHECK(result->where == "x [1]");
  CHECK(result->example == "--input");
  CHECK_FALSE(result->passed);
  CHECK_FALSE(result->nothing_checked);
  CHECK(result->checks[0].summary == "said of safety");
  CHECK(std::get<int64_t>(result->checks[0].evidence.at(0).value) == 2);
  CHECK(result->checks[1].summary == "crashed in run: SIGSEGV");
  CHECK(result->checks[2].summary == "not reached: crashed in run: SIGSEGV");
}

TEST_CASE("verify casualty: between checks it is the check load that fails") {
  const auto result = result_of_casualty(kOptions, crash({"verify", "load"}, "m.pt", kTold));
  REQUIRE(result);
  CHECK(verdicts(*result) == "safety pass, load fail, repeat skip, weights skip");
}

TEST_CASE("verify casualty: a crash of the source is no answer, unless a check has failed by then") {
  const Casualty in_source = crash({"verify", "check source", "run"}, "s.pt", kTold);
  CHECK_FALSE(result_of_casualty(kOptions, in_source));
  std::vector<std::string> more = kTold;
  more.push_back(told({check("repeat", Verdict::kFail, "run 3")}, {"source", "weights"}));
  const auto result = result_of_casualty(kOptions, crash({"verify", "check source", "run"}, "s.pt", more));
  REQUIRE(result);
  CHECK(verdicts(*result) == "safety pass, repeat fail, source skip, weights skip");
  CHECK(result->checks[2].summary == "no answer: crashed in run: SIGSEGV");
  CHECK(result->blamed == "repeat");
  CHECK(result->where == "run 3");
}

TEST_CASE("verify casualty: what the system killed, what had told nothing, and half a report are no answer") {
  Casualty killed = crash({"verify", "check repeat", "run"}, "m.pt", kTold);
  killed.is_by_model = false;
  CHECK_FALSE(result_of_casualty(kOptions, killed));
  CHECK_FALSE(result_of_casualty(kOptions, crash({"start"}, "", {})));
  CHECK_FALSE(result_of_casualty(kOptions, crash({"report"}, "", kTold)));
}

}  // namespace bertjit
