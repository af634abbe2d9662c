// What distinguishes ALBERT from BERT. Numbers of whole networks: fixtures_test.cpp.
//
// Source: transformers 4.57.6 `modeling_albert.py`: AlbertTransformer, AlbertLayerGroup, AlbertSOPHead.
#include "models/albert.h"

#include "models/model_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::answer_of;
using testing::refusal;
using testing::tiny;

namespace {

/// hidden_states of family/albert-groups (2 groups) for some ids.
std::vector<at::Tensor> hidden_states(const nlohmann::json& changes) {
  ModelOptions options;
  options.output_hidden_states = true;
  const auto model = tiny("family/albert-groups", changes, options);
  const at::Tensor ids = at::arange(3, 17, at::kLong).reshape({2, 7});
  const at::NoGradGuard no_grad;
  const auto outputs = model->forward({ids, at::ones_like(ids), at::zeros_like(ids)});
  std::vector<at::Tensor> states;
  for (const auto& state : outputs.toTupleRef().elements()[2].toTupleRef().elements()) {
    states.push_back(state.toTensor());
  }
  return states;
}

}  // namespace

TEST_CASE("albert: layers of one group are one set of parameters") {
  const auto count = [](int layers) {
    return tiny("family/albert", {{"num_hidden_layers", layers}})->module().parameters().size();
  };
  CHECK(count(1) == count(5));
  const at::Tensor ids = at::arange(3, 10, at::kLong).reshape({1, 7});
  CHECK_FALSE(at::allclose(answer_of(*tiny("family/albert", {{"num_hidden_layers", 1}}), ids),
                           answer_of(*tiny("family/albert", {{"num_hidden_layers", 5}}), ids)));
}

TEST_CASE("albert: 3 layers in 2 groups are 2 of the first and 1 of the second") {
  // 4 in 2, which the fixture's numbers prove, are 2 and 2: they begin with the same three.
  const auto three = hidden_states({{"num_hidden_layers", 3}});
  const auto four = hidden_states({{"num_hidden_layers", 4}});
  const auto two = hidden_states({{"num_hidden_layers", 2}});  // one of each
  REQUIRE(three.size() == 4);
  REQUIRE(four.size() == 5);
  for (size_t i = 0; i < three.size(); ++i) {
    CHECK(at::equal(three[i], four[i]));
  }
  CHECK(at::equal(three[1], two[1]));
  CHECK_FALSE(at::allclose(three[2], two[2]));
}

TEST_CASE("albert: hidden states are one a group, attentions one a layer in it") {
  const std::vector<std::string> expected = {"last_hidden_state", "pooler_output",   "hidden_states.0",
                                             "hidden_states.1",   "hidden_states.2", "attentions.0",
                                             "attentions.1",      "attentions.2",    "attentions.3"};
  CHECK(tiny("family/albert-inner-groups")->description().outputs == expected);  // 2 layers, 2 inner ones each
}

TEST_CASE("albert: the sentence-order score has as many labels as the config") {
  CHECK_THAT(refusal("family/albert-pretraining", {{"num_labels", 3}}, ErrorKind::kCorrupt),
             Contains("sop_classifier.classifier.weight is [2, 8], config.json says [3, 8]"));
}

TEST_CASE("albert: is_decoder makes no decoder of it") {
  const at::Tensor ids = at::arange(3, 10, at::kLong).reshape({1, 7});
  CHECK(at::equal(answer_of(*tiny("family/albert", {{"is_decoder", true}}), ids),
                  answer_of(*tiny("family/albert"), ids)));
}

TEST_CASE("albert: more groups than layers are refused") {
  CHECK_THAT(refusal("family/albert", {{"num_hidden_groups", 4}}, ErrorKind::kUnsupported),
             Equals("config.json: num_hidden_groups 4 is more than num_hidden_layers 3"));
}

}  // namespace bertjit
