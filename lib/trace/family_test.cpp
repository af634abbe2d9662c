// Traces of every architecture and head: recorded at one shape, run at three, saved, loaded again here and in Python.
//
// Expected values: scripts/make_testdata.py (transformers 4.57.6, torch 2.13.0, attn_implementation="eager"), and the
// larger shared fixtures where they are present (transformers 5.23.0 and 4.57.6).
#include <algorithm>

#include <nlohmann/json.hpp>

#include "checkpoint/weights.h"
#include "compare/outputs.h"
#include "container/npz.h"
#include "infer/guards.h"
#include "infer/runner.h"
#include "module/save.h"
#include "record/record.h"
#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::TempDir;
using testing::testdata;

namespace {

// float32 against float64 moves these outputs by up to 6e-6; a wrong layer_norm_eps already by 1.3e-5.
constexpr double kTolerance = 2e-5;

struct Fixture {
  fs::path directory;
  fs::path io;
};

/// A trace on disk, and all that is needed to check it without bertjit.
struct SavedTrace {
  fs::path file;
  fs::path io;
  ModelDescription description;
};

std::vector<Fixture> fixtures_in(const fs::path& parent) {
  std::vector<Fixture> fixtures;
  for (const auto& folder : fs::directory_iterator(parent)) {
    if (fs::exists(folder.path() / "io.npz")) {
      fixtures.push_back({folder.path(), folder.path() / "io.npz"});
    }
  }
  return fixtures;
}

bool is_supported(const Fixture& fixture) {
  const Config config = Config::read(fixture.directory / "config.json");
  const auto& heads = registered_heads();
  return std::any_of(heads.begin(), heads.end(), [&](const HeadEntry& entry) {
    return entry.model_type == config.model_type() && entry.head == config.architectures().at(0);
  });
}

std::unique_ptr<Model> build(const fs::path& directory, AttentionKind attention = AttentionKind::kSdpa) {
  ModelOptions options;
  options.attention = attention;
  return build_model(open_checkpoint(directory), options);
}

/// The recorded inputs of one set, those that are missing made.
BoundBatch inputs_of(const TensorFile& io, const std::string& set, const ModelDescription& description) {
  Batch batch{set, {}};
  for (const auto& input : description.inputs) {
    if (const TensorView* view = io.find(set + "." + input.name)) {
      batch.values.push_back({input.name, tensor_from_view(*view)});
    }
  }
  return bind_batch(batch, model_signature(description, "the model"));
}

/// Greatest difference of all outputs from those recorded for `set`.
double difference(const c10::IValue& outputs, const TensorFile& io, const std::string& set,
                  const ModelDescription& description) {
  const auto leaves = flatten_outputs(outputs);
  REQUIRE(leaves.size() == description.outputs.size());
  double worst = 0;
  for (size_t i = 0; i < leaves.size(); ++i) {
    INFO(description.outputs[i]);
    const TensorView* view = io.find(set + ".out." + description.outputs[i]);
    REQUIRE(view != nullptr);
    const at::Tensor expected = tensor_from_view(*view);
    const at::Tensor actual = leaves[i].value.toTensor();
    REQUIRE(expected.sizes() == actual.sizes());
    REQUIRE(actual.scalar_type() == at::kFloat);
    const double error = (expected.to(at::kDouble) - actual.to(at::kDouble)).abs().max().item<double>();
    worst = error <= worst ? worst : error;
  }
  return worst;
}

/// Submodules with parameters of their own and no `forward`: a flat trace has no other. Tables that the reference too
/// reads without calling their module, and parts that a configuration leaves unused, are not counted.
std::vector<std::string> without_forward(const torch::jit::Module& module) {
  std::vector<std::string> names;
  for (const auto& named : module.named_modules()) {
    const bool may_be_unused = named.name.ends_with("position_embeddings") || named.name.ends_with("rel_embeddings") ||
                               named.name.ends_with("encoder.LayerNorm");
    if (named.value.parameters(/*recurse=*/false).size() > 0 && !named.value.find_method("forward") && !may_be_unused) {
      names.push_back(named.name);
    }
  }
  return names;
}

SavedTrace trace_at_set_a(const Fixture& fixture, AttentionKind attention, const fs::path& folder) {
  const auto model = build(fixture.directory, attention);
  const ModelDescription& description = model->description();
  const TensorFile io = read_npz(fixture.io);
  const Recording recording =
      record_model(*model, inputs_of(io, "a", description).tensors(), {GradMode::kOff, Shapes::kDynamic});
  CHECK(recording.warnings.empty());
  CHECK(difference(recording.outputs, io, "a", description) <= kTolerance);

  ModuleRunner traced({recording.module, std::nullopt}, "the trace", &description);
  for (const char* set : {"b", "c"}) {
    INFO("traced at a, run at " << set);
    CHECK(difference(traced.run(inputs_of(io, set, description), GradMode::kOff), io, set, description) <= kTolerance);
  }
  const fs::path file = folder / (fixture.directory.filename().string() + "." + attention_name(attention) + ".pt");
  save_module(recording.module, file, {default_archive_name(file), {}}, HashWhileWriting::kNo);
  return {file, fixture.io, description};
}

/// Loads the file and runs the three sets; returns the greatest difference.
double run_loaded(const SavedTrace& saved) {
  const TensorFile io = read_npz(saved.io);
  ModuleRunner loaded(load_module(saved.file), "the loaded trace", &saved.description);
  CHECK(without_forward(loaded.module()) == std::vector<std::string>{});
  double worst = 0;
  for (const char* set : {"a", "b", "c"}) {
    INFO("loaded, run at " << set);
    const double error =
        difference(loaded.run(inputs_of(io, set, saved.description), GradMode::kOff), io, set, saved.description);
    CHECK(error <= kTolerance);
    worst = error <= worst ? worst : error;
  }
  return worst;
}

constexpr const char* kPython = R"(
import json, sys, numpy, torch

def flatten(value):
    return [leaf for item in value for leaf in flatten(item)] if isinstance(value, (tuple, list)) else [value]

def inputs_of(trace, io, s):
    for name, missing, like in trace["inputs"]:
        if f"{s}.{name}" in io:
            yield torch.from_numpy(io[f"{s}.{name}"])
        else:
            yield getattr(torch, missing + "_like")(torch.from_numpy(io[f"{s}.{like}"]))

torch.set_num_threads(1)
worst = 0.0
for trace in json.load(open(sys.argv[1])):
    module = torch.jit.load(trace["file"])
    arguments = [a.name for a in module.forward.schema.arguments][1:]
    assert arguments == [name for name, *_ in trace["inputs"]], (trace["file"], arguments)
    io = numpy.load(trace["io"])
    for s in "abc":
        with torch.no_grad():
            outputs = flatten(module(*inputs_of(trace, io, s)))
        assert len(outputs) == len(trace["outputs"]), (trace["file"], s, len(outputs))
        for name, output in zip(trace["outputs"], outputs):
            expected = torch.from_numpy(io[f"{s}.out.{name}"])
            assert output.shape == expected.shape and output.dtype == torch.float32, (trace["file"], s, name)
            error = (output.double() - expected.double()).abs().max().item()
            assert error <= 2e-5, (trace["file"], s, name, error)
            worst = max(worst, error)
print(worst)
)";

