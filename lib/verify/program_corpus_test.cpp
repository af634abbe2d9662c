// Every function and module of testdata/source/corpus: its trace passes against its own text on inputs that keep the
// traced path, and is caught on those that leave it. Which do which says corpus.json (scripts/testdata_source.py).
#include <nlohmann/json.hpp>

#include "verify/verify_testing.h"

namespace bertjit {

using nlohmann::json;
using testing::evidence;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

namespace {

std::string write_inputs(const TempDir& dir, const std::string& name, const json& inputs) {
  write_bytes(dir / name, inputs.dump());
  return (dir / name).string();
}

/// An entry traced or compiled, and what to ask of that: the source's outputs on the example and on what `kinds` list.
struct Made {
  bool scripted;
  VerifyOptions options;
};

Made make_entry(const TempDir& dir, const json& entry, const std::vector<std::string>& kinds, bool script = false) {
  TraceOptions making;
  making.source.path = testdata("source/corpus/" + entry.at("source").get<std::string>()).string();
  making.output = (dir / "module.pt").string();
  making.inputs.inputs = write_inputs(dir, "example.json", entry.at("example"));
  making.check = false;
  making.script = script;
  const TraceResult made = trace(making);
  REQUIRE(made.passed);
  VerifyOptions options;
  options.module = making.output;
  options.source = making.source;
  options.inputs = making.inputs;
  options.only = {"check-inputs", "source"};
  for (const auto& kind : kinds) {
    for (const auto& test : entry.at(kind)) {
      const std::string name = kind + std::to_string(options.check_inputs.size()) + ".json";
      options.check_inputs.push_back(write_inputs(dir, name, test.at("inputs")));
    }
  }
  return {made.scripted, options};
}

const json& entries() {
  static const json document = json::parse(testing::read_bytes(testdata("source/corpus.json")));
  return document.at("entries");
}

std::string failures(const VerifyResult& result) {
  std::string text;
  for (const auto& check : result.checks) {
    text += check.verdict == Verdict::kFail ? check.id + ": " + check.summary + "\n" : "";
  }
  return text;
}

}  // namespace

TEST_CASE("verify: every trace of the corpus is its own source's, recording for recording") {
  for (const auto& entry : entries()) {
    const TempDir dir;
    const Made made = make_entry(dir, entry, {"keep"});
    const VerifyResult result = verify(made.options);
    const std::string& summary = result.checks.at(0).summary;
    INFO(entry.at("source") << ": " << summary << "\n" << failures(result));
    CHECK(result.passed);
    // What the file scripts is kept so, and is no recording.
    CHECK((summary.find("same graph") != std::string::npos) == !made.scripted);
  }
  CHECK(entries().size() >= 40);
}

TEST_CASE("verify: an input that leaves a trace's path is caught after the fact, too") {
  size_t caught = 0;
  for (const auto& entry : entries()) {
    const TempDir dir;
    const Made made = make_entry(dir, entry, {"leave"});
    if (made.options.check_inputs.empty()) {
      continue;
    }
    const VerifyResult result = verify(made.options);
    INFO(entry.at("source") << ": " << result.checks.at(0).summary);
    CHECK(result.checks.at(0).verdict == Verdict::kFail);
    CHECK(evidence<int64_t>(result.checks.at(0), "failed") == static_cast<int64_t>(entry.at("leave").size()));
    CHECK(result.checks.at(1).verdict == Verdict::kPass);
    caught += entry.at("leave").size();
  }
  CHECK(caught >= 25);
}

TEST_CASE("verify: what TorchScript compiles keeps its control flow, and passes on every input") {
  size_t compiled = 0, refused = 0;
  for (const auto& entry : entries()) {
    const TempDir dir;
    VerifyResult result;
    try {
      result = verify(make_entry(dir, entry, {"keep", "leave"}, /*script=*/true).options);
    } catch (const Error&) {
      continue;  // more than TorchScript takes: types that only an example says
    }
    if (failures(result).find("Cannot input a tensor of dimension other than 0 as a scalar") != std::string::npos) {
      ++refused;  // TorchScript takes a number and a tensor for two numbers, and Python's own file refuses them too
      continue;
    }
    INFO(entry.at("source") << ": " << result.checks.at(0).summary << "\n" << failures(result));
    CHECK(result.passed);
    ++compiled;
  }
  CHECK(compiled >= 30);
  CHECK(refused == 3);
}

}  // namespace bertjit
