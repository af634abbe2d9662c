#include "run/run.h"

#include <filesystem>

#include "checkpoint/weights.h"
#include "container/npz.h"
#include "container/safetensors.h"
#include "testing/error_of.h"
#include "trace/trace.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

// float32 against float64 moves these outputs by up to 6e-6.
constexpr double kTolerance = 2e-5;

RunOptions options_for(const fs::path& path) {
  RunOptions options;
  options.source.path = path.string();
  return options;
}

/// Writes set a of tiny-bert's recorded inputs as a file.
std::string inputs(const fs::path& path) {
  const TensorFile io = read_npz(testdata("golden/tiny-bert.npz"));
  std::vector<TensorView> views;
  for (const auto& view : io.tensors) {
    if (view.name.starts_with("a.") && !view.name.starts_with("a.out.")) {
      views.push_back({view.name.substr(2), view.dtype, view.shape, view.bytes});
    }
  }
  write_npz(path, views);
  return path.string();
}

double difference_from_recorded(const TensorFile& outputs) {
  // scripts/make_testdata.py: transformers 4.57.6, torch 2.13.0.
  const TensorFile io = read_npz(testdata("golden/tiny-bert.npz"));
  double worst = 0;
  for (const char* name : {"last_hidden_state", "pooler_output"}) {
    const TensorView* actual = outputs.find(name);
    const TensorView* expected = io.find(std::string("a.out.") + name);
    REQUIRE(actual != nullptr);
    REQUIRE(expected != nullptr);
    REQUIRE(actual->shape == expected->shape);
    const double error = (tensor_from_view(*actual) - tensor_from_view(*expected)).abs().max().item<double>();
    worst = error <= worst ? worst : error;
  }
  return worst;
}

}  // namespace

TEST_CASE("run: a checkpoint and its trace give transformers' outputs, saved under their names") {
  const TempDir dir;
  TraceOptions trace_options;
  trace_options.source.path = testdata("tiny-bert").string();
  trace_options.output = (dir / "m.pt").string();
  REQUIRE(trace(trace_options).passed);
  for (const auto& [path, kind] :
       {std::pair<fs::path, std::string>(testdata("tiny-bert"), "eager"), {dir / "m.pt", "torchscript"}}) {
    INFO(kind);
    RunOptions options = options_for(path);
    options.inputs.inputs = inputs(dir / "a.npz");
    options.output = (dir / (kind + ".npz")).string();
    const RunResult result = run(options);
    CHECK(result.kind == kind);
    CHECK(result.output_file == options.output);
    CHECK(result.grad == "on");
    REQUIRE(result.inputs.size() == 3);
    CHECK(result.inputs[0].shape == std::vector<int64_t>{2, 11});
    CHECK(difference_from_recorded(read_npz(options.output)) <= kTolerance);
    options.output = (dir / (kind + ".safetensors")).string();
    run(options);
    CHECK(difference_from_recorded(read_safetensors(options.output)) <= kTolerance);

    REQUIRE(result.output.kind == OutputValue::Kind::kTuple);
    REQUIRE(result.output.items.size() == 2);
    CHECK(result.output.items[0].tensor.name == "last_hidden_state");
    CHECK(result.output.items[0].grad_fn == "NativeLayerNormBackward0");
    CHECK(result.output.items[1].grad_fn == "TanhBackward0");
  }
}

TEST_CASE("run: without grad and in inference mode outputs carry no grad_fn and the same values") {
  RunOptions options = options_for(testdata("tiny-bert"));
  const RunResult on = run(options);
  for (const GradMode mode : {GradMode::kOff, GradMode::kInference}) {
    options.grad = mode;
    const RunResult result = run(options);
    CHECK(result.grad == grad_mode_name(mode));
    for (size_t i = 0; i < 2; ++i) {
      CHECK(result.output.items[i].grad_fn.empty());
      CHECK_FALSE(result.output.items[i].requires_grad);
      CHECK((result.output.items[i].tensor.bytes == on.output.items[i].tensor.bytes));
    }
  }
}

