// What distinguishes DistilBERT from BERT. Numbers of whole networks: fixtures_test.cpp.
//
// Source: transformers 4.57.6 `modeling_distilbert.py` and `configuration_distilbert.py`.
#include "models/distilbert.h"

#include "models/model_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::answer_of;
using testing::parameter_of;
using testing::refusal;
using testing::tiny;

namespace {

at::Tensor some_ids() {
  return at::arange(3, 17, at::kLong).reshape({2, 7});
}

}  // namespace

TEST_CASE("distilbert: takes no segments and has no pooler") {
  const auto model = tiny("family/distilbert-sinusoidal");
  REQUIRE(model->description().inputs.size() == 2);
  CHECK(model->description().inputs[0].name == "input_ids");
  CHECK(model->description().inputs[1].name == "attention_mask");
  CHECK(model->description().outputs == std::vector<std::string>{"last_hidden_state"});
}

TEST_CASE("distilbert: sizes are read by its own names and by BERT's, which win") {
  // attribute_map of DistilBertConfig; what is not a named argument is set afterwards.
  const std::string name = "family/distilbert-sinusoidal";
  const at::Tensor two = answer_of(*tiny(name), some_ids());
  const at::Tensor one = answer_of(*tiny(name, {{"n_heads", 1}}), some_ids());
  CHECK_FALSE(at::allclose(one, two));
  CHECK(at::equal(answer_of(*tiny(name, {{"num_attention_heads", 1}}), some_ids()), one));
  CHECK_THAT(refusal(name, {{"hidden_size", 9}}, ErrorKind::kCorrupt),
             Equals("config.json: the hidden size 9 is not a multiple of the number of attention heads 2"));
  CHECK_THAT(refusal(name, {{"num_hidden_layers", 3}}, ErrorKind::kCorrupt),
             Contains("transformer.layer.2.attention.q_lin.weight [8, 8]"));
}

TEST_CASE("distilbert: no field of the config changes LayerNorm's epsilon, 1e-12") {
  const std::string name = "family/distilbert-sinusoidal";
  CHECK(at::equal(answer_of(*tiny(name, {{"layer_norm_eps", 0.1}}), some_ids()), answer_of(*tiny(name), some_ids())));
}

TEST_CASE("distilbert: random weights hold sines and cosines where the config asks for them") {
  // Attention Is All You Need, section 3.5, with 8 columns: angles of position 1 are 1, 0.1, 0.01 and 0.001.
  const at::Tensor expected = at::tensor(
      {0.841470985, 0.540302306, 0.0998334166, 0.995004165, 0.00999983333, 0.999950000, 0.000999999833, 0.999999500},
      at::kDouble);
  ModelOptions options;
  options.random_seed = 1;
  const auto row_one = [&](bool sinusoidal) {
    const auto model = tiny("family/distilbert-sinusoidal", {{"sinusoidal_pos_embds", sinusoidal}}, options);
    return parameter_of(*model, "embeddings.position_embeddings.weight")[1].to(at::kDouble);
  };
  CHECK((row_one(true) - expected).abs().max().item<double>() < 1e-7);
  CHECK((row_one(false) - expected).abs().max().item<double>() > 0.1);
}

}  // namespace bertjit
