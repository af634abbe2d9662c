#include "trace/pitfalls.h"

#include <set>

#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;

namespace {

constexpr int kKinds = static_cast<int>(FindingKind::kOutputConstant) + 1;

Finding finding(FindingKind kind, int64_t line, const std::string& text, const std::string& detail = "") {
  return {kind, {"loop.py", line, 4, "loop_in_traced_fn", text}, detail, 1};
}

const Evidence& field(const EvidenceFields& fields, const std::string& key) {
  for (const Evidence& item : fields) {
    if (item.key == key) {
      return item;
    }
  }
  FAIL("no evidence " << key);
  return fields.front();
}

}  // namespace

TEST_CASE("pitfalls: every kind of finding has a name, an explanation and a way out of its own") {
  std::set<std::string> names, texts;
  for (int i = 0; i < kKinds; ++i) {
    const auto kind = static_cast<FindingKind>(i);
    INFO(finding_name(kind));
    CHECK(pitfall(kind).kind == kind);
    CHECK(names.insert(finding_name(kind)).second);
    CHECK(texts.insert(pitfall(kind).what).second);
    CHECK(texts.insert(pitfall(kind).explanation).second);
    CHECK(texts.insert(pitfall(kind).way_out).second);
  }
}

TEST_CASE("pitfalls: one result for each kind, with its first place and all places") {
  const auto results =
      pitfall_checks({finding(FindingKind::kBranchFlattened, 7, "    if x.sum() > 0:"),
                      finding(FindingKind::kLoopUnrolled, 3, "    for i in range(x.size(0)):", "3 turns"),
                      finding(FindingKind::kLoopUnrolled, 9, "    while y:")});
  REQUIRE(results.size() == 2);
  CHECK(results[0].id == "loop-unrolled");
  CHECK(results[0].verdict == Verdict::kWarn);
  CHECK(results[0].where == "loop.py:3:4");
  CHECK(results[0].summary == "a loop was unrolled at loop.py:3:4: 3 turns (and at 1 more place)");
  const auto& places = std::get<EvidenceRows>(field(results[0].evidence, "places").value);
  REQUIRE(places.size() == 2);
  CHECK(std::get<std::string>(field(places[0], "where").value) == "loop.py:3:4");
  CHECK(std::get<std::string>(field(places[0], "detail").value) == "3 turns");
  CHECK(std::get<int64_t>(field(places[0], "times").value) == 1);
  CHECK(std::get<TextBlock>(field(places[0], "code").value).text == "for i in range(x.size(0)):\n^");
  CHECK(std::get<std::string>(field(places[1], "where").value) == "loop.py:9:4");
  CHECK_THAT(std::get<std::string>(field(results[0].evidence, "way_out").value), Contains("@torch.jit.script"));
  CHECK(results[1].id == "branch-flattened");
  CHECK_THAT(std::get<std::string>(field(results[1].evidence, "way_out").value), Contains("torch.where"));
}

TEST_CASE("pitfalls: what a trace keeps as the program has it is a note, not a warning") {
  for (const auto kind : {FindingKind::kDeviceConstant, FindingKind::kInputMutated, FindingKind::kContainerOutput}) {
    const auto results = pitfall_checks({finding(kind, 2, "    x[0] = 0")});
    REQUIRE(results.size() == 1);
    CHECK(results[0].verdict == Verdict::kPass);
    CHECK_THAT(results[0].summary, Catch::StartsWith("note: "));
  }
}

TEST_CASE("pitfalls: no findings give no results; random operators are another check's") {
  CHECK(pitfall_checks({}).empty());
  CHECK(pitfall_checks({finding(FindingKind::kNondeterministic, 2, "    y = torch.rand(3)")}).empty());
}

TEST_CASE("pitfalls: the mark stands under the column, with tabs, umlauts and places that are not known") {
  const auto code = [](const SourceLocation& location) {
    const EvidenceRows rows = place_rows({{FindingKind::kValueConstant, location, "", 1}});
    for (const Evidence& item : rows.at(0)) {
      if (item.key == "code") {
        return std::get<TextBlock>(item.value).text;
      }
    }
    return std::string("none");
  };
  CHECK(code({"f.py", 2, 8, "f", "    y = int(x)"}) == "y = int(x)\n    ^");
  CHECK(code({"f.py", 2, 6, "f", "\tö\t= x"}) == "ö\t= x\n \t  ^");
  CHECK(code({"f.py", 2, 99, "f", "y"}) == "y\n ^");
  CHECK(code({"f.py", 2, 0, "f", "  y"}) == "y\n^");
  CHECK(code({"", 0, 0, "", ""}) == "none");
  CHECK(code({"f.py", 2, 0, "f", "   "}) == "none");
}

TEST_CASE("passed-over: what was not run is named, and nothing is said of nothing") {
  CHECK(!check_passed_over({}));
  const auto result = check_passed_over({"f.py:4:0: plt.plot\n  and more"});
  REQUIRE(result);
  CHECK(result->verdict == Verdict::kWarn);
  CHECK_THAT(result->summary, Catch::Matchers::EndsWith("may not be Python's: f.py:4:0: plt.plot"));
}

TEST_CASE("tracer-warnings: each of libtorch's warnings once, with the pitfall it is") {
  // The texts as torch 2.13 gives them.
  const std::string boolean =
      "Converting a tensor to a Python boolean might cause the trace to be incorrect. We can't record the data flow of "
      "Python values, so this value will be treated as a constant in the future.";
  const std::string iterating =
      "Iterating over a tensor might cause the trace to be incorrect. Passing a tensor of "
      "different shape won't change the number of iterations executed";
  const auto result = check_warnings({boolean, iterating, boolean, "something else"});
  REQUIRE(result);
  CHECK(result->id == "tracer-warnings");
  CHECK(result->verdict == Verdict::kWarn);
  CHECK_THAT(result->summary, Contains("3 warnings: Converting a tensor to a Python boolean"));
  const auto& rows = std::get<EvidenceRows>(field(result->evidence, "warnings").value);
  REQUIRE(rows.size() == 3);
  CHECK(std::get<std::string>(field(rows[0], "pitfall").value) == "branch-flattened");
  CHECK(std::get<std::string>(field(rows[1], "pitfall").value) == "loop-unrolled");
  CHECK(rows[2].size() == 1);
  CHECK_FALSE(check_warnings({}));
}

}  // namespace bertjit