TEST_CASE("run: nested values, dicts, None and numbers are kept apart and named in order") {
  const TempDir dir;
  torch::jit::Module module("M");
  module.define(R"(
def forward(self, x):
    return (x, [x + 1, x + 2], {"logits": x * 2}, None, 3)
)");
  module.save((dir / "m.pt").string());
  RunOptions options = options_for(dir / "m.pt");
  options.inputs.input = {"x=[1.5, 2.5]"};
  const RunResult result = run(options);
  const auto& items = result.output.items;
  REQUIRE(items.size() == 5);
  CHECK(items[0].tensor.name == "output0");
  CHECK(items[1].kind == OutputValue::Kind::kList);
  CHECK(items[1].items.at(1).tensor.name == "output2");
  CHECK(items[2].kind == OutputValue::Kind::kDict);
  CHECK(items[2].keys == std::vector<std::string>{"'logits'"});
  CHECK(items[3].text == "None");
  CHECK(items[3].name == "output4");
  CHECK(items[4].text == "3");
  CHECK(items[4].type == "int");
}

TEST_CASE("run: tensors are saved however they are nested, None is left out, and another value is refused by name") {
  const TempDir dir;
  const auto save = [&](const std::string& returned) {
    torch::jit::Module module("M");
    module.define("def forward(self, x):\n  return " + returned + "\n");
    module.save((dir / "m.pt").string());
  };
  RunOptions options = options_for(dir / "m.pt");
  options.inputs.input = {"x=[1.5, 2.5]"};
  options.output = (dir / "out.npz").string();
  save("(x, [x + 1, x + 2], {'logits': x * 2}, None)");
  run(options);
  CHECK(read_npz(options.output).tensors.size() == 4);
  fs::remove(options.output);
  for (const std::string value : {"3", "0.5", "True", "'text'"}) {
    save("(x, {'a': (x, " + value + ")})");
    CHECK_THAT(error_of([&] { run(options); }).what(),
               Contains("out.npz: output 'output2' is ") &&
                   Contains(" " + value + ", a file of tensors cannot hold it; run without --output"));
    CHECK_FALSE(fs::exists(options.output));
  }
}

namespace {

/// A loop whose turns and a branch whose side depend on the arguments, saved as a file.
std::string branching_module(const TempDir& dir) {
  torch::jit::Module module("M");
  module.define(R"(
def forward(self, xs: List[Tensor], turns: int, mode: str = "sum"):
    total = torch.zeros_like(xs[0])
    for i in range(turns):
        for x in xs:
            total = torch.tanh(total + x * i)
    if mode == "first":
        total = xs[0]
    return total
)");
  const std::string path = (dir / "m.pt").string();
  module.save(path);
  return path;
}

at::Tensor tensor_of(OutputValue value) {
  return tensor_from_view({"", value.tensor.dtype, value.tensor.shape, value.tensor.bytes}).clone();
}

}  // namespace

TEST_CASE("run: every executor takes arguments of any type and gives the same bits") {
  const TempDir dir;
  RunOptions options = options_for(branching_module(dir));
  options.inputs.input = {"xs=[rand:3, rand:3]", "turns=3"};
  const RunResult profiled = run(options);
  CHECK(profiled.executor == "profiling");
  REQUIRE(profiled.inputs.size() == 4);
  CHECK(profiled.inputs[1].name == "xs.1");
  CHECK(profiled.inputs[2].value == "3");
  CHECK(profiled.inputs[3].source == "default");
  for (const Executor executor : {Executor::kEager, Executor::kSimple, Executor::kProfiling}) {
    options.executor = executor;
    const RunResult result = run(options);
    CHECK(result.executor == executor_name(executor));
    CHECK((result.output.tensor.bytes == profiled.output.tensor.bytes));
  }
  options.inputs.input.emplace_back("mode=first");
  CHECK_FALSE((run(options).output.tensor.bytes == profiled.output.tensor.bytes));
}

TEST_CASE("run: eager names the line of the source that fails") {
  const TempDir dir;
  torch::jit::Module module("M");
  module.define("def forward(self, x):\n  y = x + 1\n  return y.view([7])\n");
  module.save((dir / "m.pt").string());
  RunOptions options = options_for(dir / "m.pt");
  options.inputs.input = {"x=[1.5, 2.5]"};
  options.executor = Executor::kEager;
  CHECK_THAT(error_of([&] { run(options); }).what(),
             Contains("shape '[7]' is invalid for input of size 2") && Contains("y.view([7])"));
}

