// Modules judged by what they were made from where that is no checkpoint: a name of a Python file, an archive.
#include <algorithm>

#include "verify/verify_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::change_weight;
using testing::error_of;
using testing::evidence;
using testing::one_check;
using testing::TempDir;
using testing::testdata;
using testing::write_bytes;

namespace {

using Names = std::vector<std::string>;

std::string reference_example(const std::string& name) {
  return testdata("source/reference/" + name).string();
}

/// A trace of `source`, or what it compiles to, whatever its own checks say.
std::string made_from(const std::string& source, const std::filesystem::path& path,
                      const std::vector<std::string>& input = {}, bool script = false) {
  TraceOptions options;
  options.source.path = source;
  options.output = path.string();
  options.inputs.input = input;
  options.script = script;
  options.check = false;
  REQUIRE(trace(options).passed);
  return options.output;
}

VerifyOptions against(const std::string& module, const std::string& source, const Names& checks,
                      const std::vector<std::string>& input = {}) {
  VerifyOptions options;
  options.module = module;
  options.source.path = source;
  options.only = checks;
  options.inputs.input = input;
  return options;
}

const EvidenceFields& row(const CheckResult& result, size_t number) {
  for (const auto& item : result.evidence) {
    if (item.key == "each") {
      return std::get<EvidenceRows>(item.value).at(number);
    }
  }
  throw std::runtime_error("no rows in " + result.id);
}

std::string text_of(const EvidenceFields& fields, const std::string& key) {
  for (const auto& field : fields) {
    if (field.key == key) {
      const auto* block = std::get_if<TextBlock>(&field.value);
      return block != nullptr ? block->text : std::get<std::string>(field.value);
    }
  }
  return "";
}

bool has(const EvidenceFields& fields, const std::string& key) {
  return std::ranges::any_of(fields, [&](const Evidence& field) { return field.key == key; });
}

std::string write_program(const TempDir& dir, const std::string& text) {
  write_bytes(dir / "program.py", "import torch\n\n" + text);
  return (dir / "program.py").string();
}

}  // namespace

TEST_CASE("verify: a flattened loop is caught on the inputs that its own file names, and the loop is located") {
  const TempDir dir;
  const std::string source = reference_example("loop.py:traced");
  const std::string module = made_from(source, dir / "loop.pt");
  const CheckResult on_example = one_check(against(module, source, {"source"}));
  CHECK(on_example.verdict == Verdict::kPass);
  CHECK(on_example.summary == "outputs equal (greatest difference 0)");
  // A function cannot be put in evaluation mode.
  CHECK(one_check(against(module, source, {"train-mode"})).verdict == Verdict::kPass);

  const CheckResult result = one_check(against(module, source, {"check-inputs"}));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(evidence<int64_t>(result, "inputs") == 2);
  CHECK(evidence<int64_t>(result, "failed") == 2);
  // [4, 5, 6] takes one turn more than the trace has: other numbers, and one multiplication more.
  CHECK_THAT(result.summary, Contains("2 of 2 further inputs differ; the first: the output differs (values)"));
  CHECK_THAT(text_of(row(result, 0), "inputs"),
             Contains("check_inputs[0] of torch.jit.trace at") && Contains("loop.py:12"));
  CHECK(has(row(result, 0), "first_diverging_operator"));
  CHECK_THAT(text_of(row(result, 0), "graph_diff"), Contains("+ ") && Contains("aten::mul"));
  // [2, 3, 4] takes one less: the trace asks for a row that is not there.
  CHECK_THAT(text_of(row(result, 1), "complaint"), Contains("refuses the inputs and the source takes them"));
}

