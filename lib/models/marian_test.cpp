// What distinguishes MarianMT; that outputs are transformers' is tested by fixtures_test.cpp.
#include "models/marian.h"

#include <filesystem>
#include <fstream>
#include <functional>

#include <nlohmann/json.hpp>

#include "container/npz.h"
#include "container/safetensors.h"
#include "support/json.h"
#include "testing/error_of.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::error_of;
using testing::TempDir;
using testing::testdata;

namespace {

using Change = std::function<void(nlohmann::json& config, std::map<std::string, at::Tensor>& weights)>;

/// A copy of a tiny model with other settings or tensors.
fs::path changed_copy(const TempDir& temp, const fs::path& model, const Change& change) {
  nlohmann::json config = read_json_file(model / "config.json");
  const TensorFile file = read_safetensors(model / "model.safetensors");
  std::map<std::string, at::Tensor> weights;
  for (const auto& view : file.tensors) {
    weights[view.name] = tensor_from_view(view).clone();
  }
  change(config, weights);
  std::vector<Array> arrays;
  for (const auto& [name, tensor] : weights) {
    arrays.push_back(array_from_tensor(name, tensor));
  }
  std::vector<TensorView> views;
  for (auto& array : arrays) {
    views.push_back({array.name, array.dtype, array.shape, array.bytes});
  }
  write_safetensors(temp / "model.safetensors", views);
  std::ofstream(temp / "config.json") << config.dump();
  return temp.path();
}

std::unique_ptr<Model> open_model(const fs::path& directory) {
  return build_model(open_checkpoint(directory), ModelOptions{});
}

at::Tensor first_output(const Model& model, const std::vector<at::Tensor>& inputs) {
  const at::NoGradGuard no_grad;
  return model.forward(inputs).toTupleRef().elements()[0].toTensor();
}

std::vector<at::Tensor> example() {
  return {at::tensor({5, 9, 3, 7}, at::kLong).unsqueeze(0), at::tensor({1, 1, 1, 0}, at::kLong).unsqueeze(0),
          at::tensor({60, 4, 8}, at::kLong).unsqueeze(0)};
}

std::string refusal(const Change& change, ErrorKind kind) {
  const TempDir temp;
  const Error error = error_of([&] { open_model(changed_copy(temp, testdata("family/marian-mt"), change)); });
  CHECK(error.kind() == kind);
  return error.what();
}

}  // namespace

TEST_CASE("marian: positions are sines of all frequencies, then their cosines") {
  // Vaswani et al. 2017, section 3.5, in the order of MarianSinusoidalPositionalEmbedding.
  const at::Tensor table = sinusoidal_positions(3, 4);
  CHECK(at::allclose(table[0], at::tensor({0.0F, 0.0F, 1.0F, 1.0F})));
  CHECK(at::allclose(table[1], at::tensor({0.841470985F, 0.00999983333F, 0.540302306F, 0.99995F})));
  CHECK(at::allclose(table[2], at::tensor({0.909297427F, 0.0199986667F, -0.416146837F, 0.999800007F})));
  // An odd size has one sine more.
  const at::Tensor odd = sinusoidal_positions(1, 3);
  CHECK(at::equal(odd[0], at::tensor({0.0F, 0.0F, 1.0F})));
}

TEST_CASE("marian: the positions that transformers saves are those computed here, bit for bit") {
  const TensorFile file = read_safetensors(testdata("family/marian/model.safetensors"));
  for (const char* name : {"encoder.embed_positions.weight", "decoder.embed_positions.weight"}) {
    const TensorView* saved = file.find(name);
    REQUIRE(saved != nullptr);
    CHECK(at::equal(tensor_from_view(*saved), sinusoidal_positions(32, 8)));
  }
}

TEST_CASE("marian: a file's own positions are used") {
  const TempDir temp;
  const auto usual = first_output(*open_model(testdata("family/marian")), example());
  const auto changed = changed_copy(temp, testdata("family/marian"), [](auto&, auto& weights) {
    weights["decoder.embed_positions.weight"][1].fill_(0.25);
  });
  const auto other = first_output(*open_model(changed), example());
  CHECK(at::equal(usual[0][0], other[0][0]));
  CHECK_FALSE(at::allclose(usual[0][1], other[0][1]));
}

