// Traces with one place changed: the place is named; traces that are right, however written, are not accused.
//
// What is right is told by how the trace was made: by the network that it is compared with, then changed by hand.
#include <filesystem>

#include <torch/csrc/jit/passes/dead_code_elimination.h>
#include <torch/csrc/jit/passes/freeze_module.h>

#include "locate/locate_testing.h"

namespace bertjit {

using Catch::Matchers::Contains;
using testing::edit;
using testing::locate_in;
using testing::set_input;
using testing::testdata;
using testing::text_of;
using testing::tiny;
using testing::traced;

namespace {

/// Replaces a node of one input by another operator.
std::function<void(torch::jit::Node*)> become(c10::Symbol kind) {
  return [kind](torch::jit::Node* node) {
    torch::jit::Node* other = node->owningGraph()->insertNode(node->owningGraph()->create(kind, {node->input(0)}));
    node->output()->replaceAllUsesWith(other->output());
  };
}

/// Leaves a node out: what used its result uses its first input.
void skip(torch::jit::Node* node) {
  node->output()->replaceAllUsesWith(node->input(0));
}

/// Makes what the module at `path` is given its answer.
void leave_out(const torch::jit::Module& root, const std::string& path) {
  for (const auto& module : root.named_modules()) {
    if (module.name == path) {
      const auto graph = module.value.get_method("forward").graph();
      graph->eraseOutput(0);
      graph->registerOutput(graph->inputs().at(1));
      while (graph->nodes().begin() != graph->nodes().end()) {
        graph->nodes().rbegin()->destroy();
      }
    }
  }
}

bool has_node(const torch::jit::Graph& graph, c10::Symbol kind) {
  const auto nodes = graph.nodes();
  return std::any_of(nodes.begin(), nodes.end(), [kind](const torch::jit::Node* node) { return node->kind() == kind; });
}

torch::jit::Module saved_and_loaded(const torch::jit::Module& module) {
  std::string bytes;
  serialize_module(module, {"module", {}}, [&](std::span<const std::byte> part) {
    bytes.append(reinterpret_cast<const char*>(part.data()), part.size());
  });
  return load_module_from_bytes(bytes, "module.pt");
}

/// A trace of the tiny model `name`, with attention written out.
LoadedModule eager(const std::string& name) {
  return traced(testdata(name), AttentionKind::kEager);
}

/// Adds noise to a parameter of the trace alone.
void disturb(const LoadedModule& loaded, const std::string& name, double part) {
  for (const auto& parameter : loaded.module.named_parameters()) {
    if (parameter.name == name) {
      const at::Tensor tensor = parameter.value.detach();
      tensor.add_(at::arange(tensor.numel(), at::kFloat).sin().reshape(tensor.sizes()) * tensor.abs().mean() * part);
      return;
    }
  }
  FAIL(name + " is not in the trace");
}

/// The same trace with its linear layers in int8, one scale a tensor, as torch.ao.quantization.quantize_dynamic does.
void make_int8(const LoadedModule& loaded) {
  for (const auto& item : loaded.module.named_modules()) {
    torch::jit::Module module = item.value;
    const auto forward = module.find_method("forward");
    if (!forward || !module.hasattr("weight") || module.attr("weight").toTensor().dim() != 2) {
      continue;
    }
    const auto graph = forward->graph();
    for (torch::jit::Node* node : graph->nodes()) {
      if (node->kind() != c10::aten::linear) {
        continue;
      }
      const at::Tensor weight = module.attr("weight").toTensor().detach();
      const double scale = weight.abs().max().item<double>() / 127;
      const c10::IValue packed =
          testing::packed_int8(at::quantize_per_tensor(weight, scale, /*zero_point=*/0, at::kQInt8),
                               module.hasattr("bias") ? module.attr("bias").toTensor().detach() : at::Tensor());
      module.register_attribute("_packed_params", packed.type(), packed);
      const torch::jit::WithInsertPoint guard(node);
      torch::jit::Value* attribute = graph->insertGetAttr(graph->inputs()[0], "_packed_params");
      attribute->setType(packed.type());
      torch::jit::Value* result =
          graph->insert(c10::Symbol::fromQualString("quantized::linear_dynamic"), {node->input(0), attribute, false});
      node->output()->replaceAllUsesWith(result);
    }
    torch::jit::EliminateDeadCode(graph);
  }
}

/// The same trace as PyTorch 1 writes linear layers: a product with the transposed weight, then the bias in place.
void write_as_products(const LoadedModule& loaded) {
  for (const auto& item : loaded.module.named_modules()) {
    const auto forward = item.value.find_method("forward");
    if (!forward || !has_node(*forward->graph(), c10::aten::linear)) {
      continue;
    }
    edit(loaded.module, item.name, "aten::linear", [](torch::jit::Node* node) {
      torch::jit::Graph& graph = *node->owningGraph();
      torch::jit::Value* transposed = graph.insert(c10::aten::t, {node->input(1)});
      torch::jit::Value* product = graph.insert(c10::aten::matmul, {node->input(0), transposed});
      torch::jit::Value* sum = graph.insert(c10::aten::add_, {product, node->input(2)});
      node->output()->replaceAllUsesWith(sum);
    });
    torch::jit::EliminateDeadCode(forward->graph());
  }
}

/// One inlined function, weights as constants.
LoadedModule frozen(const LoadedModule& loaded) {
  torch::jit::Module module = loaded.module.copy();
  module.register_attribute("training", c10::BoolType::get(), false);
  return {torch::jit::freeze_module(module), std::nullopt};
}

}  // namespace

TEST_CASE("locate: one layer's other activation is named, with both operators") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "encoder.layer.1.intermediate", "aten::gelu", set_input(1, "tanh"));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "encoder.layer.1.intermediate");
  CHECK(location.op == "aten::gelu(approximate='tanh')");
  CHECK(location.expected_op == "aten::gelu(approximate='none')");
  CHECK(location.also.empty());
  CHECK(location.before.sqnr_db > 110);
  CHECK(location.after.sqnr_db < 100);
  CHECK(location.step_error > location.step_limit);
  CHECK_THAT(location.code_record, Contains("BertIntermediate") || Contains("code/__torch__/"));
}

