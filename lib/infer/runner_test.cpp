#include "infer/runner.h"

#include <algorithm>

#include <ATen/Parallel.h>

#include "infer/guards.h"
#include "module/module_testing.h"
#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;
using testing::kSoundForward;
using testing::scripted;
using testing::testdata;

namespace {

ModuleRunner runner(const std::string& code, std::optional<Claims> claims = std::nullopt) {
  return ModuleRunner({scripted(code), std::move(claims)}, "m.pt");
}

BoundBatch ids(Runner& runner, at::IntArrayRef shape) {
  return runner.bind({"x", {{"", at::ones(shape, at::kLong)}}});
}

constexpr const char* kOneLength = R"(
def forward(self, input_ids):
    x = torch.embedding(self.word_embeddings.weight, input_ids)
    return x.view([1, 3, 4])
)";

}  // namespace

TEST_CASE("runner: a module's arguments get their usual defaults and limits from its own tables") {
  const ModuleRunner module = runner(R"(
def forward(self, input_ids, attention_mask, token_type_ids, other):
    return torch.embedding(self.word_embeddings.weight, input_ids)
)");
  const auto& inputs = module.signature().inputs;
  REQUIRE(inputs.size() == 4);
  CHECK(inputs[0].name == "input_ids");
  CHECK(inputs[0].missing == InputDefault::kRequired);
  CHECK(inputs[0].limit == 16);
  CHECK(inputs[1].missing == InputDefault::kOnes);
  CHECK(inputs[2].missing == InputDefault::kZeros);
  CHECK(inputs[3].missing == InputDefault::kRequired);
  CHECK(inputs[3].limit == 0);
  CHECK(module.signature().max_positions == 0);
  CHECK(module.output_names().empty());
}

TEST_CASE("runner: what is known of the network wins, and claims name the outputs") {
  ModelDescription known;
  known.inputs = {{"input_ids", InputDefault::kRequired, 9}};
  known.outputs = {"from_source"};
  known.max_positions = 5;
  const ModuleRunner plain({scripted(kSoundForward), std::nullopt}, "m.pt", &known);
  CHECK(plain.signature().inputs[0].limit == 9);
  CHECK(plain.signature().max_positions == 5);
  CHECK(plain.output_names() == std::vector<std::string>{"from_source"});
  Claims claims;
  claims.outputs = {"from_claims"};
  const ModuleRunner claimed({scripted(kSoundForward), claims}, "m.pt", &known);
  CHECK(claimed.output_names() == std::vector<std::string>{"from_claims"});
}

TEST_CASE("runner: a module without forward is refused") {
  const Error none = error_of([] { runner("def other(self, x):\n  return x\n"); });
  CHECK(none.kind() == ErrorKind::kUnsupported);
  CHECK_THAT(none.what(), Equals("m.pt: the module has no forward method"));
}

