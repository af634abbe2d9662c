// The checks of `trace` on programs: the pitfalls that the TorchScript reference shows, and what its own check misses.
#include <algorithm>
#include <regex>

#include <torch/csrc/jit/frontend/parser.h>
#include <torch/csrc/jit/frontend/resolver.h>

#include "compare/text_diff.h"
#include "record/interpreter.h"
#include "testing/testing.h"
#include "trace/checks.h"
#include "trace/pitfalls.h"
#include "trial/trial.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::run_command;
using testing::TempDir;
using testing::write_bytes;

namespace {

/// The function `f` of a TorchScript text, as FILE.py:NAME has it.
class ScriptSource : public Recordable {
 public:
  explicit ScriptSource(const std::string& code, const std::string& name = "f", const std::string& file = "loop.py") {
    torch::jit::Parser parser(std::make_shared<torch::jit::Source>(code, file, 1));
    std::vector<torch::jit::Def> definitions;
    std::vector<torch::jit::ResolverPtr> resolvers;
    while (parser.lexer().cur().kind != torch::jit::TK_EOF) {
      definitions.emplace_back(parser.parseFunction(/*is_method=*/false));
      resolvers.push_back(torch::jit::nativeResolver());
    }
    program_.unit = std::make_shared<torch::jit::CompilationUnit>();
    program_.unit->define(std::nullopt, {}, {}, definitions, resolvers, nullptr);
    program_.name = name;
    program_.function = &program_.unit->get_function(name);
    signature_.owner = name;
    for (const auto& argument : program_.function->getSchema().arguments()) {
      signature_.inputs.push_back({{argument.name(), InputDefault::kRequired, 0, 0}, argument.type()});
    }
  }

  const Signature& signature() const override {
    return signature_;
  }
  const std::vector<std::string>& output_names() const override {
    return output_names_;
  }
  c10::IValue run(const BoundBatch& batch, GradMode) override {
    ++runs;
    return interpret(program_, batch.values);
  }
  Recording record(const BoundBatch& batch, const RecordOptions& options) override {
    return record_program(program_, batch.values, options);
  }

  int runs = 0;

 private:
  Program program_;
  Signature signature_;
  std::vector<std::string> output_names_;
};

BoundBatch batch(const std::vector<c10::IValue>& values, const std::string& origin = "check.npz") {
  return {origin, values, std::vector<std::string>(values.size(), "given")};
}

/// A program and its trace.
struct Traced {
  ScriptSource source;
  BoundBatch example;
  RecordOptions options;
  RandomState before;
  Recording recording;
  ModuleRunner runner;

  Traced(const std::string& code, const std::vector<c10::IValue>& values, const std::string& name = "f")
      : source(code, name),
        example(batch(values, "example")),
        recording(source.record(copy_batch(example), options)),
        runner({recording.module, std::nullopt}, "the trace") {}

  CheckResult inputs(const std::vector<BoundBatch>& batches) {
    return check_inputs(source, runner, batches, {.record = options});
  }
  std::optional<CheckResult> nondeterminism() {
    return check_nondeterminism(source, runner, example, recording.findings, options.grad);
  }
  /// All the rest passes.
  void sound_on_example() {
    CHECK(check_example(runner, example, recording.outputs, before).verdict == Verdict::kPass);
    const CheckResult retrace = check_retrace(source, runner, example, options, before);
    INFO(retrace.summary);
    CHECK(retrace.verdict == Verdict::kPass);
  }
};

const Evidence* find_field(const EvidenceFields& fields, const std::string& key) {
  for (const Evidence& item : fields) {
    if (item.key == key) {
      return &item;
    }
  }
  return nullptr;
}

template <class Value>
const Value& get(const EvidenceFields& fields, const std::string& key) {
  const Evidence* item = find_field(fields, key);
  INFO("evidence " << key);
  REQUIRE(item != nullptr);
  return std::get<Value>(item->value);
}

const EvidenceFields& row(const CheckResult& result, size_t i) {
  return get<EvidenceRows>(result.evidence, "each").at(i);
}

std::string block(const EvidenceFields& fields, const std::string& key) {
  return get<TextBlock>(fields, key).text;
}

// The TorchScript reference, "Automatic Trace Checking".
constexpr const char* kLoop = R"(def loop_in_traced_fn(x):
    result = x[0]
    for i in range(x.size(0)):
        result = result * x[i]
    return result
)";

// "Tracer Warnings", before and after the change that the page proposes.
constexpr const char* kFillRow = R"(def f(x):
    x[0] = torch.rand([x.size(1)])
    return x
)";
constexpr const char* kFillRowFixed = R"(def f(x):
    x = torch.cat((torch.rand([1, x.size(1)]), x[1:2]), dim=0)
    return x
)";

}  // namespace

