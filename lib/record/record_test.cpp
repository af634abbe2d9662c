// What a recording is: its shapes, its scopes, its bytes. What traces answer is in family_test.cpp.
#include "record/record.h"

#include <algorithm>

#include "compare/compare.h"
#include "compare/graphs.h"
#include "compare/outputs.h"
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

std::unique_ptr<Model> build(const fs::path& directory, AttentionKind attention = AttentionKind::kSdpa) {
  ModelOptions options;
  options.attention = attention;
  return build_model(open_checkpoint(directory), options);
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

TEST_CASE("record: saved and loaded again, the trace gives the same bits") {
  const TempDir folder;
  const auto model = build(testdata("tiny-bert-pretraining"));
  const Recording recording = record_model(*model, made(*model, {2, 7}).tensors(), {GradMode::kOn, Shapes::kDynamic});
  save_module(recording.module, folder / "traced.pt", {"traced", {}}, HashWhileWriting::kNo);
  // A checkpoint's weights are used where the file has them, at any multiple of 4 bytes; loaded ones lie at multiples
  // of 64, and matrix products round otherwise there. Same bits are promised for the same alignment: that of a copy.
  ModuleRunner copied({recording.module.deepcopy(), std::nullopt}, "the copy", &model->description());
  ModuleRunner loaded(load_module(folder / "traced.pt"), "the loaded trace", &model->description());
  for (const auto& shape : std::vector<std::vector<int64_t>>{{2, 7}, {3, 19}, {1, 1}}) {
    CHECK(same(loaded.run(made(*model, shape), GradMode::kOff), copied.run(made(*model, shape), GradMode::kOff)));
  }
}

TEST_CASE("record: traced at [1, 14] it answers at [8, 20] with the bits of one traced there, and of the network") {
  for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
    const auto first = build(testdata("tiny-bert"), attention);
    const auto second = build(testdata("tiny-bert"), attention);
    const BoundBatch large = made(*first, {8, 20});
    ModuleRunner small(
        {record_model(*first, made(*first, {1, 14}).tensors(), {GradMode::kOn, Shapes::kDynamic}).module, {}}, "small",
        &first->description());
    ModuleRunner there({record_model(*second, large.tensors(), {GradMode::kOn, Shapes::kDynamic}).module, {}}, "there",
                       &second->description());
    const c10::IValue answer = small.run(large, GradMode::kOff);
    CHECK(same(answer, there.run(large, GradMode::kOff)));
    CHECK(same(answer, EagerRunner(*first, "eager").run(large, GradMode::kOff)));
    CHECK(compare_graphs(canonical_graph(small.module()), canonical_graph(there.module())).matches);
  }
}

TEST_CASE("record: every submodule has a forward of its own under the checkpoint's name") {
  const auto model = build(testdata("tiny-bert-pretraining"));
  const Recording recording = record_model(*model, made(*model, {2, 5}).tensors(), {GradMode::kOn, Shapes::kDynamic});
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
  const Recording recording = record_model(*model, made(*model, {2, 5}).tensors(), {GradMode::kOn, Shapes::kDynamic});
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
    const Recording recording = record_model(*model, made(*model, {2, 5}).tensors(), {grad, Shapes::kDynamic});
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
  const auto recorded = record_model(*fixed, example.tensors(), {GradMode::kOn, Shapes::kFixed}).module;
  CHECK(count(recorded, "aten::size") == 0);
  CHECK(count(record_model(*dynamic, example.tensors(), {GradMode::kOn, Shapes::kDynamic}).module, "aten::size") > 0);

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