TEST_CASE("locate: where every layer is wrong in one way, the first is named and the others are listed") {
  const LoadedModule loaded = traced(*tiny("tiny-bert", {{"hidden_act", "gelu_new"}}));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "encoder.layer.0.intermediate");
  CHECK(location.also == std::vector<std::string>{"encoder.layer.1.intermediate"});
}

TEST_CASE("locate: a normalisation with another eps is named, with both numbers") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "encoder.layer.0.output.LayerNorm", "aten::layer_norm", set_input(4, 1e-3));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "encoder.layer.0.output.LayerNorm");
  CHECK(location.op == "aten::layer_norm(eps=0.001)");
  CHECK(location.expected_op == "aten::layer_norm(eps=1e-12)");

  const LoadedModule everywhere = traced(*tiny("tiny-bert", {{"layer_norm_eps", 1e-5}}));
  CHECK(locate_in(everywhere, *tiny("tiny-bert")).module == "embeddings.LayerNorm");
}

TEST_CASE("locate: a changed weight is named by the layer that it belongs to") {
  const std::string layer = GENERATE("embeddings.word_embeddings", "encoder.layer.0.attention.self.query",
                                     "encoder.layer.1.attention.self.value", "encoder.layer.1.attention.output.dense",
                                     "encoder.layer.1.output.LayerNorm", "pooler.dense");
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  disturb(loaded, layer + ".weight", 0.01);
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == layer);
}

TEST_CASE("locate: position ids that begin elsewhere are named by the embeddings") {
  const LoadedModule loaded = traced(*tiny("family/roberta-mlm", {{"pad_token_id", 0}}));
  const Location location = locate_in(loaded, *tiny("family/roberta-mlm"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "roberta.embeddings");
}

TEST_CASE("locate: another operator in the place of the pooler's tanh is named, and what belongs there") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "pooler", "aten::tanh", become(c10::aten::sin));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "pooler");
  CHECK(location.op == "aten::sin");
  CHECK(location.expected_op == "aten::tanh");
}