TEST_CASE("trace checks: the reference's loop fails on both further inputs, with all that torch.jit.trace reports") {
  Traced traced(kLoop, {at::rand({3, 4, 5})}, "loop_in_traced_fn");
  traced.sound_on_example();
  const CheckResult result =
      traced.inputs({batch({at::rand({4, 5, 6})}), batch({at::rand({2, 3, 4})}), batch({at::rand({3, 7, 1})})});
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("2 of 3 further inputs differ"));
  const EvidenceFields& first = row(result, 0);
  CHECK(get<std::string>(first, "verdict") == "fail");
  CHECK(get<std::string>(first, "arguments") == "x float32[4, 5, 6]");
  CHECK_THAT(block(first, "difference"),
             Contains("Output nr 1. of the traced function does not match the corresponding output of the source") &&
                 Contains("Tensor-likes are not close!") && Contains("/ 30 ("));
  CHECK_THAT(block(first, "graph_diff"), Contains("  graph(") && Contains("\n- ") && Contains("\n+ ") &&
                                             Contains("\n? ") && Contains("# loop.py:4:"));
  CHECK(get<TextBlock>(first, "graph_diff").kind == TextBlock::Kind::kDiff);
  const auto& node = get<EvidenceFields>(first, "first_diverging_operator");
  CHECK_THAT(block(node, "node_diff"), Contains("aten::mul") || Contains("prim::Constant"));
  CHECK_THAT(block(node, "trace_source_location"), Contains("loop.py"));
  CHECK_THAT(block(node, "check_source_location"), Contains("loop.py"));
  // Two turns instead of three do not fit into three.
  const EvidenceFields& second = row(result, 1);
  CHECK_THAT(block(second, "trace_error"), Contains("index 2 out of range"));
  CHECK_THAT(get<std::string>(second, "complaint"), Contains("the trace refuses the inputs and the source takes them"));
  CHECK(find_field(second, "graph_diff") != nullptr);
  CHECK(get<std::string>(row(result, 2), "verdict") == "pass");
}

TEST_CASE("trace checks: a random program and its trace are equal, and that it is random is said separately") {
  for (const char* code : {kFillRow, kFillRowFixed}) {
    Traced traced(code, {at::rand({3, 4})});
    traced.sound_on_example();
    const CheckResult inputs = traced.inputs({batch({at::rand({3, 4})}), batch({at::rand({2, 9})})});
    INFO(inputs.summary);
    CHECK(inputs.verdict == Verdict::kPass);
    const auto random = traced.nondeterminism();
    REQUIRE(random);
    CHECK(random->id == "nondeterminism");
    CHECK(random->verdict == Verdict::kWarn);
    CHECK_THAT(random->summary, Contains("outputs differ from run to run") && Contains("aten::rand"));
    const auto& nodes = get<EvidenceRows>(random->evidence, "nodes");
    REQUIRE(nodes.size() == 1);
    CHECK_THAT(block(nodes[0], "node"), Contains("aten::rand("));
    CHECK(get<bool>(random->evidence, "source_varies"));
    CHECK(get<bool>(random->evidence, "trace_varies"));
  }
}

TEST_CASE("trace checks: without random numbers there is nothing to say of nondeterminism") {
  Traced traced("def f(x):\n  return x * 2\n", {at::rand({3})});
  CHECK_FALSE(traced.nondeterminism());
}

TEST_CASE("trace checks: a random number that became a constant fails, although each recording has the same") {
  Traced traced("def f(x):\n  return x * float(torch.rand([1]))\n", {at::ones({3})});
  traced.sound_on_example();
  const auto random = traced.nondeterminism();
  REQUIRE(random);
  CHECK(random->verdict == Verdict::kFail);
  CHECK_THAT(random->summary, Contains("is a constant of the trace"));
  CHECK(get<bool>(random->evidence, "source_varies"));
  CHECK_FALSE(get<bool>(random->evidence, "trace_varies"));
}

TEST_CASE("trace checks: random numbers that reach no output are a warning that says so") {
  Traced traced("def f(x):\n  return x + torch.rand([3]) * 0\n", {at::ones({3})});
  const auto random = traced.nondeterminism();
  REQUIRE(random);
  CHECK(random->verdict == Verdict::kWarn);
  CHECK_THAT(random->summary, Contains("two runs gave the same outputs"));
}

