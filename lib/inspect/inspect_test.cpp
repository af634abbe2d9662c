// What a module holds. Expected values are those the tests' own modules were made with; tools/bertjit/inspect_test.cpp
// holds the same answers beside Python's.
#include "inspect/inspect.h"

#include <algorithm>

#include <torch/csrc/jit/runtime/operator.h>

#include "inspect/sizes.h"
#include "inspect/subject.h"
#include "module/module_testing.h"
#include "testing/error_of.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

namespace jit = torch::jit;
using Catch::Matchers::Contains;
using testing::error_of;
using testing::kSoundForward;
using testing::scripted;
using testing::TempDir;

/// A method with defaults, a branch, a loop, a random operator and nested outputs; another one beside it.
constexpr const char* kRichCode = R"(
def forward(self, x, scale: float=2.0, name: Optional[str]=None, keep: bool=True):
    if keep:
        x = x + 1.5
    for i in range(3):
        x = x * torch.rand([1])
    return x, (x * scale, 3)
def twice(self, x):
    return torch.dropout(x, 0.5, self.training) * 2
)";

InspectResult inspect_module(const jit::Module& module, const InspectOptions& options) {
  return inspect_subject({"m.pt", module, std::nullopt, std::nullopt}, options);
}

ModuleSummary summary_of(const jit::Module& module, const std::string& method = "") {
  InspectOptions options;
  options.method = method;
  return *inspect_module(module, options).summary;
}

std::string refusal(const jit::Module& module, const InspectOptions& options) {
  const Error error = error_of([&] { inspect_module(module, options); });
  CHECK(error.kind() == ErrorKind::kInvalidArgument);
  return error.what();
}

std::vector<std::string> names_of(const std::vector<DescribedTensor>& tensors) {
  std::vector<std::string> names;
  for (const auto& tensor : tensors) {
    names.push_back(tensor.name);
  }
  return names;
}

int64_t count_of(const std::vector<NamedCount>& counts, const std::string& name) {
  const auto it =
      std::find_if(counts.begin(), counts.end(), [&](const NamedCount& entry) { return entry.name == name; });
  return it == counts.end() ? 0 : it->count;
}

uint64_t bytes_of(const SizeBreakdown& size, const std::string& group) {
  const auto it =
      std::find_if(size.groups.begin(), size.groups.end(), [&](const SizeGroup& entry) { return entry.name == group; });
  REQUIRE(it != size.groups.end());
  return it->size_bytes;
}

/// A decoder with a copy of the word table, and one that shares it.
jit::Module tied_module() {
  jit::Module module = scripted(kSoundForward);
  const at::Tensor table = module.attr("word_embeddings").toModule().attr("weight").toTensor();
  for (const auto& [name, weight] : {std::pair("cloned", table.detach().clone()), std::pair("shared", table)}) {
    jit::Module decoder("Decoder");
    decoder.register_parameter("weight", weight, /*is_buffer=*/false);
    module.register_module(name, decoder);
  }
  module.register_parameter("ones", at::ones({16, 4}), /*is_buffer=*/true);
  module.register_parameter("more_ones", at::ones({16, 4}), /*is_buffer=*/true);
  return module;
}

}  // namespace

TEST_CASE("inspect: the summary says class, weights, methods, inputs with defaults and outputs") {
  const ModuleSummary summary = summary_of(scripted(kRichCode));
  CHECK(summary.class_name == "Scripted");
  CHECK(summary.module_count == 2);
  CHECK(summary.parameter_count == 68);
  CHECK(summary.parameter_tensors == 2);
  CHECK(summary.buffer_tensors == 0);
  CHECK(summary.size_bytes == 272);
  CHECK(summary.methods == std::vector<std::string>{"forward", "twice"});
  CHECK(summary.method == "forward");
  REQUIRE(summary.inputs.size() == 4);
  CHECK(summary.inputs[0].name == "x");
  CHECK(summary.inputs[0].type == "Tensor");
  CHECK_FALSE(summary.inputs[0].default_value.has_value());
  CHECK(summary.inputs[1].default_value == "2.0");
  CHECK(summary.inputs[2].type == "Optional[str]");
  CHECK(summary.inputs[2].default_value == "None");
  CHECK(summary.inputs[3].default_value == "True");
  REQUIRE(summary.outputs.size() == 3);
  CHECK(summary.outputs[1].name == "1.0");
  CHECK(summary.outputs[2].type == "int");
}

