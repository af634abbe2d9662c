// Recordings of modules: their trees and scopes, whole parts, archives.
#include "infer/batch.h"
#include "module/save.h"
#include "record/program_testing.h"
#include "record/recordable.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::bare_module;
using testing::copied;
using testing::define_methods;
using testing::error_of;
using testing::found;
using testing::function_program;
using testing::joined;
using testing::numbers;
using testing::run_traced;
using testing::same_values;
using testing::TempDir;
using testing::testdata;
using torch::jit::Module;

namespace {

Module linear(const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  auto module = bare_module("Linear", unit);
  module.register_parameter("weight", numbers({4, 4}).div(10), false);
  module.register_parameter("bias", numbers({4}), false);
  define_methods(module, "def forward(self, x):\n    return torch.linear(x, self.weight, self.bias) + x.size(0)\n");
  return module;
}

Module gate(const std::shared_ptr<torch::jit::CompilationUnit>& unit) {
  auto module = bare_module("Gate", unit);
  define_methods(module,
                 "def forward(self, x):\n    if bool(x.sum() > 0):\n        return x\n    else:\n        return -x\n");
  return module;
}

/// Outer > cell > a, b, gate.
Module network() {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto cell = bare_module("Cell", unit);
  cell.register_module("a", linear(unit));
  cell.register_module("b", linear(unit));
  cell.register_module("gate", gate(unit));
  define_methods(cell,
                 "def forward(self, x, h):\n    n = x.size(0)\n"
                 "    y = self.gate.forward(self.a.forward(x)) + self.b.forward(h)\n    return y.view(n, -1), y\n");
  auto outer = bare_module("Outer", unit);
  outer.register_module("cell", cell);
  define_methods(outer,
                 "def forward(self, x, h):\n    for i in range(2):\n        x, h = self.cell.forward(x, h)\n"
                 "    return torch.tanh(x)\n");
  return outer;
}

Program whole_gate(const Module& outer) {
  Program program = module_program(outer, "outer");
  const Module gate = outer.attr("cell").toModule().attr("gate").toModule();
  program.whole.insert(&gate.get_method("forward").function());
  program.whole_types.insert(gate.type().get());
  return program;
}

Module saved_and_loaded(const Module& module) {
  const TempDir folder;
  save_module(module, folder / "m.pt", {"m", {}}, HashWhileWriting::kNo);
  return load_module(folder / "m.pt").module;
}

std::string code_of(const Module& module) {
  return module.get_method("forward").graph()->toString(false);
}

size_t count(const std::string& text, const std::string& word) {
  size_t times = 0;
  for (size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    ++times;
  }
  return times;
}

}  // namespace

TEST_CASE("record_program: each submodule that is called has a forward of its own, two levels deep") {
  const Module outer = network();
  const Program program = module_program(outer, "outer");
  const torch::jit::Stack inputs{numbers({3, 4}), numbers({3, 4})};
  const Recording recording = record_program(program, inputs, {});
  CHECK(joined(found(recording)) == "branch-flattened");
  CHECK(count(code_of(recording.module), "prim::CallMethod") == 2);  // the cell, once a turn
  const Module cell = recording.module.attr("cell").toModule();
  CHECK(count(code_of(cell), "prim::CallMethod") == 3);
  CHECK(count(code_of(cell.attr("a").toModule()), "aten::linear") == 1);
  CHECK(cell.attr("a").toModule().find_method("forward").has_value());
  Module loaded = saved_and_loaded(recording.module);
  for (const int64_t rows : {3, 5, 1}) {
    const torch::jit::Stack other{numbers({rows, 4}), numbers({rows, 4})};
    CHECK(same_values(interpret(program, other), loaded.forward(other)));
  }
  // The program's own modules have no new methods, and no new classes.
  CHECK(outer.get_methods().size() == 1);
  CHECK(recording.module.type()->name()->qualifiedName() == "__torch__.Outer");
}

