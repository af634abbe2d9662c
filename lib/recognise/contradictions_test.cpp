// Traces with one place changed: the change is reported where it is, and the network that is built is not changed.
#include "recognise/recognise_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::agreement;
using testing::arguments_for;
using testing::contradictions_of;
using testing::edit;
using testing::set_input;
using testing::testdata;
using testing::traced;

namespace {

/// What is found in a changed trace, which must not answer as the network that is built.
std::string found_in(LoadedModule& loaded, const std::string& field, const nlohmann::json& expected) {
  const Recognition recognition = recognise(loaded, std::nullopt);
  REQUIRE(recognition.why_not == "");
  if (!field.empty()) {
    CHECK(recognition.config.at(field) == expected);
  }
  CHECK(!(agreement(loaded, recognition, arguments_for(recognition)).max_abs_error <= 2e-5));
  return contradictions_of(recognition);
}

const std::string kLayer = "encoder.layer.1.";

}  // namespace

TEST_CASE("recognise: one layer with another activation is named, and the published one is built") {
  LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, kLayer + "intermediate", "aten::gelu", set_input(1, "tanh"));
  CHECK_THAT(found_in(loaded, "hidden_act", "gelu"),
             Contains("hidden_act @ encoder.layer.1.intermediate.dense: activation of gelu_pytorch_tanh -> gelu"));
}

TEST_CASE("recognise: one normalisation with another eps is named, and most places' is built") {
  LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, kLayer + "attention.output.LayerNorm", "aten::layer_norm", set_input(4, 0.5));
  CHECK_THAT(found_in(loaded, "layer_norm_eps", 1e-12),
             Contains("layer_norm_eps @ encoder.layer.1.attention.output.LayerNorm: layer_norm eps of 0.5 -> 1e-12, as "
                      "at 4 of 5 places"));
}

TEST_CASE("recognise: the eps that releases 2 and 3 gave the head's normalisation is built, and no fault") {
  LoadedModule loaded = traced(testdata("family/albert-mlm"));
  edit(loaded.module, "predictions.LayerNorm", "aten::layer_norm", set_input(4, 1e-5));
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK(contradictions_of(recognition) == "");
  CHECK(recognition.config.at("layer_norm_eps") == 1e-12);
  CHECK(recognition.config.at("lm_head_layer_norm_eps") == 1e-5);
  CHECK(agreement(loaded, recognition, arguments_for(recognition)).max_abs_error <= 2e-6);
}

TEST_CASE("recognise: one projection that is split into other heads is named") {
  LoadedModule loaded = traced(testdata("tiny-bert"), AttentionKind::kEager);
  edit(loaded.module, kLayer + "attention.self", "prim::ListConstruct", [](torch::jit::Node* node) {
    node->replaceInput(0, node->owningGraph()->insertConstant(8));
    node->replaceInput(1, node->owningGraph()->insertConstant(4));
  });
  CHECK_THAT(found_in(loaded, "num_attention_heads", 4),
             Contains("num_attention_heads @ encoder.layer.1.attention.self.query: heads split of 8 -> 4"));
}

TEST_CASE("recognise: one layer's scores with another scale are named") {
  LoadedModule loaded = traced(testdata("tiny-bert"), AttentionKind::kEager);
  edit(loaded.module, kLayer + "attention.self", "aten::div", set_input(1, 1.0));
  CHECK_THAT(found_in(loaded, "", {}), Contains("scale @ encoder.layer.1.attention.self.query: scores times 1.0"));
}

TEST_CASE("recognise: a scale that is in the query projections of every layer is no fault") {
  LoadedModule loaded = traced(testdata("tiny-bert"), AttentionKind::kEager);
  const double root = std::sqrt(8.0);  // hidden size 32, 4 heads
  for (const char* layer : {"encoder.layer.0.", "encoder.layer.1."}) {
    edit(loaded.module, std::string(layer) + "attention.self", "aten::div", set_input(1, 1.0));
  }
  for (const auto& parameter : loaded.module.named_parameters()) {
    if (parameter.name.find(".query.") != std::string::npos) {
      parameter.value.detach().div_(root);
    }
  }
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK(recognition.scale_is_in_queries);
  CHECK(contradictions_of(recognition) == "");
  CHECK(agreement(loaded, recognition, arguments_for(recognition)).max_abs_error <= 2e-5);
}