TEST_CASE("inspect: the summary counts operators, branches and loops, and names random operators") {
  const ModuleSummary summary = summary_of(scripted(kRichCode));
  CHECK(count_of(summary.operators, "aten::mul") == 2);
  CHECK(count_of(summary.operators, "aten::rand") == 1);
  CHECK(count_of(summary.control, "prim::If") == 1);
  CHECK(count_of(summary.control, "prim::Loop") == 1);
  CHECK(count_of(summary.control, "prim::Constant") == 0);
  REQUIRE(summary.random.size() == 1);
  CHECK(summary.random[0].name == "aten::rand");
  CHECK(summary.quantized.empty());
}

TEST_CASE("inspect: dropout is random where the module's training flag is set, and only there") {
  jit::Module module = scripted(kRichCode);
  CHECK(summary_of(module, "twice").random.empty());
  CHECK(summary_of(module, "twice").training_modules.empty());
  module.train();
  const ModuleSummary summary = summary_of(module, "twice");
  REQUIRE(summary.random.size() == 1);
  CHECK(summary.random[0].name == "aten::dropout");
  CHECK(summary.training_modules == std::vector<std::string>{""});
  CHECK(summary_of(scripted("def forward(self, q):\n"
                            "    return torch.scaled_dot_product_attention(q, q, q)\n"))
            .random.empty());
  CHECK(summary_of(scripted("def forward(self, q):\n"
                            "    return torch.scaled_dot_product_attention(q, q, q, None, 0.5)\n"))
            .random.size() == 1);
}

TEST_CASE("inspect: outputs have the names that are claimed, for the whole and not for a part") {
  Claims claims;
  claims.outputs = {"logits"};
  const InspectSubject subject{"m.pt", scripted(kSoundForward), claims, std::nullopt};
  CHECK(inspect_subject(subject, {}).summary->outputs[0].name == "logits");
  InspectOptions part;
  part.submodule = "word_embeddings";
  const ModuleSummary summary = *inspect_subject(subject, part).summary;
  CHECK_FALSE(summary.claims.has_value());
  CHECK(summary.class_name == "Words");
  CHECK(summary.method.empty());
  CHECK(summary.parameter_count == 64);
}

TEST_CASE("inspect: a quantized operator is named") {
  const ModuleSummary summary = summary_of(
      scripted("def forward(self, x):\n    return torch.dequantize(torch.quantize_per_tensor(x, 0.1, 0, 13))\n"));
  CHECK(count_of(summary.operators, "aten::quantize_per_tensor") == 1);
  jit::Module module("Quantized");
  module.register_parameter("weight", at::quantize_per_tensor(at::ones({2, 2}), 0.5, 0, at::kQInt8), true);
  CHECK(summary_of(module).quantized == std::vector<std::string>{"weight is qint8"});
}