TEST_CASE("run: a name of a Python file runs as Python runs it, or compiled where an executor is named") {
  const TempDir dir;
  testing::write_bytes(dir / "loop.py", R"(import torch

def fn(x, turns: int = 2):
    for i in range(turns):
        if x.sum() > 0:
            x = x * -2
    return x, turns

@torch.jit.script
def scripted(x):
    return x + 1

def scaled(x, factor: float = 3.0):
    return x * factor

traced = torch.jit.trace(scaled, (torch.ones(2),))
)");
  RunOptions options = options_for((dir / "loop.py").string() + ":fn");
  options.inputs.input = {"x=[1.0, 2.0]"};
  const RunResult eager = run(options);
  CHECK(eager.kind == "python");
  CHECK(eager.executor == "eager");
  CHECK(eager.inputs.at(1).source == "default");
  CHECK(eager.output.items.at(1).text == "2");
  const at::Tensor expected = at::tensor({-2.F, -4.F});
  CHECK(at::equal(tensor_of(eager.output.items.at(0)), expected));
  options.executor = Executor::kSimple;
  const RunResult compiled = run(options);
  CHECK(compiled.executor == "simple");
  CHECK(at::equal(tensor_of(compiled.output.items.at(0)), expected));

  options = options_for((dir / "loop.py").string() + ":scripted");
  options.inputs.input = {"[1.0, 2.0]"};
  CHECK(run(options).executor == "profiling");
  // Without inputs, what the file traced it with.
  options = options_for((dir / "loop.py").string() + ":traced");
  const RunResult traced = run(options);
  CHECK_THAT(traced.example, Contains("torch.jit.trace at") && Contains("loop.py:16"));
  CHECK(at::equal(tensor_of(traced.output), at::tensor({3.F, 3.F})));
  CHECK(traced.executor == "profiling");
  CHECK_THAT(error_of([&] { run(options_for(dir / "loop.py")); }).what(), Contains("say which of its names"));
}

TEST_CASE("run: an executor of TorchScript is refused for a checkpoint, which runs without") {
  RunOptions options = options_for(testdata("tiny-bert"));
  options.executor = Executor::kSimple;
  CHECK_THAT(error_of([&] { run(options); }).what(),
             Contains("--executor simple is for TorchScript; ") && Contains("tiny-bert is a checkpoint"));
  options.executor = Executor::kEager;
  CHECK(run(options).executor.empty());
}

TEST_CASE("run: what a model does to its inputs in place is not shown as what they were") {
  const TempDir dir;
  torch::jit::Module module("M");
  module.define("def forward(self, x):\n  x.add_(1)\n  return x\n");
  module.save((dir / "m.pt").string());
  RunOptions options = options_for(dir / "m.pt");
  options.inputs.input = {"x=[1, 2]"};
  const RunResult result = run(options);
  CHECK(result.inputs.at(0).shape == std::vector<int64_t>{2});
  CHECK(at::equal(tensor_of(result.output), at::tensor({2, 3}, at::kLong)));
}

TEST_CASE("run: an output name of another kind is refused before the model is even opened") {
  RunOptions options = options_for("absent");
  options.output = "out.txt";
  const Error error = error_of([&] { run(options); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(error.what(), Contains("out.txt: expected a name that ends in .npz or .safetensors"));
}

TEST_CASE("run: what is missing or does not fit is an Error, and no output is left") {
  const TempDir dir;
  RunOptions options = options_for(testdata("tiny-bert"));
  options.output = (dir / "out.npz").string();
  options.inputs.input = {"input_ids=[[163]]"};
  CHECK_THAT(error_of([&] { run(options); }).what(), Contains("input_ids holds 163"));
  options.inputs.input = {"ids=[[1]]"};
  CHECK_THAT(error_of([&] { run(options); }).what(),
             Contains("no argument is named 'ids'; ") && Contains("takes input_ids, attention_mask, token_type_ids"));
  CHECK(error_of([&] { run(options_for(dir / "absent.pt")); }).kind() == ErrorKind::kNotFound);
  CHECK(fs::is_empty(dir.path()));
}

}  // namespace bertjit
