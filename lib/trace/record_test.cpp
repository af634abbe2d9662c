// Traces of every fixture: run at three shapes, saved, loaded again here and in Python.
//
// Expected values: scripts/make_testdata.py (transformers 4.57.6, torch 2.13.0, eager attention), and the shared
// fixtures where they are present (transformers 5.23.0 and 4.57.6).
#include "trace/record.h"

#include <algorithm>
#include <sstream>

#include "checkpoint/weights.h"
#include "compare/compare.h"
#include "compare/graphs.h"
#include "compare/outputs.h"
#include "container/npz.h"
#include "infer/batch.h"
#include "infer/runner.h"
#include "module/save.h"
#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

// float32 against float64 moves these outputs by up to 6e-6.
constexpr double kTolerance = 2e-5;

struct Fixture {
  fs::path directory;
  fs::path outputs;
};

std::vector<Fixture> tiny_fixtures() {
  std::vector<Fixture> fixtures;
  for (const std::string name :
       {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    fixtures.push_back({testdata(name), testdata("golden/" + name + ".npz")});
  }
  return fixtures;
}

std::vector<Fixture> shared_fixtures() {
  std::vector<Fixture> fixtures;
  for (const auto& folder : fs::directory_iterator(testing::shared("fixtures"))) {
    if (folder.path().filename().string().starts_with("bert-")) {
      const std::string head = Config::read(folder.path() / "config.json").architectures().at(0);
      for (const auto& entry : registered_heads()) {
        if (entry.head == head) {
          fixtures.push_back({folder.path(), folder.path() / "io.npz"});
        }
      }
    }
  }
  return fixtures;
}

/// The recorded inputs of one set, those that are missing made.
BoundBatch inputs_of(const TensorFile& io, const std::string& set, const Signature& signature) {
  Batch batch{set, {}};
  for (const auto& input : signature.inputs) {
    if (const TensorView* view = io.find(set + "." + input.name)) {
      batch.tensors.push_back({input.name, tensor_from_view(*view, io.storage)});
    }
  }
  return bind_batch(batch, signature);
}

std::vector<at::Tensor> tensors_of(const c10::IValue& outputs) {
  std::vector<at::Tensor> tensors;
  for (const auto& leaf : flatten_outputs(outputs)) {
    tensors.push_back(leaf.value.toTensor());
  }
  return tensors;
}

bool same(const c10::IValue& left, const c10::IValue& right) {
  const auto a = tensors_of(left);
  const auto b = tensors_of(right);
  bool equal = !a.empty() && a.size() == b.size();
  for (size_t i = 0; equal && i < a.size(); ++i) {
    equal = same_bits(a[i].detach(), b[i].detach());
  }
  return equal;
}

/// Greatest difference of all outputs from those recorded for `set`.
double difference(const c10::IValue& outputs, const TensorFile& io, const std::string& set, const Model& model) {
  const auto tensors = tensors_of(outputs);
  REQUIRE(tensors.size() == model.description().outputs.size());
  double worst = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorView* view = io.find(set + ".out." + model.description().outputs[i]);
    REQUIRE(view != nullptr);
    const at::Tensor expected = tensor_from_view(*view, io.storage);
    REQUIRE(expected.sizes() == tensors[i].sizes());
    const double error = (expected.to(at::kDouble) - tensors[i].to(at::kDouble)).abs().max().item<double>();
    worst = error <= worst ? worst : error;
  }
  return worst;
}

std::unique_ptr<Model> build(const fs::path& directory, AttentionKind attention = AttentionKind::kSdpa) {
  ModelOptions options;
  options.attention = attention;
  return build_model(open_checkpoint(directory), options);
}

struct SavedTrace {
  fs::path file;
  fs::path io;
  std::vector<std::string> outputs;
};

/// Traces at set a, runs at a, b and c, saves, loads, runs again. Adds the file to `saved`.
double check_trace(const Fixture& fixture, AttentionKind attention, const fs::path& folder,
                   std::vector<SavedTrace>& saved) {
  const auto model = build(fixture.directory, attention);
  const TensorFile io = read_npz(fixture.outputs);
  const Signature signature = model_signature(model->description(), "the model");
  const Recording recording =
      record_model(*model, inputs_of(io, "a", signature).tensors, GradMode::kOn, Shapes::kDynamic);
  CHECK(recording.warnings.empty());

  const std::string name = fixture.directory.filename().string() + "." + attention_name(attention);
  const fs::path file = folder / (name + ".pt");
  save_module(recording.module, file, {default_archive_name(file), {}}, HashWhileWriting::kNo);
  ModuleRunner traced({recording.module, std::nullopt}, "the trace", &model->description());
  // A checkpoint's weights are used where the file has them, at any multiple of 4 bytes; loaded ones lie at multiples
  // of 64, and matrix products round otherwise there. Same bits are promised for the same alignment: that of a copy.
  ModuleRunner copied({recording.module.deepcopy(), std::nullopt}, "the copy", &model->description());
  ModuleRunner loaded(load_module(file), "the loaded trace", &model->description());
  double worst = 0;
  for (const char* set : {"a", "b", "c"}) {
    INFO(name << " set " << set);
    const BoundBatch batch = inputs_of(io, set, signature);
    const c10::IValue outputs = traced.run(batch, GradMode::kOff);
    const double error = difference(outputs, io, set, *model);
    CHECK(error <= kTolerance);
    worst = error <= worst ? worst : error;
    CHECK(same(loaded.run(batch, GradMode::kOff), copied.run(batch, GradMode::kOff)));
    CHECK(difference(loaded.run(batch, GradMode::kOff), io, set, *model) <= kTolerance);
  }
  saved.push_back({file, fixture.outputs, model->description().outputs});
  return worst;
}