TEST_CASE("inspect: packed weights are listed, counted and measured with their dtype and scale") {
  const at::Tensor plain = at::arange(12, at::kFloat).reshape({3, 4});
  const at::Tensor rows =
      at::quantize_per_channel(plain, at::full({3}, 0.5, at::kDouble), at::zeros({3}, at::kLong), 0, at::kQInt8);
  jit::Module module("Net");
  for (const auto& [name, weight] :
       {std::pair("fc", at::quantize_per_tensor(plain, 0.25, 0, at::kQInt8)), std::pair("rows", rows)}) {
    jit::Stack stack{weight, at::ones({3})};
    const auto prepack = jit::getAllOperatorsFor(c10::Symbol::fromQualString("quantized::linear_prepack"));
    prepack.at(0)->getOperation()(stack);
    module.register_attribute(name, stack.at(0).type(), stack.at(0));
  }
  module.register_parameter("scale", at::ones({5}), false);

  const ModuleSummary summary = summary_of(module);
  CHECK(summary.parameter_count == 5 + 2 * (12 + 3));
  CHECK(summary.parameter_tensors == 5);
  CHECK(summary.size_bytes == 5 * 4 + 2 * (12 + 3 * 4));
  CHECK(summary.quantized.size() == 1);  // the class of both
  InspectOptions options;
  options.params = true;
  options.tree = true;
  const InspectResult result = inspect_module(module, options);
  const auto& params = *result.params;
  REQUIRE(names_of(params) == std::vector<std::string>{"scale", "fc.weight", "fc.bias", "rows.weight", "rows.bias"});
  CHECK(params[1].kind == DescribedTensor::Kind::kPacked);
  CHECK(params[1].dtype == "qint8");
  CHECK(params[1].shape == std::vector<int64_t>{3, 4});
  CHECK(params[1].size_bytes == 12);
  CHECK(params[1].scale == "scale 0.25, zero point 0");
  CHECK(params[2].dtype == "float32");
  CHECK(params[2].scale.empty());
  CHECK(params[3].scale == "3 scales along dimension 0");
  CHECK(result.tree->parameter_count == summary.parameter_count);
  CHECK(names_of(result.tree->tensors) == names_of(params));
}

TEST_CASE("inspect: a list of tensors is not packed weights") {
  const TempDir folder;
  jit::Module module = scripted("def forward(self, x):\n    return x\n");
  module.register_attribute("tables", c10::ListType::ofTensors(),
                            c10::List<at::Tensor>({at::arange(64, at::kFloat), at::arange(32, at::kFloat)}));
  InspectOptions options;
  options.path = testing::save(module, folder / "tables.pt");
  options.size = true;
  const SizeBreakdown size = *inspect(options).size;
  CHECK(bytes_of(size, "packed weights") == 0);
  CHECK(bytes_of(size, "other weights") == 16 + (64 + 32) * 4);
}

TEST_CASE("inspect: code and graph are those of the method that was named") {
  InspectOptions options;
  options.code = true;
  options.graph = true;
  const InspectResult result = inspect_module(scripted(kRichCode), options);
  CHECK_THAT(result.code->text, Catch::Matchers::StartsWith("def forward(self,\n    x: Tensor,\n    scale: float=2."));
  CHECK_THAT(result.graph->text, Contains("prim::Loop"));
  CHECK_FALSE(result.summary.has_value());
  options.method = "twice";
  const InspectResult other = inspect_module(scripted(kRichCode), options);
  CHECK(other.code->method == "twice");
  CHECK_THAT(other.graph->text, Contains("aten::dropout"));
}

TEST_CASE("inspect: a tensor in the code is listed with the code") {
  jit::Module module = scripted(kSoundForward);
  auto graph = std::make_shared<jit::Graph>();
  graph->addInput("self")->setType(module.type());
  graph->registerOutput(graph->insertConstant(at::zeros({2, 3}, at::kInt)));
  auto function =
      module.type()->compilation_unit()->create_function(c10::QualifiedName(*module.type()->name(), "constant"), graph);
  module.type()->addMethod(function);
  InspectOptions options;
  options.code = true;
  options.method = "constant";
  const CodeText code = *inspect_module(module, options).code;
  CHECK_THAT(code.text, Contains("CONSTANTS.c0"));
  REQUIRE(code.constants.size() == 1);
  CHECK(code.constants[0].name == "CONSTANTS.c0");
  CHECK(code.constants[0].shape == std::vector<int64_t>{2, 3});
  const ModuleSummary summary = summary_of(module, "constant");
  REQUIRE(summary.constants.size() == 1);
  CHECK(summary.constants[0].size_bytes == 24);
}