TEST_CASE("recognise: a pooler with another activation than tanh is named") {
  LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "pooler", "aten::tanh", [](torch::jit::Node* node) {
    torch::jit::Node* other =
        node->owningGraph()->insertNode(node->owningGraph()->create(c10::aten::sin, {node->input()}));
    node->output()->replaceAllUsesWith(other->output());
  });
  CHECK_THAT(found_in(loaded, "", {}),
             Contains("activation @ pooler.dense: unknown (sin) -> tanh, which is published"));
}

TEST_CASE("recognise: dropout that was recorded in training mode is named") {
  torch::jit::Module wrapper("Noise");
  wrapper.register_module("model", traced(testdata("tiny-bert-seqcls")).module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    return (torch.dropout(self.model.forward(input_ids, attention_mask, token_type_ids)[0], 0.5, True),)
)");
  const Recognition recognition = recognise({wrapper, std::nullopt}, std::nullopt);
  CHECK_THAT(contradictions_of(recognition), Contains("training @ "));
}

TEST_CASE("recognise: an argument that is not used, and one that is used as another, are named") {
  LoadedModule loaded = traced(testdata("tiny-bert"));
  const auto graph = loaded.module.get_method("forward").graph();
  graph->inputs()[2]->replaceAllUsesWith(graph->inputs()[1]);  // ids in the place of the mask
  const std::string found = found_in(loaded, "", {});
  CHECK_THAT(found, Contains("inputs @ : attention_mask is not used"));

  LoadedModule swapped = traced(testdata("tiny-bert"));
  const auto code = swapped.module.get_method("forward").graph();
  torch::jit::Value* mask = code->inputs()[2];
  torch::jit::Value* types = code->inputs()[3];
  const auto uses = types->uses();
  mask->replaceAllUsesWith(types);
  for (const auto& use : uses) {
    use.user->replaceInput(use.offset, mask);
  }
  const std::string names = found_in(swapped, "", {});
  CHECK_THAT(names, Contains("attention_mask is used as token_type_ids"));
  CHECK_THAT(names, Contains("token_type_ids is used as attention_mask"));
}

TEST_CASE("recognise: outputs in another order are named, and held to the published one") {
  LoadedModule loaded = traced(testdata("family/bert-qa"));
  const auto graph = loaded.module.get_method("forward").graph();
  torch::jit::Node* tuple = graph->outputs()[0]->node();
  torch::jit::Value* first = tuple->input(0);
  tuple->replaceInput(0, tuple->input(1));
  tuple->replaceInput(1, first);
  const std::string found = found_in(loaded, "", {});
  CHECK_THAT(found, Contains("outputs @ : output 1 is end_logits -> start_logits"));
}

TEST_CASE("recognise: claims that the file does not bear out are named") {
  Claims claims;
  claims.architecture = "roberta";
  claims.head = "BertForMaskedLM";
  claims.inputs = {"input_ids", "token_type_ids", "attention_mask"};
  const Recognition recognition = recognise(traced(testdata("tiny-bert")), claims);
  const std::string found = contradictions_of(recognition);
  CHECK(recognition.architecture == "bert");
  CHECK_THAT(found, Contains("model_type @ : claimed to be roberta -> bert"));
  CHECK_THAT(found, Contains("architectures @ : claimed to be BertForMaskedLM -> BertModel"));
  CHECK_THAT(found, Contains("argument 2 is called attention_mask -> token_type_ids, as claimed"));
}

TEST_CASE("recognise: a decoder that has drifted from its table is named, and the table is built") {
  LoadedModule loaded = traced(testdata("tiny-bert-mlm"));
  for (const auto& parameter : loaded.module.named_parameters()) {
    if (parameter.name == "cls.predictions.decoder.weight") {
      parameter.value.detach()[3].add_(1);
    }
  }
  CHECK_THAT(found_in(loaded, "tie_word_embeddings", true),
             Contains("tie_word_embeddings @ cls.predictions.decoder.weight"));
}

TEST_CASE("recognise: a weight of another dtype than the rest is named") {
  LoadedModule loaded = traced(testdata("tiny-bert"));
  for (const auto& module : loaded.module.named_modules()) {
    if (module.name == "pooler.dense") {
      torch::jit::Module dense = module.value;
      dense.setattr("weight", dense.attr("weight").toTensor().to(at::kHalf));
    }
  }
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK_THAT(contradictions_of(recognition), Contains("dtype @ pooler.dense.weight: Half -> Float"));
}

}  // namespace bertjit