fs::path python() {
  return testdata("../.deps/venv/bin/python");
}

/// One process of Python that loads every file and checks it. Its Python must exist.
testing::CommandOutput run_python(const std::vector<SavedTrace>& traces, const fs::path& folder) {
  nlohmann::json list = nlohmann::json::array();
  for (const auto& trace : traces) {
    nlohmann::json inputs = nlohmann::json::array();
    for (const auto& input : trace.description.inputs) {
      const char* like = input.sequence == InputSequence::kDecoder ? "decoder_input_ids" : "input_ids";
      inputs.push_back({input.name, input.missing == InputDefault::kOnes ? "ones" : "zeros", like});
    }
    list.push_back({{"file", trace.file.string()},
                    {"io", trace.io.string()},
                    {"inputs", inputs},
                    {"outputs", trace.description.outputs}});
  }
  testing::write_bytes(folder / "check.py", kPython);
  testing::write_bytes(folder / "traces.json", list.dump());
  return testing::run_command(python().string() + " -W ignore " + (folder / "check.py").string() + " " +
                              (folder / "traces.json").string() + " 2>&1");
}

void check_fixtures(const std::vector<Fixture>& fixtures) {
  // Threads that wait for one another take half of the time where matrices are this small.
  const ThreadGuard one_thread(1);
  const TempDir folder;
  std::vector<SavedTrace> traces;
  double worst = 0;
  for (const auto& fixture : fixtures) {
    if (!is_supported(fixture)) {
      FAIL_CHECK(fixture.directory.filename().string() + ": its head is not supported");
      continue;
    }
    for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
      INFO(fixture.directory.filename().string() << " " << attention_name(attention));
      traces.push_back(trace_at_set_a(fixture, attention, folder.path()));
      worst = std::max(worst, run_loaded(traces.back()));
    }
  }
  WARN(traces.size() << " traces, loaded, sets a, b and c: greatest difference from transformers " << worst);
  if (!fs::exists(python())) {
    WARN("skipped: no .deps/venv/bin/python, so the traces were not loaded by Python");
    return;
  }
  const auto result = run_python(traces, folder.path());
  INFO(result.out);
  CHECK(result.exit_code == 0);
  WARN(traces.size() << " traces loaded by Python's torch.jit.load, greatest difference " << result.out);
}

}  // namespace