TEST_CASE("record_program: parameters, buffers and attributes are the program's, under their names") {
  auto outer = network();
  outer.attr("cell").toModule().register_buffer("mean", numbers({2}));
  outer.register_attribute("scale", c10::FloatType::get(), 1.5);
  const Recording recording = record_program(module_program(outer, "outer"), {numbers({3, 4}), numbers({3, 4})}, {});
  std::vector<std::string> expected;
  std::vector<std::string> actual;
  for (const auto& named : outer.named_parameters()) {
    expected.push_back(named.name);
  }
  for (const auto& named : recording.module.named_parameters()) {
    actual.push_back(named.name);
    CHECK(named.value.is_same(
        outer.attr("cell").toModule().attr(named.name.substr(5, 1)).toModule().attr(named.name.substr(7)).toTensor()));
  }
  CHECK(expected == actual);
  CHECK(actual.size() == 4);
  CHECK(recording.module.attr("cell").toModule().attr("mean").toTensor().equal(numbers({2})));
  CHECK(recording.module.attr("scale").toDouble() == 1.5);
  CHECK_FALSE(recording.module.is_training());
}

TEST_CASE("record_program: a whole module keeps its branch, one that is recorded through loses it") {
  const Module outer = network();
  const torch::jit::Stack example{numbers({3, 4}), numbers({3, 4})};
  const torch::jit::Stack other{numbers({3, 4}) * -50, numbers({3, 4})};
  const Program whole = whole_gate(outer);
  const Program through = module_program(outer, "outer");
  const c10::IValue expected = interpret(whole, other);
  const Recording kept = record_program(whole, example, {});
  CHECK(found(kept).empty());
  Module loaded = saved_and_loaded(kept.module);
  CHECK(count(code_of(loaded.attr("cell").toModule().attr("gate").toModule()), "prim::If") == 1);
  CHECK(same_values(expected, loaded.forward(other)));
  CHECK_FALSE(same_values(expected, saved_and_loaded(record_program(through, example, {}).module).forward(other)));
}

TEST_CASE("record_program: a whole function keeps its branch and loop, and its numbers stay symbolic") {
  Program program = function_program(
      "def inner(x, n: int):\n    if bool(x.sum() > 0):\n        y = x * n\n    else:\n        y = -x\n    for i in "
      "range(n):\n"
      "        y = y + i\n    return y, n + 1, [n, 2]\n"
      "def f(x):\n    y, m, sizes = inner(x, x.size(0))\n    return y * m, torch.zeros(sizes)\n");
  const Recording through = record_program(program, {numbers({3})}, {});
  program.whole.insert(&program.unit->get_function("inner"));
  Recording recording = record_program(program, {numbers({3})}, {});
  CHECK(joined(found(through)) == "branch-flattened loop-unrolled");
  CHECK(found(recording).empty());
  CHECK(count(code_of(recording.module), "prim::CallFunction") == 1);
  // The recording needs nothing of the program to live.
  const Program again = function_program("def f(x):\n    return x\n");
  const torch::jit::Stack other{numbers({5}) * -1};
  const c10::IValue expected = interpret(program, other);
  program = again;
  CHECK(same_values(expected, run_traced(recording, other)));
  Module loaded = saved_and_loaded(recording.module);
  CHECK(same_values(expected, loaded.forward(other)));
  CHECK_FALSE(same_values(expected, run_traced(through, {numbers({3}) * -1})));
}

TEST_CASE("record_program: a traced function that calls a traced one can itself be called whole") {
  const Program inner = function_program("def g(x):\n    return x * x.size(0)\n");
  const Recording traced = record_program(inner, {numbers({3})}, {});
  REQUIRE(traced.function != nullptr);
  Program program;
  program.name = "caller";
  program.unit = traced.unit;
  program.function = traced.function;
  CHECK(same_values(interpret(program, {numbers({5})}), numbers({5}) * 5));
  CHECK(traced.module.type()->name()->qualifiedName() == "__torch__.PlaceholderModule");
  CHECK(traced.module.is_training());
}