TEST_CASE("locate: scores without their scale are named by the attention they belong to") {
  const LoadedModule loaded = eager("tiny-bert");
  edit(loaded.module, "encoder.layer.1.attention.self", "aten::div", skip);
  for (const AttentionKind kind : {AttentionKind::kEager, AttentionKind::kSdpa}) {
    ModelOptions options;
    options.attention = kind;
    const Location location = locate_in(loaded, *tiny("tiny-bert", {}, options));
    INFO(text_of(location));
    REQUIRE(location.found);
    CHECK(location.module == "encoder.layer.1.attention.self");
  }
}

TEST_CASE("locate: a residual that is left out is named by the module whose sum it was") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "encoder.layer.0.attention.output", "aten::add", skip);
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "encoder.layer.0.attention.output");
  CHECK(location.op == "");
  CHECK_THAT(location.expected_op, Contains("aten::add"));
}

TEST_CASE("locate: a layer that is left out is named, the last one too") {
  for (const std::string layer : {"encoder.layer.0", "encoder.layer.1"}) {
    const LoadedModule loaded = traced(testdata("tiny-bert"));
    leave_out(loaded.module, layer);
    const Location location = locate_in(loaded, *tiny("tiny-bert"));
    INFO(text_of(location));
    REQUIRE(location.found);
    CHECK(location.module == layer);
  }
}

TEST_CASE("locate: a head's activation that is left out is named by the head") {
  const LoadedModule loaded = traced(testdata("family/distilbert-seqcls"));
  edit(loaded.module, "", "aten::relu", skip);
  const Location location = locate_in(loaded, *tiny("family/distilbert-seqcls"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "pre_classifier");
  CHECK(location.expected_op == "aten::relu");
}

TEST_CASE("locate: a scale in the query projections is no fault, and hides none") {
  const LoadedModule loaded = eager("tiny-bert");
  for (const std::string layer : {"encoder.layer.0.", "encoder.layer.1."}) {
    edit(loaded.module, layer + "attention.self", "aten::div", set_input(1, 1.0));
    for (const auto& parameter : loaded.module.named_parameters()) {
      if (parameter.name.starts_with(layer + "attention.self.query.")) {
        parameter.value.detach().div_(std::sqrt(8.0));  // hidden size 32, 4 heads
      }
    }
  }
  CHECK(locate_in(loaded, *tiny("tiny-bert")).why_not == "the outputs agree");

  edit(loaded.module, "encoder.layer.1.intermediate", "aten::gelu", set_input(1, "tanh"));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  CHECK(location.module == "encoder.layer.1.intermediate");
}

TEST_CASE("locate: a file without modules has the paths of its weights") {
  LoadedModule loaded = traced(testdata("tiny-bert-seqcls"));
  edit(loaded.module, "bert.encoder.layer.1.intermediate", "aten::gelu", set_input(1, "tanh"));
  const LoadedModule flat = frozen(loaded);
  const Recognition known = recognise(flat, std::nullopt);
  REQUIRE(known.why_not == "");
  REQUIRE(!known.has_names);
  LocateOptions options;
  options.weights = known.weights;
  const Location location = locate_in(flat, *tiny("tiny-bert-seqcls"), options);
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "bert.encoder.layer.1.intermediate");
}

TEST_CASE("locate: linear layers that are written as products meet the network's") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  write_as_products(loaded);
  LocateOptions options;
  options.always_measure = true;
  const Location right = locate_in(loaded, *tiny("tiny-bert"), options);
  INFO(text_of(right));
  CHECK(right.why_not == "the outputs agree");
  CHECK(std::ranges::count(right.layers, "encoder.layer.1.output.dense", &LayerError::module) == 1);

  edit(loaded.module, "encoder.layer.1.intermediate", "aten::gelu", set_input(1, "tanh"));
  const Location wrong = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(wrong));
  CHECK(wrong.module == "encoder.layer.1.intermediate");
  disturb(loaded, "encoder.layer.0.attention.self.key.weight", 0.05);
  const Location first = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(first));
  CHECK(first.module == "encoder.layer.0.attention.self.key");
}

