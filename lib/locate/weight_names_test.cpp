#include "locate/weight_names.h"

#include "testing/testing.h"

namespace bertjit {

namespace {

/// A module with a 4 x 4 `weight` in each submodule of `names`; where `tied`, the same one.
torch::jit::Module with_layers(const std::vector<std::string>& names, bool tied = false) {
  torch::jit::Module module("Net");
  const at::Tensor shared = at::ones({4, 4});
  for (const auto& name : names) {
    torch::jit::Module layer("Layer");
    layer.register_parameter("weight", tied ? shared : at::ones({4, 4}), /*is_buffer=*/false);
    module.register_module(name, layer);
  }
  return module;
}

torch::jit::Module wrapped(const torch::jit::Module& inner) {
  torch::jit::Module module("Wrapper");
  module.register_module("model", inner);
  return module;
}

}  // namespace

TEST_CASE("weight names: a weight is known by its memory, also transposed; nothing else is") {
  const torch::jit::Module module = with_layers({"query", "key"});
  const WeightNames names(module, {});
  const at::Tensor key = module.attr("key").toModule().attr("weight").toTensor();
  CHECK(names.of(key) == "key.weight");
  CHECK(names.of(key.t()) == "key.weight");
  CHECK(names.of(key.clone()) == "");
  CHECK(names.of(c10::IValue(3)) == "");

  const at::Tensor constant = at::ones({2});
  CHECK(WeightNames(module, {{"frozen.weight", constant}}).of(constant) == "frozen.weight");
}

TEST_CASE("weight names: a wrapper's prefix is told from the names, on either side") {
  const torch::jit::Module plain = with_layers({"query", "key"});
  const torch::jit::Module outer = wrapped(plain);
  const NameMatch in_wrapper(WeightNames(outer, {}), WeightNames(plain, {}));
  CHECK(in_wrapper.of_module("model.query.weight") == in_wrapper.of_reference("query.weight"));
  CHECK(in_wrapper.path_in_module("query") == "model.query");
  CHECK(in_wrapper.path_in_module("") == "model");

  const NameMatch in_reference(WeightNames(plain, {}), WeightNames(outer, {}));
  CHECK(in_reference.of_module("query.weight") == in_reference.of_reference("model.query.weight"));
  CHECK(in_reference.path_in_module("model.query") == "query");
}

TEST_CASE("weight names: weights that are tied on one side are one on both") {
  const torch::jit::Module tied = with_layers({"words", "decoder"}, /*tied=*/true);
  const torch::jit::Module copied = with_layers({"words", "decoder"});
  const NameMatch match(WeightNames(copied, {}), WeightNames(tied, {}));
  CHECK(match.of_module("decoder.weight") == match.of_reference("words.weight"));
  CHECK(match.of_module("words.weight") == match.of_reference("words.weight"));
}

TEST_CASE("weight names: paths lie within one another by whole names") {
  CHECK(is_within("encoder.layer.1", "encoder"));
  CHECK(is_within("encoder", ""));
  CHECK(!is_within("encoder.layer.10", "encoder.layer.1"));
  CHECK(common_path("encoder.layer.1.output", "encoder.layer.10") == "encoder.layer");
  CHECK(parent_path("pooler") == "");
}

}  // namespace bertjit
