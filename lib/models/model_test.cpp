// What a network says of itself, how it is found, and which mistakes the comparison with the fixtures would see.
#include "models/model.h"

#include <algorithm>
#include <set>
#include <sstream>

#include "container/npz.h"
#include "models/model_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using testing::config_of;
using testing::error_of;
using testing::refusal;
using testing::testdata;
using testing::tiny;

namespace {

using Names = std::vector<std::string>;

std::vector<at::Tensor> run(const Model& model) {
  const at::Tensor ids = at::arange(5, 27, at::kLong).reshape({2, 11});
  at::Tensor mask = at::ones({2, 11}, at::kLong);
  mask[1].slice(0, 7).zero_();
  const at::NoGradGuard no_grad;
  std::vector<at::Tensor> tensors;
  const c10::IValue outputs = model.forward({ids, mask, at::zeros_like(ids)});
  for (const auto& item : outputs.toTupleRef().elements()) {
    if (item.isTensor()) {
      tensors.push_back(item.toTensor());
    }
  }
  return tensors;
}

double difference(const Model& left, const Model& right) {
  const auto a = run(left);
  const auto b = run(right);
  REQUIRE(a.size() == b.size());
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    worst = std::max(worst, (a[i] - b[i]).abs().max().item<double>());
  }
  return worst;
}

std::map<std::string, at::Tensor> parameters(const Model& model) {
  std::map<std::string, at::Tensor> tensors;
  for (const auto& parameter : model.module().named_parameters()) {
    tensors.emplace(parameter.name, parameter.value);
  }
  return tensors;
}

}  // namespace

TEST_CASE("model: inputs, outputs and limits are those of transformers") {
  const auto model = tiny("tiny-bert");
  const ModelDescription& d = model->description();
  CHECK(d.architecture == "bert");
  CHECK(d.head == "BertModel");
  CHECK(d.max_positions == 64);
  REQUIRE(d.inputs.size() == 3);
  CHECK(d.inputs[0].name == "input_ids");
  CHECK(d.inputs[0].limit == 163);
  CHECK(d.inputs[1].name == "attention_mask");
  CHECK(d.inputs[1].missing == InputDefault::kOnes);
  CHECK(d.inputs[2].name == "token_type_ids");
  CHECK(d.inputs[2].limit == 2);
  CHECK(d.outputs == Names{"last_hidden_state", "pooler_output"});
  CHECK_FALSE(d.tie);
  CHECK(d.unused_weights.empty());
  CHECK(tiny("tiny-bert-nopool")->description().outputs == Names{"last_hidden_state"});
  CHECK(tiny("tiny-bert-seqcls")->description().outputs == Names{"logits"});
  const auto pretraining = tiny("tiny-bert-pretraining");
  CHECK(pretraining->description().outputs == Names{"prediction_logits", "seq_relationship_logits"});
  CHECK(pretraining->description().tie == Tie::kClone);
}

TEST_CASE("model: parameters have the checkpoint's names and require grad") {
  const auto model = tiny("tiny-bert");
  const auto ours = parameters(*model);
  const Checkpoint checkpoint = open_checkpoint(testdata("tiny-bert"));
  CHECK(ours.size() == checkpoint.weights->tensors.size());
  for (const auto& view : checkpoint.weights->tensors) {
    INFO(view.name);
    REQUIRE(ours.contains(view.name));
    CHECK(ours.at(view.name).requires_grad());
  }
}

TEST_CASE("model: an unknown model_type or head is refused with the known ones") {
  CHECK_THAT(refusal("tiny-bert", {{"model_type", "gpt2"}}, ErrorKind::kUnsupported),
             Contains("config.json: model_type 'gpt2' is not supported (supported: ") && Contains("bert"));
  CHECK_THAT(refusal("tiny-bert", {{"model_type", nullptr}}, ErrorKind::kUnsupported),
             Contains("config.json: has no model_type (supported: ") && Contains("bert"));
  const std::string head =
      refusal("tiny-bert", {{"architectures", {"BertGenerationEncoder"}}}, ErrorKind::kUnsupported);
  CHECK_THAT(head,
             Contains("config.json: head 'BertGenerationEncoder' of model_type 'bert' is not supported (supported: "));
  for (const char* known : {"BertModel", "BertForMaskedLM", "BertLMHeadModel", "BertForPreTraining",
                            "BertForNextSentencePrediction", "BertForSequenceClassification", "BertForMultipleChoice",
                            "BertForTokenClassification", "BertForQuestionAnswering"}) {
    CHECK_THAT(head, Contains(known));
  }
  ModelOptions options;
  options.head = "BertForNothing";
  CHECK_THAT(refusal("tiny-bert", {}, ErrorKind::kUnsupported, options), Contains("head 'BertForNothing'"));
}