TEST_CASE("family: every tiny BERT, traced at one shape, gives transformers' outputs at three; reloaded, in Python") {
  std::vector<Fixture> fixtures;
  for (const std::string name :
       {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    fixtures.push_back({testdata(name), testdata("golden/" + name + ".npz")});
  }
  check_fixtures(fixtures);
}

TEST_CASE("family: every architecture and head, traced at one shape, does so at three; reloaded, in Python") {
  const auto fixtures = fixtures_in(testdata("family"));
  CHECK(fixtures.size() >= 65);
  check_fixtures(fixtures);
}

TEST_CASE("family: every shared fixture, traced at one shape, does so at three; reloaded, in Python") {
  SKIP_WITHOUT_SHARED("fixtures");
  const auto fixtures = fixtures_in(testing::shared("fixtures"));
  CHECK(fixtures.size() >= 37);
  check_fixtures(fixtures);
}

TEST_CASE("family: one changed weight, or another model's outputs, fail the comparison, in Python too") {
  const TempDir folder;
  const Fixture fixture{testdata("family/mpnet-seqcls"), testdata("family/mpnet-seqcls/io.npz")};
  SavedTrace trace = trace_at_set_a(fixture, AttentionKind::kSdpa, folder.path());
  CHECK(run_loaded(trace) <= kTolerance);

  torch::jit::Module module = load_module(trace.file).module;
  for (const auto& parameter : module.named_parameters()) {
    if (parameter.name == "mpnet.encoder.relative_attention_bias.weight") {
      const at::NoGradGuard no_grad;
      parameter.value.index({0, 0}).add_(1);
    }
  }
  const TensorFile io = read_npz(fixture.io);
  ModuleRunner changed({module, std::nullopt}, "the changed trace", &trace.description);
  CHECK(difference(changed.run(inputs_of(io, "b", trace.description), GradMode::kOff), io, "b", trace.description) >
        kTolerance);

  if (fs::exists(python())) {
    CHECK(run_python({trace}, folder.path()).exit_code == 0);
    trace.io = testdata("family/roberta-seqcls/io.npz");
    const auto wrong = run_python({trace}, folder.path());
    CHECK(wrong.exit_code == 1);
    CHECK_THAT(wrong.out, Contains("AssertionError") && Contains("mpnet-seqcls.sdpa.pt', 'a', 'logits', "));
  }
}

}  // namespace bertjit
