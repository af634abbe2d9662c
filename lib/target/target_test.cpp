#include "target/target.h"

#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::write_bytes;

namespace {

/// A profile in a file of its own.
std::string profile(const TempDir& dir, const std::string& fields) {
  write_bytes(dir / "own.json", R"({"schema": "bertjit.target/1", "name": "own")" + fields + "}");
  return (dir / "own.json").string();
}

}  // namespace

TEST_CASE("target: every profile that bertjit comes with can be read and is called as its file") {
  CHECK(target_names() == std::vector<std::string>{"cpu", "cuda", "mobile", "neuron-inf1"});
  for (const auto& name : target_names()) {
    const Target target = load_target(name);
    CHECK(target.name == name);
    CHECK(!target.about.empty());
    CHECK(fit_operator(target, "aten::linear").taken);
    CHECK(fit_operator(target, "aten::softmax").taken);
  }
}

TEST_CASE("target: an unknown name lists the known ones") {
  const Error error = error_of([] { load_target("neuron-inf9"); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK(std::string(error.what()) ==
        "--target neuron-inf9: no target has that name (known: cpu, cuda, mobile, neuron-inf1; or a FILE.json)");
  CHECK(error_of([] { load_target("/nonexistent.json"); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("target: an operator is refused, taken with a note, known, or unknown, in that order; * is for many") {
  const TempDir dir;
  const Target target = load_target(profile(dir, R"(, "operators": {"known": ["aten::add", "prim::*", "aten::where"],
    "refused": {"aten::add_*": "writes in place"}, "conditional": {"aten::where": "of three arguments"}})"));
  CHECK(fit_operator(target, "aten::add").taken);
  CHECK(fit_operator(target, "prim::If").taken);
  CHECK(fit_operator(target, "aten::where").note == "of three arguments");
  CHECK(fit_operator(target, "aten::where").taken);
  CHECK(fit_operator(target, "aten::add_").note == "writes in place");
  CHECK(!fit_operator(target, "aten::add_").taken);
  const OperatorFit unknown = fit_operator(target, "aten::sub");
  CHECK(!unknown.taken);
  CHECK(unknown.note == "is not among the operators of own");
}

TEST_CASE("target: without a list every operator that is not refused is taken; without devices and dtypes, each is") {
  const TempDir dir;
  const Target target = load_target(profile(dir, ""));
  CHECK(fit_operator(target, "my::op").taken);
  CHECK(target.takes_device("cuda"));
  CHECK(target.takes_dtype("float16"));
  const Target narrow = load_target(profile(dir, R"(, "devices": ["cuda"], "dtypes": ["float32"])"));
  CHECK(!narrow.takes_device("cpu"));
  CHECK(!narrow.takes_dtype("float16"));
}

TEST_CASE("target: what is misspelt or of another kind is refused, with file and field") {
  const TempDir dir;
  const auto check = [&](const std::string& fields, const std::string& message) {
    const std::string file = profile(dir, fields);
    const Error error = error_of([&] { load_target(file); });
    CHECK(error.kind() == ErrorKind::kCorrupt);
    CHECK_THAT(error.what(), Contains("own.json: " + message));
  };
  check(R"(, "device": ["cpu"])", "'device' is no field of a target (known: ");
  check(R"(, "operators": {"refuse": {}})",
        "'operators.refuse' is no field of a target (known: from, known, refused, ");
  check(R"(, "operators": {"known": "aten::add"})", "'operators.known' is a JSON string, expected a list of texts");
  check(R"(, "operators": {"refused": ["aten::add"]})", "'operators.refused' is a JSON array, expected an object of");
  check(R"(, "devices": [0])", "'devices' holds a JSON number, expected a text");
  check(R"(, "shapes": "static")", "'shapes' is 'static', expected any, fixed");
  check(R"(, "pad_to": "longest")", "'pad_to' is for a target whose 'shapes' are 'fixed'");
  write_bytes(dir / "own.json", "[]");
  CHECK_THAT(error_of([&] { load_target((dir / "own.json").string()); }).what(), Contains("is a JSON array, expected"));
  write_bytes(dir / "own.json", R"({"schema": "bertjit.target/2", "name": "own"})");
  CHECK_THAT(error_of([&] { load_target((dir / "own.json").string()); }).what(),
             Contains("'schema' is 'bertjit.target/2', expected 'bertjit.target/1'"));
  write_bytes(dir / "own.json", R"({"schema": "bertjit.target/1"})");
  CHECK_THAT(error_of([&] { load_target((dir / "own.json").string()); }).what(), Contains("'name' is missing"));
}

}  // namespace bertjit