TEST_CASE("verify: a trace of a straight function is its recording on every further input, graph and all") {
  const TempDir dir;
  const std::string source = write_program(dir, R"(def f(x, y=2.0):
    return torch.tanh(x[0]) * y + x.sum(0)
)") + ":f";
  const std::string module = made_from(source, dir / "f.pt", {"rand:3x4x5"});
  VerifyOptions options = against(module, source, {"check-inputs", "source"}, {"rand:3x4x5"});
  options.check_shapes = {"4x5x6", "1x1x1"};
  const VerifyResult result = verify(options);
  CHECK(result.passed);
  CHECK(result.source_kind == SourceKind::kFunction);
  CHECK(result.checks.at(0).summary == "2 further inputs: traced equals untraced, same graph");

  // Another constant: 2.0 became 2.5.
  const std::string other = write_program(dir, R"(def f(x, y=2.5):
    return torch.tanh(x[0]) * y + x.sum(0)
)") + ":f";
  options.source.path = other;
  for (const auto& check : verify(options).checks) {
    INFO(check.id << ": " << check.summary);
    CHECK(check.verdict == Verdict::kFail);
  }
}

TEST_CASE("verify: what is scripted keeps its loops and passes on inputs that take other paths") {
  const TempDir dir;
  const std::string source = reference_example("loop.py:loop_in_traced_fn");
  VerifyOptions options = against(made_from(source, dir / "s.pt", {"rand:3x4x5"}, /*script=*/true), source,
                                  {"check-inputs", "source", "shapes"}, {"rand:3x4x5"});
  options.check_shapes = {"4x5x6", "2x3x4"};
  const VerifyResult result = verify(options);
  CHECK(result.passed);
  CHECK(result.checks.at(0).verdict == Verdict::kSkip);  // shapes: [3, 4, 5] is not [batch, length]
  CHECK(result.checks.at(1).summary == "2 further inputs: equal to the source, greatest difference 0");

  // A name that the file scripts, and a module with loops and branches in it.
  CHECK(verify(against(made_from(reference_example("scripted_loop.py:scripted_fn"), dir / "f.pt", {"rand:3x4x5"}),
                       reference_example("scripted_loop.py:scripted_fn"), {"source"}, {"rand:3x4x5"}))
            .passed);
  const std::string loop = testdata("source/mixing/rnn_loop.py:traced").string();
  VerifyOptions rnn = against(made_from(loop, dir / "rnn.pt"), loop, {"check-inputs", "source"});
  rnn.check_shapes = {"2x3x4", "20x3x4"};
  const VerifyResult looped = verify(rnn);
  CHECK(looped.passed);
  CHECK_THAT(looped.example, Contains("torch.jit.trace at"));
  CHECK(evidence<int64_t>(looped.checks.at(1), "weights_compared") == 2);
}

TEST_CASE("verify: where a scripted file differs from its source, the source's two paths are shown") {
  const TempDir dir;
  const std::string text = R"(def f(x):
    if bool(x.sum() > 0):
        x = x * 2
    else:
        x = x - 1
    return x + 1
)";
  std::string wrong = text;
  wrong.replace(wrong.find("x - 1"), 5, "x - 3");
  const std::string module = made_from(write_program(dir, wrong) + ":f", dir / "f.pt", {"[1.0, 2.0]"}, true);
  write_bytes(dir / "inputs.json", R"({"x": [-1.0, -2.0]})");
  VerifyOptions options = against(module, write_program(dir, text) + ":f", {"check-inputs", "source"}, {"[1.0, 2.0]"});
  options.check_inputs = {(dir / "inputs.json").string()};
  const VerifyResult result = verify(options);
  CHECK(result.checks.at(1).verdict == Verdict::kPass);
  CHECK(result.checks.at(0).verdict == Verdict::kFail);
  CHECK_THAT(result.checks.at(0).summary, Contains("2 of 2 elements, by up to 2"));
  CHECK_THAT(text_of(row(result.checks.at(0), 0), "graph_diff"), Contains("aten::sub") && Contains("aten::mul"));
}