TEST_CASE("locate: within a wrapper paths are the file's") {
  const LoadedModule inner = traced(testdata("tiny-bert"));
  edit(inner.module, "encoder.layer.1.output", "aten::add", skip);
  torch::jit::Module wrapper("Wrapper");
  wrapper.register_module("model", inner.module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    return self.model.forward(input_ids, attention_mask, token_type_ids)
)");
  const Location location = locate_in({wrapper, std::nullopt}, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "model.encoder.layer.1.output");
}

TEST_CASE("locate: a wrapper that takes the rows one by one is compared on single rows") {
  const LoadedModule inner = traced(testdata("tiny-bert-seqcls"));
  edit(inner.module, "bert.encoder.layer.0.intermediate", "aten::gelu", set_input(1, "tanh"));
  torch::jit::Module wrapper("RowLoop");
  wrapper.register_module("model", inner.module);
  wrapper.define(R"(
def forward(self, input_ids, attention_mask, token_type_ids):
    outs: List[Tensor] = []
    for i in range(input_ids.size(0)):
        row = self.model.forward(input_ids[i : i + 1], attention_mask[i : i + 1], token_type_ids[i : i + 1])
        outs.append(row[0])
    return torch.cat(outs)
)");
  const Location location = locate_in({wrapper, std::nullopt}, *tiny("tiny-bert-seqcls"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "model.bert.encoder.layer.0.intermediate");
}

TEST_CASE("locate: honest int8 and half precision are not accused") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  make_int8(loaded);
  const Location int8 = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(int8));
  CHECK(!int8.found);
  CHECK_THAT(int8.why_not, Contains("no single place"));
  for (const DType dtype : {DType::kFloat16, DType::kBFloat16}) {
    ModelOptions options;
    options.dtype = dtype;
    const Location half = locate_in(traced(*tiny("tiny-bert", {}, options)), *tiny("tiny-bert"));
    INFO(text_of(half));
    CHECK(!half.found);
  }
}

TEST_CASE("locate: in an int8 model an activation is found that is wrong by less than int8 is") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  make_int8(loaded);
  edit(loaded.module, "encoder.layer.1.intermediate", "aten::gelu", set_input(1, "tanh"));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.module == "encoder.layer.1.intermediate");
}

TEST_CASE("locate: in a float16 model a wrong operator is found") {
  ModelOptions options;
  options.dtype = DType::kFloat16;
  const LoadedModule loaded = traced(*tiny("tiny-bert", {}, options));
  edit(loaded.module, "encoder.layer.0.output", "aten::add", skip);
  CHECK(locate_in(loaded, *tiny("tiny-bert")).module == "encoder.layer.0.output");
}

TEST_CASE("locate: nothing is found in a right trace of any tiny network, however its attention is written") {
  std::vector<std::string> names = {"tiny-bert", "tiny-bert-mlm", "tiny-bert-seqcls", "tiny-bert-pretraining"};
  for (const auto& entry : std::filesystem::directory_iterator(testdata("family"))) {
    names.push_back("family/" + entry.path().filename().string());
  }
  for (const auto& name : names) {
    const auto network = tiny(name);
    if (network->description().inputs[0].rank != 2 || name.find("marian") != std::string::npos) {
      continue;  // the example below is of [batch, length]
    }
    LocateOptions options;
    options.always_measure = true;
    const Location location = locate_in(eager(name), *network, options);
    INFO(name << "\n" << text_of(location));
    CHECK(!location.found);
    CHECK(location.why_not == "the outputs agree");
    CHECK(location.values_compared > 10);
    CHECK(location.step_error <= location.step_limit / 16);  // far from being blamed
  }
}

