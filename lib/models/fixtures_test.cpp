// Every architecture and head: eager outputs against those of transformers.
//
// Expected values: scripts/make_testdata.py (transformers 4.57.6, torch 2.13.0, attn_implementation="eager"), and the
// larger shared fixtures where they are present (transformers 5.23.0 and 4.57.6).
#include <algorithm>
#include <filesystem>
#include <map>

#include "checkpoint/checkpoint.h"
#include "checkpoint/weights.h"
#include "container/npz.h"
#include "models/model.h"
#include "testing/testing.h"

namespace bertjit {

namespace fs = std::filesystem;

namespace {

// float32 against float64 moves these outputs by up to 6e-6; a wrong layer_norm_eps already by 1.3e-5.
constexpr double kTolerance = 2e-5;

void flatten(const c10::IValue& value, std::vector<at::Tensor>& tensors) {
  if (value.isTensor()) {
    tensors.push_back(value.toTensor());
    return;
  }
  for (const auto& item : value.toTupleRef().elements()) {
    flatten(item, tensors);
  }
}

at::Tensor entry(const TensorFile& file, const std::string& name) {
  const TensorView* view = file.find(name);
  return view == nullptr ? at::Tensor() : tensor_from_view(*view);
}

/// Greatest difference over all outputs of one input set, eager.
double max_difference(const Model& model, const TensorFile& io, const std::string& set) {
  const at::Tensor ids = entry(io, set + ".input_ids");
  std::vector<at::Tensor> inputs;
  for (const auto& input : model.description().inputs) {
    const at::Tensor given = entry(io, set + "." + input.name);
    inputs.push_back(given.defined()                        ? given
                     : input.missing == InputDefault::kOnes ? at::ones_like(ids)
                                                            : at::zeros_like(ids));
  }
  at::NoGradGuard no_grad;
  std::vector<at::Tensor> outputs;
  flatten(model.forward(inputs), outputs);
  REQUIRE(outputs.size() == model.description().outputs.size());
  double worst = 0;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const at::Tensor expected = entry(io, set + ".out." + model.description().outputs[i]);
    REQUIRE(expected.defined());
    REQUIRE(expected.sizes() == outputs[i].sizes());
    worst = std::max(worst, (expected.to(at::kDouble) - outputs[i].to(at::kDouble)).abs().max().item<double>());
  }
  return worst;
}

void check_model(const fs::path& directory, const fs::path& golden) {
  INFO(directory.filename().string());
  const TensorFile io = read_npz(golden);
  const Config config = Config::read(directory / "config.json");
  const std::string head = config.architectures().at(0);
  if (std::none_of(registered_heads().begin(), registered_heads().end(), [&](const HeadEntry& entry) {
        return entry.model_type == config.model_type() && entry.head == head;
      })) {
    FAIL_CHECK(head + " is not supported");
    return;
  }
  for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
    ModelOptions options;
    options.attention = attention;
    const auto model = build_model(open_checkpoint(directory), options);
    for (const char* set : {"a", "b", "c"}) {
      INFO(directory.filename().string() << " set " << set << " " << attention_name(attention));
      CHECK(max_difference(*model, io, set) <= kTolerance);
    }
  }
}

}  // namespace

TEST_CASE("models: every tiny BERT gives transformers' outputs, sdpa and eager") {
  for (const char* name :
       {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    check_model(testing::testdata(name), testing::testdata(std::string("golden/") + name + ".npz"));
  }
}

namespace {

/// Checks every folder of `parent` that holds a model and what it answers. Returns how many there were.
int check_family(const fs::path& parent) {
  int checked = 0;
  for (const auto& folder : fs::directory_iterator(parent)) {
    if (fs::exists(folder.path() / "io.npz")) {
      check_model(folder.path(), folder.path() / "io.npz");
      ++checked;
    }
  }
  return checked;
}

}  // namespace

TEST_CASE("models: every architecture and head gives transformers' outputs, sdpa and eager") {
  CHECK(check_family(testing::testdata("family")) == 71);
}

TEST_CASE("models: every shared fixture gives transformers' outputs, sdpa and eager") {
  SKIP_WITHOUT_SHARED("fixtures");
  CHECK(check_family(testing::shared("fixtures")) >= 37);
}

}  // namespace bertjit