TEST_CASE("verify: a module's weights are compared by name, its outputs on the example that its file names") {
  const TempDir dir;
  const std::string source = testdata("source/mixing/trace_cell.py:traced_cell").string();
  const std::string module = made_from(source, dir / "cell.pt");
  const VerifyResult good = verify(against(module, source, {}));
  for (const auto& check : good.checks) {
    INFO(check.id << ": " << check.summary);
    CHECK(check.verdict != Verdict::kFail);
  }
  CHECK(good.passed);
  CHECK(good.source_kind == SourceKind::kModule);
  const CheckResult compared = one_check(against(module, source, {"source"}));
  CHECK(compared.summary == "2 weights equal bit for bit, outputs equal (greatest difference 0)");
  // Linear(4, 4) takes lengths of 4 alone, in every batch: the source says so too.
  CHECK_THAT(one_check(against(module, source, {"shapes"})).summary,
             Contains("3 of 3 batch x length shapes work and equal the source; 15 more are refused"));

  change_weight(module, "linear.bias", 1e-3);
  const CheckResult changed = one_check(against(module, source, {"source"}));
  CHECK(changed.verdict == Verdict::kFail);
  CHECK(changed.where == "linear");
  CHECK(evidence<Names>(changed, "different_weights") == Names{"linear.bias"});

  // Parameters drawn from another seed.
  VerifyOptions seeded = against(made_from(source, dir / "other.pt"), source, {"source"});
  CHECK(one_check(seeded).verdict == Verdict::kPass);
  seeded.inputs.seed = 1;
  CHECK(one_check(seeded).verdict == Verdict::kFail);
}

TEST_CASE("verify: a shape at which a trace gives other numbers than its function fails the shapes") {
  const TempDir dir;
  const std::string source = write_program(dir, R"(def f(x):
    y = x[0]
    for i in range(1, x.size(0)):
        y = y + x[i]
    return y
)") + ":f";
  const CheckResult result =
      one_check(against(made_from(source, dir / "f.pt", {"rand:2x4"}), source, {"shapes"}, {"rand:2x4"}));
  CHECK(result.verdict == Verdict::kFail);
  CHECK(result.where == "3x1");
  CHECK_THAT(result.summary, Contains("wrong numbers at 3x1: the output differs (values): 1 of 1 elements"));
}

TEST_CASE("verify: an archive is a source, its control flow the law") {
  const TempDir dir;
  const std::string file = reference_example("loop.py:loop_in_traced_fn");
  const std::string scripted = made_from(file, dir / "scripted.pt", {"rand:3x4x5"}, /*script=*/true);
  const std::string traced = made_from(scripted, dir / "traced.pt", {"rand:3x4x5"});
  VerifyOptions options = against(traced, scripted, {"source", "check-inputs"}, {"rand:3x4x5"});
  options.check_shapes = {"3x2x2"};
  const VerifyResult kept = verify(options);
  CHECK(kept.passed);
  CHECK(kept.source_kind == SourceKind::kArchive);
  CHECK(kept.checks.at(0).summary == "1 further input: traced equals untraced, same graph");
  options.check_shapes = {"4x2x2"};
  const VerifyResult left = verify(options);
  CHECK(left.checks.at(0).verdict == Verdict::kFail);
  CHECK(left.checks.at(1).verdict == Verdict::kPass);

  // A checkpoint's trace against a copy of itself, and against one with another weight.
  const std::string bert = testing::traced("tiny-bert", dir / "bert.pt");
  std::filesystem::copy_file(bert, dir / "copy.pt");
  const CheckResult same = one_check(against(bert, (dir / "copy.pt").string(), {"source"}));
  CHECK(same.verdict == Verdict::kPass);
  CHECK(evidence<int64_t>(same, "weights_compared") == 39);
  change_weight((dir / "copy.pt").string(), "pooler.dense.bias", 1e-3);
  CHECK(one_check(against(bert, (dir / "copy.pt").string(), {"source"})).where == "pooler.dense");
}

TEST_CASE("verify: randomness is told apart from faults") {
  const TempDir dir;
  // The reference's example draws random numbers and changes its input in place: both sides draw the same.
  const std::string source = reference_example("fill_row.py:traced");
  const std::string module = made_from(source, dir / "fill.pt");
  CHECK(one_check(against(module, source, {"source"})).verdict == Verdict::kPass);

  const std::string noisy = write_program(dir, R"(def f(x):
    return x + torch.rand(3)

def g(x):
    return x + torch.tensor([0.25, 0.5, 0.75])
)");
  const std::string input = "[1.0, 2.0, 3.0]";
  CHECK(one_check(against(made_from(noisy + ":f", dir / "f.pt", {input}), noisy + ":f", {"source"}, {input})).verdict ==
        Verdict::kPass);
  const CheckResult baked =
      one_check(against(made_from(noisy + ":g", dir / "g.pt", {input}), noisy + ":f", {"source"}, {input}));
  CHECK(baked.verdict == Verdict::kFail);
  CHECK_THAT(baked.summary, Contains("the source draws random numbers and the trace none"));
}