TEST_CASE("marian: outputs have transformers' names, in the order of its tuple") {
  // Seq2SeqModelOutput (modeling_outputs.py) without past_key_values; two layers a stack.
  CHECK(open_model(testdata("family/marian-mt"))->description().outputs ==
        std::vector<std::string>{"logits", "encoder_last_hidden_state"});
  ModelOptions options;
  options.output_hidden_states = true;
  options.output_attentions = true;
  const auto model = build_model(open_checkpoint(testdata("family/marian-mt")), options);
  CHECK(model->description().outputs ==
        std::vector<std::string>{"logits", "decoder_hidden_states.0", "decoder_hidden_states.1",
                                 "decoder_hidden_states.2", "decoder_attentions.0", "decoder_attentions.1",
                                 "cross_attentions.0", "cross_attentions.1", "encoder_last_hidden_state",
                                 "encoder_hidden_states.0", "encoder_hidden_states.1", "encoder_hidden_states.2",
                                 "encoder_attentions.0", "encoder_attentions.1"});
  CHECK(model->description().attention == AttentionKind::kEager);
}

TEST_CASE("marian: inputs are ids, mask, and the decoder's ids, which have a length of their own") {
  const auto model = open_model(testdata("family/marian-mt"));
  const auto& inputs = model->description().inputs;
  REQUIRE(inputs.size() == 3);
  CHECK(inputs[0].name == "input_ids");
  CHECK(inputs[1].name == "attention_mask");
  CHECK(inputs[1].missing == InputDefault::kOnes);
  CHECK(inputs[2].name == "decoder_input_ids");
  CHECK(inputs[2].missing == InputDefault::kRequired);
  CHECK(inputs[2].sequence == InputSequence::kDecoder);
  CHECK(inputs[2].limit == 61);
  CHECK(model->description().decoder_start_token_id == 60);
  CHECK(first_output(*model, example()).sizes() == at::IntArrayRef({1, 3, 61}));
}

TEST_CASE("marian: a target token sees those before it and the source that is not masked, nothing else") {
  const auto model = open_model(testdata("family/marian-mt"));
  const auto inputs = example();
  const at::Tensor scores = first_output(*model, inputs);
  auto later = inputs;
  later[2] = at::tensor({60, 4, 30}, at::kLong).unsqueeze(0);
  CHECK(at::allclose(first_output(*model, later).slice(1, 0, 2), scores.slice(1, 0, 2)));
  CHECK_FALSE(at::allclose(first_output(*model, later), scores));
  auto earlier = inputs;
  earlier[2] = at::tensor({60, 30, 8}, at::kLong).unsqueeze(0);
  CHECK_FALSE(at::allclose(first_output(*model, earlier)[0][2], scores[0][2]));
  auto masked = inputs;
  masked[0] = at::tensor({5, 9, 3, 30}, at::kLong).unsqueeze(0);
  CHECK(at::allclose(first_output(*model, masked), scores));
  auto source = inputs;
  source[0] = at::tensor({5, 30, 3, 7}, at::kLong).unsqueeze(0);
  CHECK_FALSE(at::allclose(first_output(*model, source)[0][0], scores[0][0]));
}

TEST_CASE("marian: positions and the bias of the logits are not learned, and the latter is a buffer") {
  const auto model = open_model(testdata("family/marian-mt"));
  size_t frozen = 0;
  for (const auto& parameter : model->module().named_parameters()) {
    CHECK(parameter.value.requires_grad() != parameter.name.ends_with("embed_positions.weight"));
    frozen += parameter.value.requires_grad() ? 0 : 1;
  }
  CHECK(frozen == 2);
  const auto buffers = model->module().named_buffers();
  REQUIRE(buffers.size() == 1);
  CHECK((*buffers.begin()).name == "final_logits_bias");
}