TEST_CASE("model: docs/models.md names every head under its model_type, and no other") {
  const auto page = testing::read_bytes(testdata("../docs/models.md"));
  std::set<std::string> listed;
  std::istringstream lines(page);
  for (std::string line; std::getline(lines, line) && line != "## Inputs";) {
    std::vector<std::string> names;  // between backticks
    for (size_t begin = line.find('`'); begin != std::string::npos; begin = line.find('`', begin + 1)) {
      const size_t end = line.find('`', begin + 1);
      REQUIRE(end != std::string::npos);
      names.push_back(line.substr(begin + 1, end - begin - 1));
      begin = end;
    }
    for (size_t i = 1; line.starts_with("| `") && !line.starts_with("| `model_type`") && i < names.size(); ++i) {
      listed.insert(names[0] + " " + names[i]);
    }
  }
  std::set<std::string> registered;
  for (const auto& entry : registered_heads()) {
    registered.insert(entry.model_type + " " + entry.head);
  }
  CHECK(listed == registered);
}

TEST_CASE("model: fields that make no network are refused by name") {
  CHECK_THAT(refusal("tiny-bert", {{"hidden_act", "prelu"}}, ErrorKind::kUnsupported),
             Contains("config.json: activation 'prelu' is not supported (supported: gelu, gelu_10, "));
  CHECK_THAT(refusal("tiny-bert", {{"num_attention_heads", 5}}, ErrorKind::kCorrupt),
             Equals("config.json: the hidden size 32 is not a multiple of the number of attention heads 5"));
  CHECK_THAT(refusal("tiny-bert", {{"add_cross_attention", true}}, ErrorKind::kUnsupported),
             Contains("add_cross_attention true"));
  CHECK_THAT(refusal("tiny-bert", {{"pruned_heads", {{"0", {1}}}}}, ErrorKind::kUnsupported),
             Equals("config.json: pruned_heads is not supported (layers with fewer heads)"));
  CHECK(tiny("tiny-bert", {{"pruned_heads", nlohmann::json::object()}}) != nullptr);  // as old files have it
  CHECK_THAT(refusal("tiny-bert", {{"position_embedding_type", "rotary"}}, ErrorKind::kUnsupported),
             Contains("position_embedding_type 'rotary'"));
  CHECK_THAT(refusal("tiny-bert", {{"pad_token_id", 163}}, ErrorKind::kCorrupt),
             Equals("config.json: pad_token_id is 163, expected one below vocab_size 163"));
  CHECK_THAT(refusal("tiny-bert", {{"vocab_size", 164}}, ErrorKind::kCorrupt),
             Contains("embeddings.word_embeddings.weight is [163, 32], config.json says [164, 32]"));
}

TEST_CASE("model: a head of another class reads the same file, and lists what it does not use or lacks") {
  ModelOptions base;
  base.head = "BertModel";
  const auto body = tiny("tiny-bert-mlm", {}, base);
  CHECK(body->description().head == "BertModel");
  const auto& unused = body->description().unused_weights;
  CHECK(std::any_of(unused.begin(), unused.end(), [](const auto& n) { return n == "cls.predictions.bias"; }));
  ModelOptions classifier;
  classifier.head = "BertForSequenceClassification";
  CHECK_THAT(refusal("tiny-bert", {}, ErrorKind::kCorrupt, classifier), Contains("classifier.weight [2, 32]"));
}

TEST_CASE("model: a bare config.json needs a seed, and the seed decides every bit") {
  const Checkpoint bare{"", Config(config_of("tiny-bert"), "config.json"), std::nullopt};
  CHECK_THAT(error_of([&] { build_model(bare, {}); }).what(),
             Equals("config.json: has no weights beside it; use --init random --seed N"));
  ModelOptions options;
  options.random_seed = 5;
  const auto first = build_model(bare, options);
  CHECK(difference(*first, *build_model(bare, options)) == 0);
  options.random_seed = 6;
  CHECK(difference(*first, *build_model(bare, options)) > 1e-3);
  CHECK(parameters(*first).at("embeddings.word_embeddings.weight")[0].abs().max().item<double>() == 0);
}