TEST_CASE("verify: buffers that a run changes are put back before the other side runs") {
  const TempDir dir;
  const std::string source = write_program(dir, R"(class Counter(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer('total', torch.zeros(1))

    def forward(self, x):
        self.total += 1
        return x * self.total
)") + ":Counter";
  VerifyOptions options =
      against(made_from(source, dir / "c.pt", {"rand:2x3"}), source, {"source", "check-inputs"}, {"rand:2x3"});
  options.check_shapes = {"1x1", "3x2"};
  CHECK(verify(options).passed);
}

TEST_CASE("verify: what is changed in place is compared, even where nothing else shows it") {
  const TempDir dir;
  const std::string source = write_program(dir, R"(def f(x):
    y = x * 2
    x[0] = 0
    return y

def g(x):
    return x * 2
)");
  const std::string module = made_from(source + ":g", dir / "g.pt", {"[1.0, 2.0]"});
  CHECK(one_check(against(module, source + ":g", {"source"}, {"[1.0, 2.0]"})).verdict == Verdict::kPass);
  const CheckResult result = one_check(against(module, source + ":f", {"source"}, {"[1.0, 2.0]"}));
  CHECK(result.verdict == Verdict::kFail);
  CHECK_THAT(result.summary, Contains("input x is left otherwise"));
}

TEST_CASE("verify: arguments with other names bind in order, and one too many is no answer") {
  const TempDir dir;
  const std::string source = write_program(dir, R"(def f(x, y):
    return x - y

def g(argument_1, argument_2):
    return argument_1 - argument_2

def one(x):
    return x
)");
  const std::string module = made_from(source + ":g", dir / "g.pt", {"[1.0]", "[3.0]"});
  CHECK(one_check(against(module, source + ":f", {"source"}, {"[1.0]", "[3.0]"})).verdict == Verdict::kPass);
  CHECK(error_of([&] {
          verify(against(module, source + ":one", {"source"}, {"[1.0]", "[3.0]"}));
        }).kind() == ErrorKind::kInvalidArgument);
}

TEST_CASE("verify: a source that gives no answer is an Error: a name that is not there, one that raises, no inputs") {
  const TempDir dir;
  const std::string source = reference_example("loop.py");
  const std::string module = made_from(source + ":traced", dir / "loop.pt");
  const auto error = [&](const std::string& name, const std::vector<std::string>& input) {
    return error_of([&] { verify(against(module, name, {"source"}, input)); });
  };
  CHECK_THAT(error(source + ":nowhere", {"rand:3x4x5"}).what(), Contains("there is no 'nowhere' in it"));
  CHECK_THAT(error(source, {"rand:3x4x5"}).what(), Contains("say which of its names"));
  CHECK(error((dir / "absent.pt").string(), {"rand:3x4x5"}).kind() == ErrorKind::kNotFound);
  CHECK_THAT(error(source + ":loop_in_traced_fn", {}).what(), Contains("x"));
  const std::string raises = write_program(dir, R"(def f(x):
    raise ValueError('no')
    return x
)") + ":f";
  CHECK_THAT(error(raises, {"rand:3x4x5"}).what(), Contains("no"));
}

TEST_CASE("verify: a module that refuses an example that its source takes fails; what both refuse is no answer") {
  const TempDir dir;
  const std::string source = reference_example("loop.py");
  const std::string module = made_from(source + ":traced", dir / "loop.pt");
  const CheckResult refused = one_check(against(module, source + ":traced", {"source"}, {"rand:1x4x5"}));
  CHECK(refused.verdict == Verdict::kFail);
  CHECK_THAT(refused.summary, Contains("the trace refuses the inputs and the source takes them"));
  CHECK_THROWS_AS(verify(against(module, source + ":traced", {"source"}, {"rand:0"})), Error);
}

}  // namespace bertjit