TEST_CASE("trace checks: the random generator, the inputs and the batches are afterwards as they were") {
  Traced traced(kFillRow, {at::zeros({3, 4})});
  const RandomState state;
  const BoundBatch further = batch({at::ones({3, 4})});
  traced.inputs({further});
  traced.nondeterminism();
  traced.sound_on_example();
  CHECK(state.is_current());
  CHECK(at::equal(further.tensor(0), at::ones({3, 4})));
  CHECK(at::equal(traced.example.tensor(0), at::zeros({3, 4})));
}

TEST_CASE("trace checks: what is changed in place is compared; a trace that changes an input otherwise fails") {
  const char* code = R"(def f(x):
    y = x + 1
    if bool(x.sum() > 0):
        x.mul_(2)
    else:
        x.mul_(2.)
        x.zero_()
    return y
)";
  Traced traced(code, {at::ones({3})});
  traced.sound_on_example();
  const CheckResult same = traced.inputs({batch({at::ones({5})})});
  CHECK(same.verdict == Verdict::kPass);
  const auto& rows = get<EvidenceRows>(row(same, 0), "changed_inputs");
  REQUIRE(rows.size() == 1);
  CHECK(get<std::string>(rows[0], "name") == "x");
  const CheckResult other = traced.inputs({batch({-at::ones({3})})});
  CHECK(other.verdict == Verdict::kFail);
  CHECK_THAT(get<std::string>(row(other, 0), "complaint"), Contains("input x is left otherwise by the trace"));
}

TEST_CASE("trace checks: an input that only the source refuses fails with the source's words and line") {
  const char* code = R"(def f(x):
    if x.size(0) > 3:
        assert x.sum() < 0, "too many rows"
    return x * 2
)";
  Traced traced(code, {at::ones({3})});
  const CheckResult result = traced.inputs({batch({at::ones({4})}), batch({at::ones({2})})});
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(block(row(result, 0), "source_error"), Contains("too many rows") && Contains("loop.py:3"));
  CHECK_THAT(get<std::string>(row(result, 0), "complaint"), Contains("the source refuses the inputs"));
  CHECK(get<std::string>(row(result, 1), "verdict") == "pass");
}

TEST_CASE("trace checks: an input that both refuse is not compared; if that is all, nothing was checked") {
  Traced traced("def f(x):\n    return x.view(2, 6)\n", {at::ones({3, 4})});
  const CheckResult both = traced.inputs({batch({at::ones({5})}), batch({at::ones({12})})});
  CHECK(both.verdict == Verdict::kPass);
  CHECK_THAT(both.summary, Contains("both refuse 1 more"));
  CHECK(get<std::string>(row(both, 0), "verdict") == "skip");
  const CheckResult none = traced.inputs({batch({at::ones({5})})});
  CHECK(none.verdict == Verdict::kFail);
  CHECK_THAT(none.summary, Contains("nothing was compared"));
}

TEST_CASE("trace checks: an input from which no trace can be made fails") {
  const char* code = R"(def f(x):
    y = x
    for i in range(x.size(0)):
        y = y + 1
    return y - x.size(0)
)";
  Traced traced(code, {at::ones({3})});
  traced.options.max_nodes = 200;
  const CheckResult result = traced.inputs({batch({at::ones({1000})})});
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(block(row(result, 0), "retrace_error"), Contains("loop.py:4"));
}

TEST_CASE("trace checks: a tensor constant that differs between recordings is shown with its source") {
  const char* code = R"(def f(x):
    return (x - torch.tensor([float(x[i]) for i in range(12)])) * 0 + 1
)";
  Traced traced(code, {at::arange(12, at::kFloat)});
  traced.sound_on_example();
  const CheckResult result = traced.inputs({batch({at::arange(12, at::kFloat) + 1})});
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("1 tensor constant of the trace"));
  const auto& constants = get<EvidenceRows>(row(result, 0), "different_constants");
  REQUIRE(constants.size() == 1);
  CHECK_THAT(block(constants[0], "node"), Contains("prim::Constant"));
  CHECK_THAT(block(constants[0], "comparison"), Contains("Mismatched elements: 12 / 12"));
}

TEST_CASE("trace checks: another dtype and another nesting fail, which torch.jit.trace lets through") {
  const char* dtype = R"(def f(x):
    if x.size(0) > 3:
        return x.double()
    return x * 1
)";
  Traced by_dtype(dtype, {at::ones({3})});
  CHECK_THAT(by_dtype.inputs({batch({at::ones({4})})}).summary, Contains("differs (dtype)"));
  const char* nesting = R"(def f(x):
    result = [x]
    if x.size(0) > 3:
        result.append(x)
    return (x, result)
)";
  Traced by_count(nesting, {at::ones({3})});
  CHECK_THAT(by_count.inputs({batch({at::ones({4})})}).summary, Contains("differs (missing)"));
}

