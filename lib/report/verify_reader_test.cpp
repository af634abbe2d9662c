#include "report/verify_reader.h"

#include "report/check_report.h"
#include "report/evidence_json.h"
#include "report/verify_html.h"
#include "report/verify_report.h"
#include "report/verify_testing.h"
#include "support/error.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using nlohmann::ordered_json;

/// As another process gets it: through text.
VerifyResult read_back(const VerifyResult& result) {
  return verify_from_json(ordered_json::parse(to_json(result).dump()));
}

std::string text_of(const VerifyResult& result) {
  std::ostringstream text;
  print_text(result, Color::kNo, text);
  return text.str();
}

/// The message with which `edit` makes the sample's document unreadable.
std::string complaint_of(const std::function<void(ordered_json&)>& edit) {
  ordered_json document = to_json(testing::sample_result());
  edit(document);
  try {
    verify_from_json(document);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("verify reader: a report that is read back is the same, in all its forms") {
  VerifyResult sample = testing::sample_result();
  sample.choice = SourceChoice{.path = "./bert-base-uncased",
                               .architecture = "bert",
                               .head = "BertForMaskedLM",
                               .head_origin = HeadOrigin::kClaims,
                               .num_labels = 2,
                               .inputs = {"input_ids", "attention_mask"},
                               .weights = "model.safetensors",
                               .dtype = "float32",
                               .notes = {"one", "two"}};
  sample.blamed = "source";
  sample.where = "bert.encoder.layer.7.attention.self.query";
  const VerifyResult read = read_back(sample);
  CHECK(to_json(read).dump(2) == to_json(sample).dump(2));
  CHECK(text_of(read) == text_of(sample));
  CHECK(verify_html(read, "bertjit verify") == verify_html(sample, "bertjit verify"));
}

TEST_CASE("verify reader: names from hostile files are read back as they were written") {
  const VerifyResult hostile = testing::hostile_result();
  CHECK(to_json(read_back(hostile)).dump() == to_json(hostile).dump());
}

TEST_CASE("verify reader: a passing, an unsafe and an empty result keep what they say") {
  VerifyResult result{.module = "a.pt"};
  CHECK(read_back(result).nothing_checked);
  result.checks = {{"grad-mode", Verdict::kPass, "same", "", {}, ""}};
  result.passed = true;
  CHECK(read_back(result).passed);
  CHECK_FALSE(read_back(result).nothing_checked);
  result.passed = false;
  result.unsafe = true;
  CHECK(read_back(result).unsafe);
}

TEST_CASE("verify reader: every kind of evidence keeps its kind, where JSON has it") {
  const EvidenceFields fields = {{"bool", true},
                                 {"whole", int64_t{-7}},
                                 {"real", 1.0},
                                 {"nan", std::nan("")},
                                 {"infinite", -std::numeric_limits<double>::infinity()},
                                 {"text", std::string("two\n lines")},
                                 {"names", std::vector<std::string>{"a", "b"}},
                                 {"numbers", std::vector<int64_t>{1, 2}},
                                 {"diff", testing::graph_diff()},
                                 {"fields", EvidenceFields{{"inner", 0.5}}},
                                 {"rows", EvidenceRows{{{"inner", false}}, {}}}};
  const EvidenceFields read = evidence_from_json(ordered_json::parse(evidence_to_json(fields).dump()));
  REQUIRE(read.size() == fields.size());
  for (size_t i = 0; i < fields.size(); ++i) {
    INFO(fields[i].key);
    CHECK(read[i].key == fields[i].key);
    CHECK(read[i].value.index() == fields[i].value.index());
  }
  CHECK(std::get<TextBlock>(read[8].value).kind == TextBlock::Kind::kDiff);
}

TEST_CASE("verify reader: lines that all stand still are no diff") {
  const ordered_json object = {{"text", "  one\n  two"}, {"list", "- an item"}};
  const EvidenceFields read = evidence_from_json(object);
  CHECK(std::holds_alternative<std::string>(read[0].value));
  CHECK(std::holds_alternative<std::string>(read[1].value));
}

TEST_CASE("verify reader: what is no report is refused by the name of the field") {
  CHECK(complaint_of([](ordered_json&) {}).empty());
  CHECK_THAT(complaint_of([](ordered_json& json) { json["schema"] = "bertjit.eval/1"; }),
             Contains("'bertjit.eval/1', not 'bertjit.verify/1'"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json.erase("module"); }), Contains("'module' is not there"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json["module"] = 3; }), Contains("'module' is not a text"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json["checks"] = "none"; }), Contains("'checks' is not a list"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json["checks"][0]["verdict"] = "perhaps"; }),
             Contains("'verdict' is not a word that is known there"));
  CHECK_THAT(complaint_of([](ordered_json& json) {
               json["checks"][0]["evidence"]["odd"] = {1, "a"};
             }),
             Contains("'odd' is not a list"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json["checks"][0]["evidence"]["odd"] = nullptr; }),
             Contains("'odd' is not evidence"));
  CHECK_THAT(complaint_of([](ordered_json& json) { json["environment"]["threads"] = "4"; }),
             Contains("'threads' is not a whole number"));
  CHECK_THROWS_AS(verify_from_json(ordered_json::array()), Error);
}

}  // namespace bertjit
