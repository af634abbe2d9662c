// `bertjit verify --source` with what is no checkpoint, as a user types it: FILE.py:NAME, FILE.pt.
#include "cli_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::find_check;
using testing::parse_json;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

std::string reference_example(const std::string& name) {
  return testdata("source/reference/" + name).string();
}

std::string traced(const TempDir& dir, const std::string& source, std::vector<std::string> more = {}) {
  const std::string output = (dir / "out.pt").string();
  more.insert(more.begin(), {"trace", source, "-o", output, "--no-check", "--quiet"});
  const CliOutput result = run_bertjit(more);
  INFO(result);
  REQUIRE(result.exit_code == 0);
  return output;
}

}  // namespace

TEST_CASE("verify: FILE.py:NAME is a source, and brings the inputs that its torch.jit.trace names") {
  const TempDir dir;
  const std::string source = reference_example("loop.py:traced");
  const CliOutput output = run_bertjit({"verify", traced(dir, source), "--source", source});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out, Contains("pass  source ") && Contains("outputs equal (greatest difference 0)"));
  CHECK_THAT(output.out, Contains("fail  check-inputs  2 of 2 further inputs differ; the first: the output differs"));
  CHECK_THAT(output.out, Contains("first_diverging_operator") && Contains("loop.py\", line 6"));
  CHECK(output.err.empty());

  const CliOutput json = run_bertjit({"verify", (dir / "out.pt").string(), "--source", source, "--format", "json"});
  const auto document = parse_json(json.out);
  CHECK(document.at("source_kind") == "function");
  CHECK(document.at("checkpoint").is_null());
  CHECK_THAT(document.at("example").get<std::string>(), Contains("torch.jit.trace at") && Contains("loop.py:12"));
  CHECK(find_check(document, "check-inputs").at("evidence").at("each").size() == 2);
}

TEST_CASE("verify: what is scripted passes against its text, on inputs that take other paths") {
  const TempDir dir;
  const std::string source = reference_example("loop.py:loop_in_traced_fn");
  const std::vector<std::string> input{"--input", "x=rand:3x4x5"};
  std::vector<std::string> arguments{"verify",         traced(dir, source, {"--script", input[0], input[1]}),
                                     "--source",       source,
                                     input[0],         input[1],
                                     "--check-shapes", "4x5x6,2x3x4"};
  const CliOutput output = run_bertjit(arguments);
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("pass  check-inputs  2 further inputs: equal to the source"));
}

TEST_CASE("verify: an archive is a source") {
  const TempDir dir;
  const std::string cell = testdata("source/mixing/trace_cell.py:traced_cell").string();
  const std::string first = traced(dir, cell);
  std::filesystem::copy_file(first, dir / "first.pt");
  const std::vector<std::string> inputs{"--input", "x=rand:3x4", "--input", "h=rand:3x4"};
  std::vector<std::string> arguments{"verify", first, "--source", (dir / "first.pt").string(), "--format", "json"};
  arguments.insert(arguments.end(), inputs.begin(), inputs.end());
  const CliOutput same = run_bertjit(arguments);
  INFO(same);
  CHECK(same.exit_code == 0);
  CHECK(parse_json(same.out).at("source_kind") == "archive");

  // The same cell with other random numbers.
  traced(dir, cell, {"--seed", "7"});
  const CliOutput other = run_bertjit(arguments);
  CHECK(other.exit_code == 1);
  const auto source = find_check(parse_json(other.out), "source");
  CHECK(source.at("where") == "linear");
  CHECK(source.at("evidence").at("different_weights") == nlohmann::json({"linear.weight", "linear.bias"}));
}

TEST_CASE("verify: a source that gives no answer exits 2 and says where") {
  const TempDir dir;
  const std::string module = traced(dir, reference_example("loop.py:traced"));
  const auto refused = [&](const std::string& source, const std::string& words, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"verify", module, "--source", source});
    const CliOutput output = run_bertjit(more);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains(words));
  };
  refused(reference_example("loop.py:nowhere"), "there is no 'nowhere' in it; it defines loop_in_traced_fn");
  refused(reference_example("loop.py"), "a Python file; say which of its names");
  refused((dir / "absent.py:f").string(), "absent.py");
  refused((dir / "absent.pt").string(), "no such file");
  refused(testdata("source/corpus/outside.py:with_lambda").string(), "outside.py:7:13: 'lambda' is outside the subset",
          {"--input", "rand:3x4x5"});
  refused(reference_example("loop.py:loop_in_traced_fn"), "x");
  refused(reference_example("loop.py:traced"), "--head is for checkpoints", {"--head", "BertModel"});
  // Two arguments where the module has one.
  refused(reference_example("trace_calls_scripted.py:bar"), "trace_calls_scripted.py:bar", {"--input", "rand:3x4x5"});
}

}  // namespace bertjit