TEST_CASE("trial: buffers that a run changes are put back, and copies keep what is shared") {
  torch::jit::Module module("M");
  module.register_buffer("count", at::zeros({1}));
  module.define("def forward(self, x):\n  self.count.add_(1)\n  return x + self.count\n");
  Trial trial(module);
  const BoundBatch input = batch({at::zeros({1})});
  for (int i = 0; i < 2; ++i) {
    const Outcome outcome = trial.run(input, [&](const BoundBatch& copy) { return module.forward({copy.values[0]}); });
    REQUIRE_FALSE(outcome.raised());
    CHECK(outcome.outputs->toTensor().item<float>() == 1);
    CHECK_FALSE(outcome.changed[0]);
  }
  CHECK(module.attr("count").toTensor().item<float>() == 0);
  const at::Tensor twice = at::ones({2});
  const BoundBatch copy = copy_batch(batch({twice, c10::ivalue::Tuple::create({twice})}));
  CHECK(copy.values[0].toTensor().is_same(copy.values[1].toTupleRef().elements()[0].toTensor()));
  CHECK_FALSE(copy.values[0].toTensor().is_same(twice));
}

TEST_CASE("trace checks: the report of the reference's loop has the lines of torch.jit.trace's own") {
  const std::string python = (testing::testdata("").parent_path().parent_path() / ".deps/venv/bin/python").string();
  if (run_command(python + " -c 'import torch' 2>/dev/null").exit_code != 0) {
    WARN("SKIPPED: no Python with torch to compare with");
    return;
  }
  const TempDir dir;
  // kLoop with its variable in a list: Python's tracer calls values after the local variables that hold them.
  write_bytes(dir / "loop.py", R"(def loop_in_traced_fn(x):
    result = [x[0]]
    for i in range(x.size(0)):
        result[0] = result[0] * x[i]
    return result[0]
)");
  write_bytes(dir / "report.py", R"(import re, sys, warnings, torch
sys.path.insert(0, sys.argv[1])
from loop import loop_in_traced_fn
try:
    torch.jit.trace(loop_in_traced_fn, (torch.ones(3, 4, 5),), check_inputs=[(torch.ones(4, 5, 6),)])
except torch.jit.TracingCheckError as error:
    # Python's tracer knows no columns and says 0.
    print(re.sub(r'# \S*loop.py:(\d+):\d+', r'# loop.py:\1', str(error)))
)");
  const auto ran = run_command(python + " -W ignore " + (dir / "report.py").string() + " " + dir.path().string());
  REQUIRE(ran.exit_code == 0);
  Traced traced(kLoop, {at::ones({3, 4, 5})}, "loop_in_traced_fn");
  const CheckResult result = traced.inputs({batch({at::ones({4, 5, 6})})});
  const std::regex column(R"((# loop.py:\d+):\d+)");
  const auto report = [&](const std::string& text) { return lines_of(std::regex_replace(text, column, "$1")); };
  // Python indents by tabs and writes all parts in a row.
  std::vector<std::string> expected;
  for (const auto& line : lines_of(ran.out)) {
    expected.push_back(line.substr(std::min(line.find_first_not_of('\t'), line.size())));
  }
  const auto between = [&](const std::string& begin, const std::string& end) {
    const auto first = std::find(expected.begin(), expected.end(), begin);
    REQUIRE(first != expected.end());
    return std::vector<std::string>(first + 1, std::find(first, expected.end(), end));
  };
  CHECK(report(block(row(result, 0), "graph_diff")) == between("Graph diff:", ""));
}

TEST_CASE("trace checks: first diverging operator and its source lines stand as in torch.jit.trace's report") {
  // A branch: Python, too, has no name for what is not yet in a variable.
  const char* code = R"(def f(x):
    if x.size(0) > 3:
        return x.sin()
    return x.cos()
)";
  Traced traced(code, {at::ones({3})});
  const CheckResult result = traced.inputs({batch({at::ones({4})})});
  const auto& node = get<EvidenceFields>(row(result, 0), "first_diverging_operator");
  // torch 2.13's report for this file, columns aside: "- %1 : Tensor = aten::cos(%x) # loop.py:4:0", …
  CHECK_THAT(block(node, "node_diff"), Contains("- %1 : Tensor = aten::cos(%x) # loop.py:4:") &&
                                           Contains("+ %1 : Tensor = aten::sin(%x) # loop.py:3:"));
  CHECK_THAT(block(node, "trace_source_location"), Contains("loop.py") && Contains("4"));
  CHECK_THAT(block(node, "check_source_location"), Contains("loop.py") && Contains("3"));
}

}  // namespace bertjit
