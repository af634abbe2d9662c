// What traces are told to be, and networks built anew from them, against the checkpoints they were made of.
//
// Expected values: config.json of testdata/ (made by scripts/make_testdata.py with transformers 4.57.6) for fields, the
// traces' own answers for outputs; two correct float32 implementations differ by up to 6e-6 there.
#include "recognise/recognise.h"

#include <filesystem>
#include <set>

#include "container/npz.h"
#include "recognise/recognise_testing.h"
#include "support/error.h"

namespace bertjit {

namespace fs = std::filesystem;

using Catch::Matchers::Contains;
using testing::agreement;
using testing::arguments_for;
using testing::contradictions_of;
using testing::testdata;
using testing::traced;

namespace {

constexpr double kTolerance = 2e-5;

/// Fields that the network reads, or that say what it is, and that a trace need not show.
const std::set<std::string> kUntold = {"architectures", "dtype", "pad_token_id", "max_position_embeddings",
                                       "max_relative_positions"};

/// Whether both name one function: a trace has the operators, not the name.
bool same_value(const std::string& field, const nlohmann::json& found, const nlohmann::json& expected) {
  if (field == "pos_att_type") {
    return std::set<std::string>(found.begin(), found.end()) == std::set<std::string>(expected.begin(), expected.end());
  }
  if (found.is_number() && expected.is_number()) {
    return found.get<double>() == expected.get<double>();
  }
  return found == expected || (expected == "swish" && found == "silu");
}

void check_fields(const Recognition& recognition, const Config& config, const nlohmann::json& published) {
  CHECK(recognition.architecture == config.model_type());
  CHECK(recognition.head == config.architectures().at(0));
  for (const auto& field : recognition.fields) {
    INFO(field.name << " = " << field.value << " by " << known_from_name(field.known) << ", " << field.where);
    CHECK((field.where.empty() == (field.known == KnownFrom::kDefault)));
    if (published.contains(field.name) && !kUntold.contains(field.name)) {
      CHECK(same_value(field.name, field.value, published.at(field.name)));
    }
  }
}

bool is_encoder(const fs::path& directory) {
  return Config::read(directory / "config.json").model_type() != "marian";
}

void check_folder(const fs::path& directory, AttentionKind attention) {
  INFO(directory.filename().string() << " " << attention_name(attention));
  LoadedModule loaded = traced(directory, attention);
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK(recognition.why_not == "");
  if (!recognition.recognised()) {
    return;
  }
  check_fields(recognition, Config::read(directory / "config.json"),
               nlohmann::json::parse(testing::read_bytes(directory / "config.json")));
  CHECK(contradictions_of(recognition) == "");
  CHECK(recognition.root == "");
  const auto result = agreement(loaded, recognition, arguments_for(recognition));
  CHECK(result.compared == result.outputs);
  CHECK(result.max_abs_error <= kTolerance);
}

int check_all(const fs::path& parent) {
  int checked = 0;
  for (const auto& folder : fs::directory_iterator(parent)) {
    if (fs::exists(folder.path() / "io.npz") && is_encoder(folder.path())) {
      for (const auto attention : {AttentionKind::kSdpa, AttentionKind::kEager}) {
        check_folder(folder.path(), attention);
      }
      ++checked;
    }
  }
  return checked;
}

}  // namespace

TEST_CASE("recognise: a trace of every architecture and head is told and built anew, sdpa and eager") {
  CHECK(check_all(testdata("family")) == 68);
}

TEST_CASE("recognise: a trace of every shared fixture is told and built anew, sdpa and eager") {
  SKIP_WITHOUT_SHARED("fixtures");
  CHECK(check_all(testing::shared("fixtures")) >= 36);
}

TEST_CASE("recognise: each field says where it is from") {
  const Recognition recognition = recognise(traced(testdata("tiny-bert"), AttentionKind::kEager), std::nullopt);
  const auto field = [&](const std::string& name) {
    const auto it = std::ranges::find(recognition.fields, name, &RecognisedField::name);
    REQUIRE(it != recognition.fields.end());
    return std::string(known_from_name(it->known)) + ": " + it->where;
  };
  CHECK(field("model_type") == "names: class");
  CHECK(field("vocab_size") == "shapes: embeddings.word_embeddings.weight");
  CHECK(field("num_hidden_layers") == "names: encoder.layer.*");
  CHECK(field("num_attention_heads") == "code: heads split at encoder.layer.0.attention.self.query");
  CHECK(field("layer_norm_eps") == "code: layer_norm eps at embeddings.LayerNorm");
  CHECK(field("hidden_act") == "code: activation at encoder.layer.0.intermediate.dense");
  CHECK(field("pad_token_id") == "default: ");
  CHECK(recognition.attention == AttentionKind::kEager);
  CHECK(recognition.mask_fill == -3.4028234663852886e+38);
  CHECK(recognition.dtype == DType::kFloat32);
}

TEST_CASE("recognise: inputs and outputs are those of the trace, in its order") {
  const Recognition recognition = recognise(traced(testdata("tiny-bert-pretraining")), std::nullopt);
  REQUIRE(recognition.inputs.size() == 3);
  CHECK(recognition.inputs[1].meaning == "attention_mask");
  CHECK(recognition.inputs[1].uses == std::vector<std::string>{"attention"});
  CHECK(recognition.inputs[2].uses == std::vector<std::string>{"token_type_embeddings"});
  CHECK(recognition.outputs == std::vector<std::string>{"prediction_logits", "seq_relationship_logits"});
}

TEST_CASE("recognise: a half-precision trace is told and built in its own dtype") {
  ModelOptions options;
  options.dtype = DType::kBFloat16;
  LoadedModule loaded = traced(*build_model(open_checkpoint(testdata("tiny-bert")), options));
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK(recognition.dtype == DType::kBFloat16);
  const auto result = agreement(loaded, recognition, arguments_for(recognition));
  CHECK(result.compared == 2);
  CHECK(result.max_abs_error == 0);
  // The same weights in float32 are another, finer answer.
  CHECK(rebuild(recognition, {std::nullopt, DType::kFloat32})->module().is_training() == false);
}

TEST_CASE("recognise: a network inside another module is found, its arguments by what the code does with them") {
  LoadedModule inner = traced(testdata("tiny-bert-seqcls"));
  torch::jit::Module wrapper("Service");
  wrapper.register_module("model", inner.module);
  wrapper.define(R"(
def forward(self, segments, tokens, valid):
    return self.model.forward(tokens, valid, segments)
)");
  LoadedModule loaded{wrapper, std::nullopt};
  const Recognition recognition = recognise(loaded, std::nullopt);
  CHECK(recognition.why_not == "");
  CHECK(recognition.root == "model.");
  CHECK(recognition.head == "BertForSequenceClassification");
  REQUIRE(recognition.inputs.size() == 3);
  CHECK(recognition.inputs[0].argument == "segments");
  CHECK(recognition.inputs[0].meaning == "token_type_ids");
  CHECK(recognition.inputs[0].known == KnownFrom::kCode);
  CHECK(recognition.inputs[1].meaning == "input_ids");
  CHECK(recognition.inputs[2].meaning == "attention_mask");
  const auto result = agreement(loaded, recognition, arguments_for(recognition));
  CHECK(result.compared == 1);
  CHECK(result.max_abs_error <= kTolerance);
}

TEST_CASE("recognise: a frozen trace, whose weights have no names, is told by where the code uses them") {
  for (const char* name : {"bert", "bert-qa", "bert-nsp", "bert-tokencls", "bert-relative-key", "albert-groups",
                           "albert-inner-groups", "albert-mlm", "distilbert-seqcls", "electra-mlm", "roberta-mlm",
                           "roberta-seqcls", "xlm-roberta", "mpnet-seqcls"}) {
    INFO(name);
    LoadedModule loaded = traced(testdata("family") / name, AttentionKind::kEager);
    loaded.module = torch::jit::freeze(loaded.module);
    REQUIRE(loaded.module.parameters().size() == 0);
    const Recognition recognition = recognise(loaded, std::nullopt);
    CHECK(recognition.why_not == "");
    if (!recognition.recognised()) {
      continue;
    }
    CHECK(!recognition.has_names);
    CHECK(contradictions_of(recognition) == "");
    const auto result = agreement(loaded, recognition, arguments_for(recognition));
    CHECK(result.compared == result.outputs);
    CHECK(result.max_abs_error <= kTolerance);
  }
}

TEST_CASE("recognise: what is no network of the family is a result that says why") {
  const auto why_not = [](const torch::jit::Module& module) {
    const Recognition recognition = recognise({module, std::nullopt}, std::nullopt);
    CHECK(!recognition.recognised());
    CHECK_THROWS_WITH(rebuild(recognition), Contains(recognition.why_not));
    return recognition.why_not;
  };
  torch::jit::Module linear("Net");
  linear.register_parameter("weight", at::ones({2, 2}), /*is_buffer=*/false);
  linear.define("def forward(self, x):\n  return torch.linear(x, self.weight)\n");
  CHECK(why_not(linear) ==
        "no parameter names of a known architecture: has weight, no embeddings.word_embeddings.weight");

  torch::jit::Module silent("Net");
  CHECK(why_not(silent) == "has no forward");

  torch::jit::Module both("Pair");
  both.register_module("a", traced(testdata("tiny-bert")).module);
  both.register_module("b", traced(testdata("tiny-bert")).module);
  both.define(
      "def forward(self, ids, mask, types):\n  return self.a.forward(ids, mask, types), self.b.forward(ids, mask, "
      "types)\n");
  CHECK(why_not(both) == "holds more than one network: word embeddings at 'a.' and 'b.'");

  CHECK_THAT(why_not(traced(testdata("family/marian-mt")).module), Contains("no embeddings.word_embeddings.weight"));
  const auto deberta = torch::jit::freeze(traced(testdata("family/deberta-v3")).module);
  CHECK_THAT(why_not(deberta), Contains("weights without names are not told apart in DeBERTa"));
}

TEST_CASE("recognise: code that is small as a file and endless when inlined is refused") {
  torch::jit::Module module("Net");
  module.define("def f0(self, x):\n  return x + 1\n");
  for (int i = 1; i <= 40; ++i) {
    const std::string before = "self.f" + std::to_string(i - 1);
    module.define("def f" + std::to_string(i) + "(self, x):\n  return " + before + "(" + before + "(x))\n");
  }
  module.define("def forward(self, x):\n  return self.f40(x)\n");
  CHECK_THAT(recognise({module, std::nullopt}, std::nullopt).why_not, Contains("more than 1000000 operators"));
}

TEST_CASE("recognise: every shared fault and clean file is told, and built anew where its container is sound") {
  SKIP_WITHOUT_SHARED("faults");
  // What the labels put into the code shows on the example inputs; what is in weights, or on other inputs, cannot.
  const std::set<std::string> differ = {"code_edited", "mask_ignored", "train_mode", "positional_trap",
                                        "roberta_positions"};
  const std::set<std::string> inexact = {"int8_honest", "half_honest"};
  int told = 0;
  for (const auto& folder : fs::directory_iterator(testing::shared("faults"))) {
    if (!fs::exists(folder.path() / "case.json")) {
      continue;
    }
    const auto label = nlohmann::json::parse(testing::read_bytes(folder.path() / "case.json"));
    const std::string kind = label.at("class");
    INFO(folder.path().filename().string() << " " << kind);
    if (kind == "record_corrupt") {
      CHECK_THROWS_AS(load_module(folder.path() / "model.pt"), Error);
      continue;
    }
    LoadedModule loaded = load_module(folder.path() / "model.pt");
    const auto claims = claims_from_json(label.at("claims").dump(), "claims");
    const Recognition recognition = recognise(loaded, claims);
    CHECK(recognition.why_not == "");
    CHECK(recognition.architecture == claims.architecture);
    if (label.at("verdict") == "clean") {
      CHECK(contradictions_of(recognition) == "");
    }
    at::manual_seed(1);
    const TensorFile inputs = read_npz(folder.path() / "inputs.npz");
    std::vector<at::Tensor> arguments;
    for (const auto& name : claims.inputs) {
      REQUIRE(inputs.find(name) != nullptr);
      arguments.push_back(tensor_from_view(*inputs.find(name)));
    }
    const auto result = agreement(loaded, recognition, arguments);
    CHECK(result.compared == result.outputs);
    if (differ.contains(kind)) {
      CHECK(!(result.max_abs_error <= 1e-4));
    } else if (inexact.contains(kind)) {
      CHECK(result.max_abs_error <= 0.1);
    }
    ++told;
  }
  CHECK(told >= 25);
}

}  // namespace bertjit
