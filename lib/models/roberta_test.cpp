// What RoBERTa and its kin do otherwise than BERT. Outputs are compared with transformers' in fixtures_test.cpp.
#include "models/roberta.h"

#include <algorithm>

#include "models/embeddings.h"
#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::error_of;
using testing::testdata;

namespace {

Checkpoint changed(const std::string& name, const nlohmann::json& changes) {
  nlohmann::json json = nlohmann::json::parse(testing::read_bytes(testdata("family/" + name + "/config.json")));
  json.update(changes);
  Checkpoint checkpoint = open_checkpoint(testdata("family/" + name));
  checkpoint.config = Config(json, "config.json");
  return checkpoint;
}

std::unique_ptr<Model> tiny(const std::string& name, const nlohmann::json& changes = nlohmann::json::object()) {
  return build_model(changed(name, changes), {});
}

at::Tensor run(const Model& model, const at::Tensor& ids) {
  const at::NoGradGuard no_grad;
  return model.forward({ids, at::ones_like(ids)}).toTupleRef().elements()[0].toTensor();
}

std::vector<std::string> input_names(const Model& model) {
  std::vector<std::string> names;
  for (const auto& input : model.description().inputs) {
    names.push_back(input.name);
  }
  return names;
}

at::Tensor ids() {
  return at::tensor({0, 7, 9, 3, 41, 2}, at::kLong).view({1, 6});
}

}  // namespace

TEST_CASE("roberta: positions count the tokens that are not padding, wherever padding stands") {
  // create_position_ids_from_input_ids of transformers 4.57.6, padding_idx 1.
  const at::Tensor tokens = at::tensor({1, 1, 5, 6, 1, 7, 4, 5, 6, 1, 1, 1, 1, 1, 1, 1, 1, 1}, at::kLong).view({3, 6});
  const at::Tensor expected =
      at::tensor({1, 1, 2, 3, 1, 4, 2, 3, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1}, at::kLong).view({3, 6});
  CHECK(at::equal(positions_after_padding(tokens, 1), expected));
  CHECK(at::equal(positions_after_padding(tokens.to(at::kInt), 1), expected));
  CHECK_FALSE(at::equal(positions_after_padding(tokens, 0), expected));
}

TEST_CASE("roberta: padding moves no other token's position") {
  const auto model = tiny("roberta-mlm");
  const at::Tensor pads = at::ones({1, 2}, at::kLong);
  const at::Tensor mask = at::cat({at::zeros_like(pads), at::ones_like(ids())}, 1);
  const at::NoGradGuard no_grad;
  const at::Tensor padded =
      model->forward({at::cat({pads, ids()}, 1), mask}).toTupleRef().elements()[0].toTensor().slice(1, 2);
  CHECK((padded - run(*model, ids())).abs().max().item<double>() < 1e-5);
}

TEST_CASE("roberta: segments are an input only where there are two") {
  using Names = std::vector<std::string>;
  CHECK(input_names(*tiny("roberta")) == Names{"input_ids", "attention_mask"});
  CHECK(input_names(*tiny("roberta-two-segments")) == Names{"input_ids", "attention_mask", "token_type_ids"});
  CHECK(tiny("roberta-two-segments")->description().inputs[2].missing == InputDefault::kZeros);
}

TEST_CASE("roberta: the longest text leaves out padding's own position and those below it") {
  CHECK(tiny("roberta")->description().max_positions == 32);  // 34 rows, padding is 1
  CHECK(tiny("roberta", {{"pad_token_id", 3}})->description().max_positions == 30);
}

TEST_CASE("roberta: without a padding token there are no positions, and that is said") {
  const Error error = error_of([&] { tiny("roberta", {{"pad_token_id", nullptr}}); });
  CHECK(error.kind() == ErrorKind::kCorrupt);
  CHECK_THAT(error.what(), Contains("config.json: pad_token_id is null; roberta counts positions from it"));
}

TEST_CASE("roberta: the causal head looks back only if is_decoder says so, as transformers has it") {
  const at::Tensor before = ids();
  at::Tensor after = before.clone();
  after[0][5] = 30;
  const auto first_token = [](const Model& model, const at::Tensor& tokens) { return run(model, tokens).select(1, 0); };
  const auto decoder = tiny("roberta-causal");
  CHECK(at::allclose(first_token(*decoder, before), first_token(*decoder, after), 0, 1e-6));
  const auto encoder = tiny("roberta-causal", {{"is_decoder", false}});
  CHECK_FALSE(at::allclose(first_token(*encoder, before), first_token(*encoder, after), 0, 1e-6));
}

TEST_CASE("roberta: a bias under the decoder's name is the language head's") {
  Checkpoint checkpoint = changed("roberta-mlm", nlohmann::json::object());
  for (auto& tensor : checkpoint.weights->tensors) {
    if (tensor.name == "lm_head.bias") {
      tensor.name = "lm_head.decoder.bias";
    }
  }
  const auto renamed = build_model(checkpoint, {});
  CHECK(at::equal(run(*renamed, ids()), run(*tiny("roberta-mlm"), ids())));
  CHECK(renamed->description().unused_weights.empty());
}

TEST_CASE("roberta: each of the three has every head under its own class names") {
  for (const std::string prefix : {"Roberta", "XLMRoberta", "Camembert"}) {
    for (const std::string head : {"Model", "ForMaskedLM", "ForCausalLM", "ForSequenceClassification",
                                   "ForMultipleChoice", "ForTokenClassification", "ForQuestionAnswering"}) {
      INFO(prefix << head);
      CHECK(std::count_if(registered_heads().begin(), registered_heads().end(),
                          [&](const HeadEntry& entry) { return entry.head == prefix + head; }) == 1);
    }
  }
}

}  // namespace bertjit