TEST_CASE("record_program: an archive that was made by tracing gives the same graph and bits when traced again") {
  const auto model = build_model(open_checkpoint(testdata("tiny-bert")), ModelOptions());
  const Signature signature = model_signature(model->description(), "tiny-bert");
  const auto bound = [&](const std::vector<int64_t>& shape) {
    return bind_batch(shape_batch(shape, signature, 1), signature);
  };
  const Recording first = record_model(*model, bound({2, 7}).tensors(), {});
  const Module archive = saved_and_loaded(first.module);
  RecordableModule again({archive, std::nullopt}, "again.pt");
  const Recording second = again.record(bound({3, 5}), {});
  const auto comparison = compare_graphs(canonical_graph(first.module), canonical_graph(second.module));
  INFO(comparison.first_line << ": " << comparison.expected_line << " / " << comparison.actual_line);
  CHECK(comparison.matches);
  CHECK(joined(found(second)) == "");
  Module traced = saved_and_loaded(second.module);
  Module reference = archive;
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 7}, {1, 1}, {4, 19}}) {
    const auto inputs = bound(shape).values;
    const c10::IValue expected = reference.forward(inputs);
    CHECK(same_values(expected, traced.forward(inputs)));
    CHECK(same_values(expected, again.run(bound(shape), GradMode::kOff)));
  }
  // Every submodule that had a forward has one.
  size_t forwards = 0;
  for (const auto& named : archive.named_modules()) {
    forwards += named.value.find_method("forward").has_value();
  }
  for (const auto& named : traced.named_modules()) {
    forwards -= named.value.find_method("forward").has_value();
  }
  CHECK(forwards == 0);
}

TEST_CASE("RecordableModule: what it refuses names the file") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = bare_module("Views", unit);
  define_methods(module, "def forward(self, x):\n    return x.view(7)\n");
  RecordableModule runner({module, std::nullopt}, "views.pt");
  const BoundBatch batch{"test", {numbers({2, 3})}, {"given"}};
  CHECK_THAT(error_of([&] { runner.run(batch, GradMode::kOff); }).what(),
             Contains("views.pt: does not run on these inputs: cell.py:2:11: shape '[7]' is invalid"));
  CHECK_THAT(error_of([&] { runner.record(batch, {}); }).what(), Contains("cell.py:2:11: shape '[7]' is invalid"));
}

TEST_CASE("record_program: a quantized layer's packed parameters stay what they are") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = bare_module("Quantized", unit);
  const at::Tensor weight = at::quantize_per_tensor(numbers({4, 4}), 0.05, 0, at::kQInt8);
  const auto prepack = c10::Dispatcher::singleton().findSchemaOrThrow("quantized::linear_prepack", "");
  torch::jit::Stack stack{weight, c10::IValue(std::optional<at::Tensor>(numbers({4})))};
  prepack.callBoxed(stack);
  module.register_attribute("packed", stack.at(0).type(), stack.at(0));
  define_methods(module,
                 "def forward(self, x):\n    return quantized.linear_dynamic(x, self.packed).view(x.size(0), -1)\n");
  const Program program = module_program(module, "quantized");
  const Recording recording = record_program(program, {numbers({3, 4})}, {});
  CHECK(found(recording).empty());
  CHECK(count(code_of(recording.module), "quantized::linear_dynamic") == 1);
  Module loaded = saved_and_loaded(recording.module);
  CHECK(same_values(interpret(program, {numbers({5, 4})}), loaded.forward({numbers({5, 4})})));
}

TEST_CASE("record_program: statistics that a run in training mode changes are put back") {
  const auto unit = std::make_shared<torch::jit::CompilationUnit>();
  auto module = bare_module("Norm", unit);
  module.register_buffer("mean", at::zeros({4}));
  module.register_buffer("var", at::ones({4}));
  define_methods(module,
                 "def forward(self, x):\n    return torch.batch_norm(x, None, None, self.mean, self.var, True, 0.1, "
                 "1e-5, False)\n");
  const Recording recording = record_program(module_program(module, "norm"), {numbers({3, 4})}, {});
  CHECK(module.attr("mean").toTensor().equal(at::zeros({4})));
  CHECK(module.attr("var").toTensor().equal(at::ones({4})));
}

}  // namespace bertjit