TEST_CASE("model: rebuilt, it shares the parameters of the first under the same names") {
  for (const char* name : {"tiny-bert", "tiny-bert-nopool", "tiny-bert-seqcls", "tiny-bert-mlm"}) {
    INFO(name);
    ModelOptions options;
    options.tie = Tie::kShare;
    const auto model = tiny(name, {}, options);
    const auto again = rebuild_model(*model);
    const auto left = parameters(*model);
    const auto right = parameters(*again);
    REQUIRE(left.size() == right.size());
    for (const auto& [parameter, value] : left) {
      INFO(parameter);
      REQUIRE(right.contains(parameter));
      CHECK(right.at(parameter).const_data_ptr() == value.const_data_ptr());
    }
    CHECK(again->description().outputs == model->description().outputs);
    CHECK(again->module().type()->compilation_unit() != model->module().type()->compilation_unit());
    CHECK(again->module().type()->name()->qualifiedName() == model->module().type()->name()->qualifiedName());
    CHECK(difference(*model, *again) == 0);
  }
}

TEST_CASE("model: hidden states follow the outputs where the config asks for them") {
  const auto model = tiny("tiny-bert-seqcls", {{"output_hidden_states", true}});
  CHECK(model->description().outputs == Names{"logits", "hidden_states.0", "hidden_states.1", "hidden_states.2"});
  const at::Tensor ids = at::ones({1, 3}, at::kLong);
  const auto outputs = model->forward({ids, ids, at::zeros_like(ids)}).toTupleRef().elements().vec();
  REQUIRE(outputs.size() == 2);
  REQUIRE(outputs[1].isTuple());
  CHECK(outputs[1].toTupleRef().elements().size() == 3);
}

TEST_CASE("model: a tied decoder is a copy or the same memory, as asked, with equal answers") {
  ModelOptions clone, share;
  share.tie = Tie::kShare;
  const auto cloned = tiny("tiny-bert-mlm", {}, clone);
  const auto shared = tiny("tiny-bert-mlm", {}, share);
  CHECK(cloned->description().tie == Tie::kClone);
  CHECK(shared->description().tie == Tie::kShare);
  const auto pointers = [](const Model& model) {
    const auto all = parameters(model);
    return std::pair(all.at("bert.embeddings.word_embeddings.weight").const_data_ptr(),
                     all.at("cls.predictions.decoder.weight").const_data_ptr());
  };
  CHECK(pointers(*cloned).first != pointers(*cloned).second);
  CHECK(pointers(*shared).first == pointers(*shared).second);
  CHECK(difference(*cloned, *shared) == 0);
}

TEST_CASE("model: an untied decoder must be in the file") {
  CHECK_THAT(refusal("tiny-bert-mlm", {{"tie_word_embeddings", false}}, ErrorKind::kCorrupt),
             Contains("cls.predictions.decoder.weight [163, 32]"));
}

TEST_CASE("model: the number of labels is the number of names") {
  CHECK(run(*tiny("tiny-bert-seqcls"))[0].sizes() == at::IntArrayRef({2, 2}));
  CHECK_THAT(refusal("tiny-bert-seqcls", {{"id2label", {{"0", "a"}, {"1", "b"}, {"2", "c"}}}}, ErrorKind::kCorrupt),
             Contains("classifier.weight is [2, 32], config.json says [3, 32]"));
}

TEST_CASE("model: the fixtures' tolerance of 2e-5 sees a wrong activation, head count or epsilon") {
  const auto right = tiny("tiny-bert");
  CHECK(difference(*right, *tiny("tiny-bert")) == 0);
  for (const auto& [field, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"hidden_act", "gelu_new"},
                                                           {"hidden_act", "gelu_pytorch_tanh"},
                                                           {"hidden_act", "relu"},
                                                           {"num_attention_heads", 2}}) {
    const double moved = difference(*right, *tiny("tiny-bert", {{field, value}}));
    WARN(field << " = " << value << " instead of " << config_of("tiny-bert")[field] << " moves outputs by " << moved);
    CHECK(moved > 1e-4);
  }
  // The subtlest of all: the figure depends on how small the variances are that the epsilon is added to.
  const double epsilon = difference(*right, *tiny("tiny-bert", {{"layer_norm_eps", 1e-5}}));
  WARN("layer_norm_eps = 1e-5 instead of 1e-12 moves outputs by " << epsilon);
  CHECK(epsilon > 2e-5);
}

TEST_CASE("model: sdpa and eager attention agree within rounding") {
  ModelOptions eager;
  eager.attention = AttentionKind::kEager;
  for (const char* name : {"tiny-bert", "tiny-bert-mlm", "tiny-bert-seqcls"}) {
    CHECK(difference(*tiny(name), *tiny(name, {}, eager)) < 6e-6);
  }
}

}  // namespace bertjit