TEST_CASE("locate: in every tiny network a changed activation is found, in sdpa and in eager attention") {
  for (const auto& entry : std::filesystem::directory_iterator(testdata("family"))) {
    const std::string name = "family/" + entry.path().filename().string();
    const auto network = tiny(name);
    if (network->description().inputs[0].rank != 2 || name.find("marian") != std::string::npos) {
      continue;
    }
    const LoadedModule loaded = eager(name);
    std::string changed;
    for (const auto& module : loaded.module.named_modules()) {
      const auto method = module.value.find_method("forward");
      if (changed.empty() && method && has_node(*method->graph(), c10::aten::gelu)) {
        changed = module.name;
      }
    }
    if (changed.empty()) {
      continue;
    }
    edit(loaded.module, changed, "aten::gelu", set_input(1, "tanh"));
    const Location location = locate_in(loaded, *network);
    INFO(name << " " << changed << "\n" << text_of(location));
    CHECK((location.module == changed || location.why_not == "the outputs agree"));
  }
}

TEST_CASE("locate: of the reference no more values are held than the two orders differ by") {
  // Query, key and value are the only layers whose order may differ; besides them one value is under way.
  const LoadedModule loaded = traced(*tiny("tiny-bert", {{"hidden_act", "gelu_new"}}));
  const Location location = locate_in(loaded, *tiny("tiny-bert"));
  INFO(text_of(location));
  CHECK(location.values_compared > 30);
  CHECK(location.most_held >= 1);
  CHECK(location.most_held <= 4);
}

TEST_CASE("locate: a program's operator is named with its line") {
  torch::jit::Module expected("Expected");
  expected.define("def forward(self, x):\n  return torch.tanh(torch.sin(x) * 2) + 1\n");
  torch::jit::Module written("Other");
  written.define("def forward(self, x):\n  return torch.tanh(torch.cos(x) * 2) + 1\n");
  const torch::jit::Module other = saved_and_loaded(written);
  RecordableModule reference({expected, std::nullopt}, "the program");
  const BoundBatch inputs{"test", {at::linspace(0, 1, 8)}, {"given"}};
  const Location location = locate(other, inputs, reference, inputs);
  INFO(text_of(location));
  REQUIRE(location.found);
  CHECK(location.op == "aten::cos");
  CHECK(location.expected_op == "aten::sin");
  CHECK_THAT(location.source_line, Contains("torch.cos(x)"));
}

TEST_CASE("locate: what does not run is a reason, not an error") {
  torch::jit::Module module("Module");
  module.define("def forward(self, x):\n  return torch.mm(x, x)\n");
  RecordableModule reference({module, std::nullopt}, "the program");
  const BoundBatch square{"test", {at::ones({2, 2})}, {"given"}};
  const BoundBatch oblong{"test", {at::ones({2, 3})}, {"given"}};
  const Location location = locate(module, oblong, reference, square);
  CHECK(!location.found);
  CHECK_THAT(location.why_not, Contains("mat1 and mat2"));
  CHECK(!location_evidence(location).empty());
}

TEST_CASE("locate: the evidence has the first divergence and a row for each value") {
  const LoadedModule loaded = traced(testdata("tiny-bert"));
  edit(loaded.module, "pooler", "aten::tanh", become(c10::aten::sin));
  const EvidenceFields fields = location_evidence(locate_in(loaded, *tiny("tiny-bert")));
  REQUIRE(fields.size() == 2);
  CHECK(fields[0].key == "first_divergence");
  CHECK(std::get<EvidenceFields>(fields[0].value)[0].key == "module");
  CHECK(fields[1].key == "layers");
  const auto& rows = std::get<EvidenceRows>(fields[1].value);
  REQUIRE(!rows.empty());
  std::vector<std::string> keys;
  for (const auto& field : rows[0]) {
    keys.push_back(field.key);
  }
  CHECK(keys == std::vector<std::string>{"module", "operator", "max_abs_error", "sqnr_db", "elements"});
}

}  // namespace bertjit
