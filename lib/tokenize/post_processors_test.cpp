// Expected values: the post-processors of tokenizers 0.22.2 of the same JSON.
#include "tokenize/post_processors.h"

#include "support/error.h"
#include "testing/error_of.h"
#include "testing/testing.h"

using namespace bertjit;
using Catch::Contains;
using nlohmann::json;

namespace {

/// "2 A 3 3 B:1 3:1": ids and texts in order, each with its type where that is not 0.
std::string describe(const std::vector<TemplatePiece>& pieces) {
  std::string text;
  const auto add = [&](const std::string& what, int64_t type_id) {
    text += (text.empty() ? "" : " ") + what + (type_id == 0 ? "" : ":" + std::to_string(type_id));
  };
  for (const TemplatePiece& piece : pieces) {
    if (piece.slot != TextSlot::kNone) {
      add(piece.slot == TextSlot::kFirst ? "A" : "B", piece.type_id);
    }
    for (const int32_t id : piece.special_ids) {
      add(std::to_string(id), piece.type_id);
    }
  }
  return text;
}

std::string describe(const std::string& processor) {
  const json object = json::parse(processor);
  const EncodingTemplate made = parse_post_processor(&object, "file");
  return describe(made.single) + " | " + describe(made.pair);
}

/// The message for a processor that must be refused.
std::string refusal(const std::string& processor) {
  const json object = json::parse(processor);
  return testing::error_of([&] { parse_post_processor(&object, "file"); }).what();
}

const std::string kRoberta =
    R"({"type": "RobertaProcessing", "sep": ["</s>", 2], "cls": ["<s>", 0], "trim_offsets": true})";
const std::string kByteLevel = R"({"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": false})";

std::string template_of(const std::string& single, const std::string& special_tokens = "{}") {
  return R"({"type": "TemplateProcessing", "single": )" + single +
         R"(, "pair": [{"Sequence": {"id": "A", "type_id": 0}}, {"Sequence": {"id": "B", "type_id": 1}}],
             "special_tokens": )" +
         special_tokens + "}";
}

std::string sequence_of(const std::string& first, const std::string& second) {
  return R"({"type": "Sequence", "processors": [)" + first + ", " + second + "]}";
}

}  // namespace

TEST_CASE("post_processors: BERT has one separator and two types, RoBERTa two and one") {
  CHECK(describe(R"({"type": "BertProcessing", "sep": ["[SEP]", 3], "cls": ["[CLS]", 2]})") == "2 A 3 | 2 A 3 B:1 3:1");
  CHECK(describe(kRoberta) == "0 A 2 | 0 A 2 2 B 2");
}

TEST_CASE("post_processors: ByteLevel and none put nothing around the texts") {
  CHECK(describe(kByteLevel) == "A | A B:1");
  const EncodingTemplate none = parse_post_processor(nullptr, "file");
  CHECK(describe(none.single) + " | " + describe(none.pair) == "A | A B:1");
}

TEST_CASE("post_processors: a template gives each place its type; a special token may be several ids") {
  CHECK(
      describe(template_of(R"([{"SpecialToken": {"id": "x", "type_id": 3}}, {"Sequence": {"id": "A", "type_id": 2}}])",
                           R"({"x": {"id": "x", "ids": [7, 8], "tokens": ["y", "z"]}})")) == "7:3 8:3 A:2 | A B:1");
}

TEST_CASE("post_processors: a Sequence has at most one template") {
  CHECK(describe(sequence_of(kByteLevel, kRoberta)) == "0 A 2 | 0 A 2 2 B 2");
  CHECK(describe(sequence_of(kRoberta, kByteLevel)) == "0 A 2 | 0 A 2 2 B 2");
  CHECK_THAT(refusal(sequence_of(kRoberta, kRoberta)), Contains("a Sequence of two templates"));
}

TEST_CASE("post_processors: what is not known, or malformed, is refused by name") {
  CHECK(refusal(R"({"type": "Bogus"})") ==
        "file: post_processor is Bogus; supported: TemplateProcessing, BertProcessing, RobertaProcessing, ByteLevel, "
        "Sequence");
  CHECK_THAT(refusal("{}"), Contains("no 'type'"));
  CHECK_THAT(refusal(R"({"type": "RobertaProcessing", "sep": ["</s>", 2]})"), Contains("no 'cls'"));
  CHECK_THAT(refusal(R"({"type": "RobertaProcessing", "sep": ["</s>", -2], "cls": ["<s>", 0]})"), Contains("'id'"));
  CHECK_THAT(refusal(R"({"type": "RobertaProcessing", "sep": ["</s>", 9999999999], "cls": ["<s>", 0]})"),
             Contains("9999999999 does not fit"));
  CHECK_THAT(refusal(R"({"type": "Sequence", "processors": {}})"), Contains("'processors' is object"));
  CHECK_THAT(refusal(template_of("[]")), Contains("must hold each text exactly once"));
  CHECK_THAT(refusal(template_of("3")), Contains("'single' is number"));
  CHECK_THAT(refusal(template_of(R"([{"Sequence": {"id": "C", "type_id": 0}}])")), Contains("sequence 'C'"));
  CHECK_THAT(refusal(template_of(R"([{"SpecialToken": {"id": "x", "type_id": 0}}])")), Contains("no 'x'"));
  CHECK_THAT(refusal(template_of(R"([{"SpecialToken": {"id": "x", "type_id": 0}}])", R"({"x": {"ids": "7"}})")),
             Contains("'ids' is string"));
}