constexpr const char* kPython = R"(
import sys, numpy, torch
worst = 0.0
for line in open(sys.argv[1]):
    file, io, names = line.rstrip("\n").split("\t")
    io = numpy.load(io)
    module = torch.jit.load(file)
    arguments = [a.name for a in module.forward.schema.arguments][1:]
    for s in "abc":
        ids = torch.from_numpy(io[s + ".input_ids"])
        default = {"attention_mask": torch.ones_like(ids), "token_type_ids": torch.zeros_like(ids)}
        given = [torch.from_numpy(io[f"{s}.{a}"]) if f"{s}.{a}" in io else default[a] for a in arguments]
        with torch.no_grad():
            out = module(*given)
        flat = []
        for o in out:
            flat += list(o) if isinstance(o, tuple) else [o]
        names_ = names.split(",")
        assert len(flat) == len(names_), (file, len(flat))
        for name, o in zip(names_, flat):
            expected = torch.from_numpy(io[f"{s}.out.{name}"])
            assert o.shape == expected.shape and o.dtype == torch.float32, (file, s, name)
            error = (o.double() - expected.double()).abs().max().item()
            assert error <= 2e-5, (file, s, name, error)
            worst = max(worst, error)
print(worst)
)";

/// One child process for all files.
void check_in_python(const std::vector<SavedTrace>& saved, const fs::path& folder) {
  const fs::path python = testdata("../.deps/venv/bin/python");
  if (!fs::exists(python)) {
    WARN("skipped: no .deps/venv/bin/python, so the traces were not loaded by Python");
    return;
  }
  std::ostringstream list;
  for (const auto& item : saved) {
    list << item.file.string() << "\t" << item.io.string() << "\t";
    for (size_t i = 0; i < item.outputs.size(); ++i) {
      list << (i == 0 ? "" : ",") << item.outputs[i];
    }
    list << "\n";
  }
  testing::write_bytes(folder / "check.py", kPython);
  testing::write_bytes(folder / "list.tsv", list.str());
  const auto result = testing::run_command(python.string() + " -W ignore " + (folder / "check.py").string() + " " +
                                           (folder / "list.tsv").string() + " 2>&1");
  INFO(result.out);
  CHECK(result.exit_code == 0);
  WARN(saved.size() << " traces loaded by Python's torch.jit.load, greatest difference " << result.out);
}

void check_fixtures(const std::vector<Fixture>& fixtures) {
  const TempDir dir;
  std::vector<SavedTrace> saved;
  double worst = 0;
  for (const auto& fixture : fixtures) {
    for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
      worst = std::max(worst, check_trace(fixture, attention, dir.path(), saved));
    }
  }
  WARN(saved.size() << " traces, sets a, b and c: greatest difference from transformers " << worst);
  check_in_python(saved, dir.path());
}

BoundBatch made(const Model& model, const std::vector<int64_t>& shape) {
  const Signature signature = model_signature(model.description(), "the model");
  return bind_batch(shape_batch(shape, signature, 1), signature);
}

size_t count(const torch::jit::Module& module, const std::string& word) {
  const auto lines = canonical_graph(module);
  return static_cast<size_t>(std::count_if(lines.begin(), lines.end(),
                                           [&](const auto& line) { return line.find(word) != std::string::npos; }));
}

}  // namespace

TEST_CASE(
    "record: every tiny BERT, traced at one shape, gives transformers' outputs at three; reloaded, the same bits") {
  check_fixtures(tiny_fixtures());
}

TEST_CASE("record: the same for every shared BERT fixture of a supported head") {
  SKIP_WITHOUT_SHARED("fixtures");
  const auto fixtures = shared_fixtures();
  CHECK(fixtures.size() >= 10);
  check_fixtures(fixtures);
}

