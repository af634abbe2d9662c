#include "recognise/naming.h"

#include "recognise/recognise_testing.h"

namespace bertjit {

namespace {

/// A torch.ao.nn.quantized.dynamic.Linear as TorchScript stores it.
torch::jit::Module quantised_linear(const at::Tensor& weight, const at::Tensor& bias) {
  const c10::IValue packed =
      testing::packed_int8(at::quantize_per_tensor(weight, /*scale=*/0.25, /*zero_point=*/0, at::kQInt8), bias);
  torch::jit::Module parameters("LinearPackedParams");
  parameters.register_attribute("_packed_params", packed.type(), packed);
  torch::jit::Module linear("Linear");
  linear.register_module("_packed_params", parameters);
  return linear;
}

}  // namespace

TEST_CASE("recognise: weights of int8 layers are read as floats, under the names they had") {
  const at::Tensor weight = at::arange(8, at::kFloat).reshape({2, 4}) - 4;  // multiples of the scale
  const at::Tensor bias = at::arange(2, at::kFloat);
  torch::jit::Module module("Net");
  module.register_module("dense", quantised_linear(weight, bias));
  module.register_parameter("table", at::ones({2}), /*is_buffer=*/false);
  bool is_quantized = false;
  const auto tensors = stored_tensors(module, is_quantized);
  CHECK(is_quantized);
  REQUIRE(tensors.size() == 3);
  CHECK(tensors.at("dense.weight").equal(weight));
  CHECK(tensors.at("dense.bias").equal(bias));
}

TEST_CASE("recognise: class names are read with what they say of architecture and head") {
  CHECK(parse_class_name("XLMRobertaForTokenClassification")->model_type == "xlm-roberta");
  CHECK(parse_class_name("BertLMHeadModel")->kind == "ForCausalLM");
  CHECK(class_name_of("bert", "ForCausalLM") == "BertLMHeadModel");
  CHECK(class_name_of("distilbert", "ForCausalLM").empty());
  CHECK(!parse_class_name("BertLayer"));
  Claims claims;
  claims.architecture = "bert";
  claims.head = "qa";
  CHECK(class_of_claims(claims)->kind == "ForQuestionAnswering");
  claims.architecture = "gpt2";
  CHECK(!class_of_claims(claims));
}

}  // namespace bertjit