TEST_CASE("inspect: an unknown method or submodule is refused with those there are") {
  const jit::Module module = scripted(kRichCode);
  InspectOptions options;
  options.code = true;
  options.method = "backward";
  CHECK(refusal(module, options) == "m.pt: no method 'backward'; there are 'forward', 'twice'");
  options.method = "";
  options.submodule = "word_embeddings.x";
  CHECK(refusal(module, options) == "m.pt: no submodule 'x' in 'word_embeddings'; there is none");
  options.submodule = "words";
  CHECK(refusal(module, options) == "m.pt: no submodule 'words'; there are 'word_embeddings'");
  options.submodule = "word_embeddings";
  CHECK(refusal(module, options) == "m.pt: no method 'forward'; there is none");
  options.submodule = "word_embeddings.";
  CHECK_THAT(refusal(module, options), Contains("no submodule ''"));
}

TEST_CASE("inspect: an option that would be ignored is refused") {
  const jit::Module module = scripted(kSoundForward);
  InspectOptions inlined;
  inlined.inlined = true;
  CHECK_THAT(refusal(module, inlined), Contains("--inlined needs"));
  InspectOptions method;
  method.tree = true;
  method.method = "forward";
  CHECK_THAT(refusal(module, method), Contains("--method needs"));
  InspectOptions submodule;
  submodule.size = true;
  submodule.submodule = "word_embeddings";
  CHECK_THAT(refusal(module, submodule), Contains("--submodule needs"));
  InspectOptions records;
  records.records = true;
  CHECK_THAT(refusal(module, records), Contains("no archive"));
}

TEST_CASE("inspect: the tree has every module with its tensors, attributes and sizes") {
  jit::Module module = scripted(kSoundForward);
  module.register_attribute("names", c10::ListType::create(c10::StringType::get()),
                            c10::List<std::string>({"a", "b\n"}));
  InspectOptions options;
  options.tree = true;
  const DescribedModule tree = *inspect_module(module, options).tree;
  CHECK(tree.class_name == "Scripted");
  CHECK(tree.parameter_count == 68);
  CHECK(tree.training == false);
  CHECK(names_of(tree.tensors) == std::vector<std::string>{"scale"});
  REQUIRE(tree.attributes.size() == 1);
  CHECK(tree.attributes[0].type == "List[str]");
  CHECK(tree.attributes[0].value == R"(["a", "b\n"])");
  REQUIRE(tree.children.size() == 1);
  CHECK(tree.children[0].path == "word_embeddings");
  CHECK(tree.children[0].size_bytes == 256);
  CHECK(names_of(tree.children[0].tensors) == std::vector<std::string>{"word_embeddings.weight"});
}

TEST_CASE("inspect: parameters come in state_dict's order, and shared ones name the first") {
  InspectOptions options;
  options.params = true;
  const auto params = *inspect_module(tied_module(), options).params;
  CHECK(names_of(params) == std::vector<std::string>{"scale", "ones", "more_ones", "word_embeddings.weight",
                                                     "cloned.weight", "shared.weight"});
  CHECK(params[0].requires_grad);
  CHECK(params[1].kind == DescribedTensor::Kind::kBuffer);
  CHECK(params[3].dtype == "float32");
  CHECK(params[3].shape == std::vector<int64_t>{16, 4});
  CHECK(params[4].shares.empty());
  CHECK(params[5].shares == "word_embeddings.weight");
  CHECK(summary_of(tied_module()).parameter_count == 4 + 64 + 64);
}

TEST_CASE("inspect: a cloned tie is stored twice, a shared one is shared, tensors of one value are neither") {
  const SizeBreakdown size = measure_sizes(tied_module(), nullptr);
  REQUIRE(size.stored_twice.size() == 1);
  CHECK(size.stored_twice[0].names == std::vector<std::string>{"word_embeddings.weight", "cloned.weight"});
  CHECK(size.stored_twice[0].size_bytes == 256);
  REQUIRE(size.shared.size() == 1);
  CHECK(size.shared[0].names == std::vector<std::string>{"word_embeddings.weight", "shared.weight"});
  CHECK(size.total_bytes == 16 + 4 * 256);
  // One element that differs, and nothing is stored twice.
  jit::Module changed = tied_module();
  at::Tensor weight = changed.attr("cloned").toModule().attr("weight").toTensor();
  weight[15][3] += 1;
  CHECK(measure_sizes(changed, nullptr).stored_twice.empty());
}