TEST_CASE("record: traced at [1, 14] it answers at [8, 20] with the bits of one traced there, and of the network") {
  for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
    const auto first = build(testdata("tiny-bert"), attention);
    const auto second = build(testdata("tiny-bert"), attention);
    const BoundBatch large = made(*first, {8, 20});
    ModuleRunner small(
        {record_model(*first, made(*first, {1, 14}).tensors, GradMode::kOn, Shapes::kDynamic).module, {}}, "small",
        &first->description());
    ModuleRunner there({record_model(*second, large.tensors, GradMode::kOn, Shapes::kDynamic).module, {}}, "there",
                       &second->description());
    const c10::IValue answer = small.run(large, GradMode::kOff);
    CHECK(same(answer, there.run(large, GradMode::kOff)));
    CHECK(same(answer, EagerRunner(*first, "eager").run(large, GradMode::kOff)));
    CHECK(compare_graphs(canonical_graph(small.module()), canonical_graph(there.module())).matches);
  }
}

TEST_CASE("record: every submodule has a forward of its own under the checkpoint's name") {
  const auto model = build(testdata("tiny-bert-pretraining"));
  const Recording recording = record_model(*model, made(*model, {2, 5}).tensors, GradMode::kOn, Shapes::kDynamic);
  size_t checked = 0;
  for (const auto& named : recording.module.named_modules()) {
    // A ModuleList does no work of its own.
    if (!named.name.ends_with(".layer")) {
      INFO(named.name);
      CHECK(named.value.find_method("forward").has_value());
      ++checked;
    }
  }
  CHECK(checked > 40);
  const auto graph = recording.module.get_method("forward").graph();
  size_t calls = 0;
  for (const auto* node : graph->nodes()) {
    CHECK(node->kind() != c10::prim::TracedModuleForward);
    calls += node->kind() == c10::prim::CallMethod;
  }
  CHECK(calls == 2);  // bert and cls
}

TEST_CASE("record: argument names are the network's, and outputs under grad carry their grad_fn") {
  const auto model = build(testdata("tiny-bert"));
  const Recording recording = record_model(*model, made(*model, {2, 5}).tensors, GradMode::kOn, Shapes::kDynamic);
  const auto& arguments = recording.module.get_method("forward").function().getSchema().arguments();
  REQUIRE(arguments.size() == 4);
  CHECK(arguments[1].name() == "input_ids");
  CHECK(arguments[2].name() == "attention_mask");
  CHECK(arguments[3].name() == "token_type_ids");
  // Names as PyTorch prints them for the experiment of the project's first seed.
  const auto outputs = tensors_of(recording.outputs);
  CHECK(outputs[0].grad_fn()->name() == "NativeLayerNormBackward0");
  CHECK(outputs[1].grad_fn()->name() == "TanhBackward0");
}

TEST_CASE("record: the bytes do not depend on what was recorded before, nor on the gradient mode") {
  const auto bytes_of = [](GradMode grad) {
    const auto model = build(testdata("tiny-bert"));
    const Recording recording = record_model(*model, made(*model, {2, 5}).tensors, grad, Shapes::kDynamic);
    return to_hex(hash_serialized(recording.module, {"traced", {}}));
  };
  const std::string first = bytes_of(GradMode::kOn);
  CHECK(bytes_of(GradMode::kOn) == first);
  CHECK(bytes_of(GradMode::kOff) == first);
}

TEST_CASE("record: with fixed shapes sizes are constants, and every other shape is an error") {
  const auto dynamic = build(testdata("tiny-bert"));
  const auto fixed = build(testdata("tiny-bert"));
  const BoundBatch example = made(*fixed, {2, 7});
  const auto recorded = record_model(*fixed, example.tensors, GradMode::kOn, Shapes::kFixed).module;
  CHECK(count(recorded, "aten::size") == 0);
  CHECK(count(record_model(*dynamic, example.tensors, GradMode::kOn, Shapes::kDynamic).module, "aten::size") > 0);

  Claims claims;
  claims.dynamic_length = false;
  ModuleRunner traced({recorded, claims}, "fixed.pt", &fixed->description());
  CHECK(same(traced.run(example, GradMode::kOff), EagerRunner(*dynamic, "eager").run(example, GradMode::kOff)));
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 3}, {2, 8}, {2, 1}, {1, 7}, {3, 7}, {1, 1}}) {
    INFO(shape[0] << "x" << shape[1]);
    const Error error = error_of([&] { traced.run(made(*fixed, shape), GradMode::kOff); });
    CHECK(error.kind() == ErrorKind::kInvalidArgument);
    CHECK_THAT(error.what(), Contains("--fixed-shapes"));
  }
  // The message the Hugging Face guide documents.
  CHECK_THAT(error_of([&] {
               traced.run(made(*fixed, {2, 3}), GradMode::kOff);
             }).what(),
             Contains("The expanded size of the tensor (3) must match the existing size (7)"));
}

}  // namespace bertjit