TEST_CASE("runner: inputs the module does not take give libtorch's own words, once, and what to do") {
  ModuleRunner module = runner(kOneLength);
  CHECK_NOTHROW(module.run(ids(module, {1, 3}), GradMode::kOff));
  const Error error = error_of([&] { module.run(ids(module, {2, 3}), GradMode::kOff); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  CHECK_THAT(
      error.what(),
      Equals("m.pt: does not run on input_ids [2, 3]: shape '[1, 3, 4]' is invalid for input of size 24; a trace "
             "made for one length takes no other: pad the input (--pad-to), or trace the checkpoint with "
             "bertjit, which records sizes"));
  Claims fixed;
  fixed.dynamic_length = false;
  ModuleRunner claimed = runner(kOneLength, fixed);
  CHECK_THAT(error_of([&] {
               claimed.run(ids(claimed, {2, 3}), GradMode::kOff);
             }).what(),
             Contains("it was traced with --fixed-shapes"));
}

TEST_CASE("runner: forward may take arguments of any type, and its own defaults") {
  ModuleRunner module = runner(R"(
def forward(self, xs: List[Tensor], state: Dict[str, Tensor], n: int, mode: str = "sum", mask: Optional[Tensor] = None):
    out = xs[0] * n + state["h"]
    if mode == "sum":
        out = out + xs[1]
    if mask is not None:
        out = out * mask
    return out
)");
  const auto& inputs = module.signature().inputs;
  REQUIRE(inputs.size() == 5);
  CHECK(inputs[0].type->annotation_str() == "List[Tensor]");
  CHECK(inputs[3].default_value->toStringRef() == "sum");
  CHECK(inputs[4].default_value->isNone());
  CHECK(inputs[2].rank == 0);
  c10::Dict<std::string, at::Tensor> state;
  state.insert("h", at::ones({2}));
  const c10::IValue xs = c10::List<at::Tensor>({at::ones({2}), at::full({2}, 10.)});
  const BoundBatch sum = module.bind({"x", {{"", xs}, {"", state}, {"", int64_t{3}}}});
  CHECK(sum.sources[4] == "default");
  CHECK(at::equal(module.run(sum, GradMode::kOff).toTensor(), at::full({2}, 14.)));
  const BoundBatch masked = module.bind(
      {"x", {{"", xs}, {"", state}, {"", int64_t{3}}, {"mode", std::string("no")}, {"mask", at::zeros({2})}}});
  CHECK(at::equal(module.run(masked, GradMode::kOff).toTensor(), at::zeros({2})));
  CHECK_THAT(error_of([&] {
               module.bind({"x", {{"xs", at::ones({2})}}});
             }).what(),
             Equals("x: xs is Tensor, m.pt takes List[Tensor]"));
}

TEST_CASE(
    "runner: a function of plain tensors binds whatever their shapes, and its failure brings no advice on texts") {
  ModuleRunner module = runner("def forward(self, x, y):\n  return x + y\n");
  CHECK(module.run(module.bind({"x", {{"", at::ones({3})}, {"", at::ones({2, 4, 3})}}}), GradMode::kOff)
            .toTensor()
            .sizes() == at::IntArrayRef({2, 4, 3}));
  CHECK_THAT(
      error_of([&] {
        module.run(module.bind({"x", {{"", at::ones({3})}, {"", at::ones({4})}}}), GradMode::kOff);
      }).what(),
      Equals("m.pt: does not run on x [3], y [4]: The size of tensor a (3) must match the size of tensor b (4) at "
             "non-singleton dimension 0"));
}

TEST_CASE("runner: a module that changes its inputs in place changes a copy where one is asked for") {
  ModuleRunner module = runner("def forward(self, x):\n  x.add_(1)\n  return x * 1\n");
  const BoundBatch bound = module.bind({"x", {{"", at::zeros({2})}}});
  for (int run = 0; run < 2; ++run) {
    CHECK(at::equal(module.run_on_copy(bound, GradMode::kOff).toTensor(), at::ones({2})));
    CHECK(at::equal(bound.tensor(0), at::zeros({2})));
  }
  module.run(bound, GradMode::kOff);
  CHECK(at::equal(bound.tensor(0), at::ones({2})));
}

TEST_CASE("runner: each gradient mode is what the model sees, and is restored, after an error too") {
  ModuleRunner module = runner(kOneLength);
  const auto output = [&](GradMode mode) { return module.fresh_copy().run(ids(module, {1, 3}), mode).toTensor(); };
  CHECK(output(GradMode::kOn).requires_grad());
  CHECK_FALSE(output(GradMode::kOff).requires_grad());
  CHECK(output(GradMode::kInference).is_inference());
  REQUIRE(c10::GradMode::is_enabled());
  CHECK_THROWS_AS(module.run(ids(module, {2, 3}), GradMode::kInference), Error);
  CHECK(c10::GradMode::is_enabled());
  CHECK_FALSE(c10::InferenceMode::is_enabled());
}

TEST_CASE("runner: a fresh copy shares parameters and has buffers and other state of its own") {
  torch::jit::Module counter("Counter");
  counter.register_parameter("weight", at::ones({2}), /*is_buffer=*/false);
  counter.register_buffer("runs", at::zeros({1}));
  counter.define("def forward(self, x):\n  self.runs.add_(1)\n  return x * self.weight + self.runs\n");
  ModuleRunner module({counter, std::nullopt}, "m.pt");
  const BoundBatch bound = module.bind({"x", {{"", at::zeros({2})}}});
  for (int run = 0; run < 2; ++run) {
    ModuleRunner copy = module.fresh_copy();
    CHECK(at::equal(copy.run(bound, GradMode::kOff).toTensor(), at::ones({2})));
    CHECK(copy.module().attr("weight").toTensor().is_same(counter.attr("weight").toTensor()));
  }
  CHECK(at::equal(counter.attr("runs").toTensor(), at::zeros({1})));
}

TEST_CASE("guards: gradient mode and threads come back at the end of the scope") {
  const int before = at::get_num_threads();
  {
    const ThreadGuard threads(1);
    const GradGuard grad(GradMode::kInference);
    CHECK(at::get_num_threads() == 1);
    CHECK_FALSE(c10::GradMode::is_enabled());
    CHECK(c10::InferenceMode::is_enabled());
  }
  CHECK(at::get_num_threads() == before);
  CHECK(c10::GradMode::is_enabled());
  {
    const ThreadGuard unchanged(0);
    const GradGuard off(GradMode::kOff);
    CHECK(at::get_num_threads() == before);
    CHECK_FALSE(c10::GradMode::is_enabled());
    const GradGuard on(GradMode::kOn);
    CHECK(c10::GradMode::is_enabled());
  }
  CHECK(c10::GradMode::is_enabled());
}

TEST_CASE("guards: the executor is chosen for the scope alone") {
  const auto modes = [] {
    return std::pair<bool, bool>(torch::jit::getExecutorMode(), torch::jit::getProfilingMode());
  };
  REQUIRE(modes() == std::pair(true, true));  // libtorch's default
  {
    const ExecutorGuard simple(Executor::kSimple);
    CHECK(modes() == std::pair(true, false));
    const ExecutorGuard eager(Executor::kEager);
    CHECK(modes() == std::pair(true, false));
    const ExecutorGuard profiling(Executor::kProfiling);
    CHECK(modes() == std::pair(true, true));
  }
  CHECK(modes() == std::pair(true, true));
}

TEST_CASE("guards: simple runs a graph that nothing observes, profiling one that is observed") {
  const auto observers = [](Executor executor) {
    const ExecutorGuard guard(executor);
    ModuleRunner module = runner("def forward(self, x, y):\n  return torch.tanh(x + y) * y\n");
    module.run(module.bind({"x", {{"", at::ones({3})}, {"", at::ones({3})}}}), GradMode::kOff);
    const auto graph = torch::jit::lastExecutedOptimizedGraph();
    REQUIRE(graph != nullptr);
    const auto is_observer = [](const torch::jit::Node* node) { return node->kind() == c10::prim::profile; };
    return std::ranges::count_if(graph->nodes(), is_observer);
  };
  CHECK(observers(Executor::kProfiling) > 0);
  CHECK(observers(Executor::kSimple) == 0);
}

TEST_CASE("runner: the eager network is bound and refused as a module is") {
  const auto model = build_model(open_checkpoint(testdata("tiny-bert")), {});
  EagerRunner eager(*model, "tiny-bert");
  CHECK(eager.signature().inputs.size() == 3);
  CHECK(eager.output_names() == std::vector<std::string>{"last_hidden_state", "pooler_output"});
  CHECK(eager.run(ids(eager, {2, 5}), GradMode::kOff).toTupleRef().elements().size() == 2);
  CHECK_THAT(error_of([&] { ids(eager, {1, 65}); }).what(), Contains("longer than max_position_embeddings 64"));
  BoundBatch wrong = ids(eager, {1, 3});
  wrong.values[1] = at::ones({1, 2}, at::kLong);
  CHECK_THAT(error_of([&] { eager.run(wrong, GradMode::kOff); }).what(),
             Contains("tiny-bert: does not run on input_ids [1, 3], attention_mask [1, 2], token_type_ids [1, 3]: "));
}

}  // namespace bertjit