TEST_CASE("inspect: names of the BERT family fall into their groups") {
  for (const auto& [name, group] :
       std::vector<std::pair<std::string, std::string>>{{"bert.embeddings.word_embeddings.weight", "embeddings"},
                                                        {"deberta.encoder.rel_embeddings.weight", "embeddings"},
                                                        {"model.shared.weight", "embeddings"},
                                                        {"model.encoder.embed_positions.weight", "embeddings"},
                                                        {"bert.encoder.layer.0.attention.self.query.weight", "encoder"},
                                                        {"distilbert.transformer.layer.0.ffn.lin1.weight", "encoder"},
                                                        {"model.encoder.layers.0.fc1.weight", "encoder"},
                                                        {"model.decoder.layers.0.fc1.weight", "decoder"},
                                                        {"pooler.dense.weight", "heads"},
                                                        {"cls.predictions.decoder.weight", "heads"},
                                                        {"lm_head.decoder.bias", "heads"},
                                                        {"classifier.weight", "heads"},
                                                        {"qa_outputs.bias", "heads"},
                                                        {"conv.weight", "other weights"}}) {
    INFO(name);
    CHECK(size_group(name) == group);
  }
}

TEST_CASE("inspect: the groups of a file add up to its size") {
  const TempDir folder;
  InspectOptions options;
  options.path = testing::save(tied_module(), folder / "tied.pt");
  options.size = true;
  const SizeBreakdown size = *inspect(options).size;
  CHECK(size.total_bytes == std::filesystem::file_size(options.path));
  uint64_t sum = 0;
  for (const auto& group : size.groups) {
    sum += group.size_bytes;
  }
  CHECK(sum == size.total_bytes);
  CHECK(bytes_of(size, "embeddings") == 256);
  CHECK(bytes_of(size, "other weights") == 16 + 3 * 256);
  CHECK(bytes_of(size, "packed weights") == 0);
  CHECK(bytes_of(size, "code") > 0);
  CHECK(size.shared.size() == 1);
}

TEST_CASE("inspect: a file's summary has what the archive and its claims say") {
  const TempDir folder;
  Claims claims;
  claims.architecture = "bert";
  claims.outputs = {"hidden"};
  InspectOptions options;
  options.path = testing::save(scripted(kSoundForward), folder / "claimed.pt", claims);
  const InspectResult result = inspect(options);
  CHECK(result.module == options.path);
  REQUIRE(result.archive.has_value());
  CHECK(result.archive->root == "claimed");
  CHECK(result.archive->has_claims);
  CHECK(result.summary->claims->architecture == "bert");
  CHECK(result.summary->outputs[0].name == "hidden");
}

TEST_CASE("inspect: what is no whole TorchScript file is refused") {
  const TempDir folder;
  InspectOptions options;
  options.path = testing::save(scripted(kSoundForward), folder / "m.pt");
  const std::string bytes = testing::read_bytes(options.path);
  testing::write_bytes(folder / "cut.pt", bytes.substr(0, bytes.size() / 2));
  options.path = (folder / "cut.pt").string();
  CHECK(error_of([&] { inspect(options); }).kind() == ErrorKind::kCorrupt);
  options.path = testing::testdata("container/zip_form.bin").string();
  CHECK(error_of([&] { inspect(options); }).kind() == ErrorKind::kUnsupported);
  options.path = (folder / "none.pt").string();
  CHECK(error_of([&] { inspect(options); }).kind() == ErrorKind::kNotFound);
}

}  // namespace bertjit