TEST_CASE("marian: what is not in the file is computed: zeros for the bias of the logits") {
  const TempDir temp;
  const auto changed = changed_copy(temp, testdata("family/marian-mt"),
                                    [](auto&, auto& weights) { weights.erase("final_logits_bias"); });
  const TensorFile file = read_safetensors(testdata("family/marian-mt/model.safetensors"));
  const at::Tensor bias = tensor_from_view(*file.find("final_logits_bias"));
  const at::Tensor with = first_output(*open_model(testdata("family/marian-mt")), example());
  const at::Tensor without = first_output(*open_model(changed), example());
  CHECK(at::allclose(without + bias, with));
  CHECK_FALSE(at::allclose(without, with));
}

TEST_CASE("marian: the shared embeddings are found under each of their names, and under several") {
  const auto rename_to = [](const std::vector<std::string>& names) {
    return [=](auto&, auto& weights) {
      const at::Tensor table = weights.at("model.shared.weight");
      weights.erase("model.shared.weight");
      for (const auto& name : names) {
        weights[name] = table;
      }
    };
  };
  const at::Tensor expected = first_output(*open_model(testdata("family/marian-mt")), example());
  const std::vector<std::vector<std::string>> spellings = {
      {"model.encoder.embed_tokens.weight"},
      {"model.decoder.embed_tokens.weight"},
      {"lm_head.weight"},
      {"model.shared.weight", "model.encoder.embed_tokens.weight", "model.decoder.embed_tokens.weight"}};
  for (const auto& names : spellings) {
    const TempDir temp;
    INFO(names.front());
    const auto model = open_model(changed_copy(temp, testdata("family/marian-mt"), rename_to(names)));
    CHECK(at::equal(first_output(*model, example()), expected));
    CHECK(model->description().unused_weights.empty());
  }
}

TEST_CASE("marian: shared embeddings that differ are refused") {
  CHECK_THAT(refusal(
                 [](auto&, auto& weights) {
                   weights["model.decoder.embed_tokens.weight"] = weights.at("model.shared.weight") + 1;
                 },
                 ErrorKind::kCorrupt),
             Equals("model.decoder.embed_tokens.weight differs from model.shared.weight, which "
                    "share_encoder_decoder_embeddings says are one table"));
}

TEST_CASE("marian: settings that are not supported or contradict one another are named") {
  CHECK_THAT(refusal([](auto& config, auto&) { config["tie_encoder_decoder"] = true; }, ErrorKind::kUnsupported),
             Contains("config.json: tie_encoder_decoder true is not supported"));
  CHECK_THAT(
      refusal(
          [](auto& config, auto&) {
            config["share_encoder_decoder_embeddings"] = false;
            config["decoder_vocab_size"] = 51;
          },
          ErrorKind::kUnsupported),
      Contains("decoder_vocab_size 51 with tie_word_embeddings true needs a vocab_size equal to it, which is 61"));
  CHECK_THAT(refusal([](auto& config, auto&) { config["decoder_attention_heads"] = 3; }, ErrorKind::kCorrupt),
             Contains("d_model 8 is not a multiple of decoder_attention_heads 3"));
  CHECK_THAT(refusal([](auto& config, auto&) { config["activation_function"] = "sigh"; }, ErrorKind::kUnsupported),
             Contains("sigh"));
}

TEST_CASE("marian: use_cache and the settings that transformers does not read change nothing") {
  const TempDir temp;
  const auto changed = changed_copy(temp, testdata("family/marian-mt"), [](auto& config, auto&) {
    config["use_cache"] = true;
    config["normalize_before"] = true;
    config["normalize_embedding"] = true;
    config["add_final_layer_norm"] = true;
    config["static_position_embeddings"] = true;
  });
  const auto model = open_model(changed);
  CHECK(model->description().outputs == std::vector<std::string>{"logits", "encoder_last_hidden_state"});
  CHECK(at::equal(first_output(*model, example()), first_output(*open_model(testdata("family/marian-mt")), example())));
}

}  // namespace bertjit
