#include "report/run_report.h"

#include <sstream>

#include "testing/testing.h"

namespace bertjit {

namespace {

OutputValue text(const std::string& name, const std::string& type, const std::string& value) {
  OutputValue output;
  output.kind = OutputValue::Kind::kText;
  output.name = name;
  output.type = type;
  output.text = value;
  return output;
}

OutputValue holding(OutputValue::Kind kind, std::vector<OutputValue> items, std::vector<std::string> keys = {}) {
  OutputValue output;
  output.kind = kind;
  output.items = std::move(items);
  output.keys = std::move(keys);
  return output;
}

}  // namespace

TEST_CASE("run report: nested values without a tensor are printed as Python prints them") {
  OutputValue state = holding(OutputValue::Kind::kNamedTuple, {text("output1", "int", "4")}, {"steps"});
  state.type = "State";
  RunResult result;
  result.output =
      holding(OutputValue::Kind::kTuple, {text("output0", "float", "0.5"), state,
                                          holding(OutputValue::Kind::kDict, {text("output2", "bool", "True")}, {"'k'"}),
                                          holding(OutputValue::Kind::kList, {}),
                                          holding(OutputValue::Kind::kTuple, {text("output3", "NoneType", "None")})});
  std::ostringstream out;
  print_text(result, out);
  // Python 3.11: print((0.5, State(steps=4), {'k': True}, [], (None,))) for a NamedTuple State.
  CHECK(out.str() == "(0.5, State(steps=4), {'k': True}, [], (None,))\n");
  const auto json = to_json(result);
  REQUIRE(json["outputs"].size() == 4);
  CHECK(json["outputs"][1] == nlohmann::ordered_json{{"name", "output1"},
                                                     {"dtype", "int"},
                                                     {"shape", nullptr},
                                                     {"grad_fn", nullptr},
                                                     {"values", nullptr},
                                                     {"value", "4"}});
}

TEST_CASE("run report: an input that is no tensor is said with type and value") {
  RunResult result;
  result.example = "--input";
  result.output = text("output0", "int", "1");
  result.executor = "eager";
  result.inputs = {{"xs.0", "float32", {2, 3}, "given"}, {"scale", "float", {}, "default", "0.5"}};
  std::ostringstream out;
  print_binding(result, out);
  CHECK(out.str() ==
        "inputs from --input\n"
        "  xs.0   float32 [2, 3]  given\n"
        "  scale  float 0.5  default\n");
  const auto json = to_json(result);
  CHECK(json["executor"] == "eager");
  CHECK_FALSE(json["inputs"][0].contains("value"));
  CHECK(json["inputs"][1]["shape"].is_null());
  CHECK(json["inputs"][1]["value"] == "0.5");
  result.executor.clear();
  CHECK(to_json(result)["executor"].is_null());
}

}  // namespace bertjit
