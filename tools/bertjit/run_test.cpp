// `bertjit run` as its users meet it: what it prints is what Python prints.
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <span>

#include "cli_testing.h"
#include "container/safetensors.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Catch::Matchers::EndsWith;
using testing::CliOutput;
using testing::GoldenSet;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;

const std::vector<std::string> kModels = {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining",
                                          "tiny-bert-seqcls"};
const std::string kTiny = testdata("tiny-bert").string();

CliOutput run_model(const fs::path& model, std::vector<std::string> more) {
  more.insert(more.begin(), {"run", model.string()});
  return run_bertjit(more);
}

/// `input_ids=[[…]]` for tokens of tiny-bert's vocabulary: an id is a token's line in vocab.txt.
std::string ids_of(const std::vector<std::string>& tokens) {
  std::map<std::string, int> ids;
  std::ifstream vocabulary(testdata("tiny-bert/vocab.txt"));
  for (std::string token; std::getline(vocabulary, token);) {
    ids.emplace(token, static_cast<int>(ids.size()));
  }
  std::string text = "input_ids=[[";
  for (const auto& token : tokens) {
    text += (text.back() == '[' ? "" : ",") + std::to_string(ids.at(token));
  }
  return text + "]]";
}

/// The guide's pair as it is tokenized with tiny-bert's vocabulary.
std::vector<std::string> guide_tokens() {
  return {"[CLS]", "who",    "was", "jim", "henson", "?",     "[SEP]",
          "jim",   "henson", "was", "a",   "puppet", "##eer", "[SEP]"};
}

/// Talk is aligned in columns; what it says is not.
std::string single_spaced(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ' || !result.ends_with(' ')) {
      result += c;
    }
  }
  return result;
}

void check_refused(const std::vector<std::string>& inputs, const std::string& message) {
  const CliOutput output = run_model(kTiny, inputs);
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK(output.out.empty());
  CHECK_THAT(output.err, Contains(message));
  CHECK(std::count(output.err.begin(), output.err.end(), '\n') == 1);
}

}  // namespace

TEST_CASE("run: a checkpoint and its trace print the same text") {
  for (const auto& model : kModels) {
    const TempDir folder;
    const GoldenSet golden(model, "b");
    write_npz(folder / "in.npz", golden.inputs);
    trace_model(model, folder / "out.pt");
    const CliOutput eager = run_model(testdata(model), {"--inputs", (folder / "in.npz").string()});
    const CliOutput traced = run_model(folder / "out.pt", {"--inputs", (folder / "in.npz").string()});
    INFO(eager);
    CHECK(eager.exit_code == 0);
    CHECK(traced.exit_code == 0);
    CHECK_THAT(eager.out, Contains("grad_fn=<"));
    CHECK(eager.out == traced.out);
    CHECK_THAT(eager.err, EndsWith("\n" + traced.err));  // after the line that says which network was built
    CHECK_THAT(single_spaced(eager.err), Contains("input_ids int64 [3, 19] given"));
  }
}

TEST_CASE("run: prints what Python's print(loaded(*inputs)) prints, character for character") {
  SKIP_WITHOUT_PYTHON();
  const std::string script = R"(
import sys, numpy, torch
torch.set_num_threads(1)
for module, file in zip(sys.argv[1::2], sys.argv[2::2]):
    inputs = numpy.load(file)
    arguments = [torch.from_numpy(inputs[name]) for name in ("input_ids", "attention_mask", "token_type_ids")]
    for grad in (True, False):
        loaded = torch.jit.load(module)
        with torch.set_grad_enabled(grad):
            print(loaded(*arguments))
)";
  const TempDir folder;
  std::vector<std::string> arguments;  // of one Python for all: it takes seconds to start
  std::string printed;
  for (const auto& model : kModels) {
    const std::string traced = (folder / (model + ".pt")).string();
    trace_model(model, traced);
    for (const std::string set : {"a", "b"}) {
      const std::string inputs = (folder / (model + set + ".npz")).string();
      write_npz(inputs, GoldenSet(model, set).inputs);
      const CliOutput on = run_model(traced, {"--inputs", inputs, "--grad", "on", "--threads", "1"});
      const CliOutput off = run_model(traced, {"--inputs", inputs, "--grad", "off", "--threads", "1"});
      INFO(model << " " << set << "\n" << on << "\n" << off);
      CHECK(on.exit_code == 0);
      CHECK(off.exit_code == 0);
      CHECK_THAT(on.out, Contains("grad_fn=<"));
      CHECK_THAT(off.out, !Contains("grad_fn"));
      arguments.insert(arguments.end(), {traced, inputs});
      printed += on.out + off.out;
    }
  }
  CHECK(printed == testing::run_python(script, arguments));
}

TEST_CASE("run: grad off and inference print the same values without grad_fn") {
  const CliOutput on = run_model(kTiny, {"--text", "who was jim henson ?"});
  const CliOutput off = run_model(kTiny, {"--text", "who was jim henson ?", "--grad", "off"});
  const CliOutput inference = run_model(kTiny, {"--text", "who was jim henson ?", "--grad", "inference"});
  CHECK(on.exit_code == 0);
  CHECK(off.exit_code == 0);
  CHECK(inference.exit_code == 0);
  CHECK_THAT(on.out, Contains("grad_fn=<NativeLayerNormBackward0>") && Contains("grad_fn=<TanhBackward0>"));
  CHECK_THAT(off.out, !Contains("grad_fn"));
  CHECK(off.out == inference.out);
}

TEST_CASE("run: --output writes what transformers answers, in .npz that numpy reads and in .safetensors") {
  for (const auto& model : kModels) {
    const TempDir folder;
    const GoldenSet golden(model, "a");
    write_npz(folder / "in.npz", golden.inputs);
    for (const std::string name : {"out.npz", "out.safetensors"}) {
      const CliOutput output = run_model(testdata(model), {"--inputs", (folder / "in.npz").string(), "--output",
                                                           (folder / name).string(), "--attention", "eager"});
      INFO(output);
      REQUIRE(output.exit_code == 0);
      CHECK_THAT(output.err, Contains("wrote " + (folder / name).string() + "\n"));
      const TensorFile written = name == "out.npz" ? read_npz(folder / name) : read_safetensors(folder / name);
      REQUIRE(written.tensors.size() == golden.outputs.size());
      for (const auto& expected : golden.outputs) {
        const TensorView* actual = written.find(expected.name);
        INFO(model << " " << expected.name);
        REQUIRE(actual != nullptr);
        REQUIRE(actual->shape == expected.shape);
        REQUIRE(actual->dtype == DType::kFloat32);
        for (size_t at = 0; at < expected.bytes.size(); at += sizeof(float)) {
          float left;
          float right;
          std::memcpy(&left, expected.bytes.data() + at, sizeof left);
          std::memcpy(&right, actual->bytes.data() + at, sizeof right);
          // Float32 noise between implementations is 6e-6 here (testdata/README.md).
          REQUIRE(std::abs(left - right) <= 2e-5f);
        }
      }
    }
  }
}

TEST_CASE("run: numpy loads --output .npz with names, shapes and dtypes") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  REQUIRE(run_model(kTiny, {"--output", (folder / "out.npz").string(), "--quiet"}).exit_code == 0);
  CHECK(testing::run_python("import sys, numpy\nfile = numpy.load(sys.argv[1])\n"
                            "for name in file.files: print(name, file[name].shape, file[name].dtype)\n",
                            {(folder / "out.npz").string()}) ==
        "last_hidden_state (1, 14, 32) float32\npooler_output (1, 32) float32\n");
}

TEST_CASE("run: --format json holds every element, shape and grad_fn") {
  const CliOutput output = run_model(kTiny, {"--text", "a puppet", "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 0);
  const auto json = testing::parse_json(output.out);
  CHECK(json.at("schema") == "bertjit.run/1");
  CHECK(json.at("kind") == "eager");
  CHECK(json.at("inputs").at(0).at("shape") == nlohmann::json({1, 4}));
  CHECK(json.at("outputs").at(0).at("name") == "last_hidden_state");
  CHECK(json.at("outputs").at(0).at("shape") == nlohmann::json({1, 4, 32}));
  CHECK(json.at("outputs").at(0).at("values").size() == 128);
  CHECK(json.at("outputs").at(0).at("grad_fn") == "NativeLayerNormBackward0");
  CHECK(json.at("outputs").at(1).at("grad_fn") == "TanhBackward0");
  const auto off =
      testing::parse_json(run_model(kTiny, {"--text", "a puppet", "--format", "json", "--grad", "off"}).out);
  CHECK(off.at("outputs").at(0).at("grad_fn").is_null());
}

TEST_CASE("run: JSON spells NaN as text") {
  const CliOutput output = run_model(testdata("broken/nan_weight"), {"--format", "json", "--text", "a"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("\"nan\""));
}

TEST_CASE("run: the guide's text with its own [CLS] has seven tokens of segment 0 and seven of segment 1") {
  // Segments as the Hugging Face TorchScript guide lists them: seven 0, seven 1.
  const std::string segments = "token_type_ids=[[0,0,0,0,0,0,0,1,1,1,1,1,1,1]]";
  const CliOutput explicit_ids = run_model(kTiny, {"--input", ids_of(guide_tokens()), "--input", segments});
  const CliOutput special =
      run_model(kTiny, {"--text", "[CLS] Who was Jim Henson ? [SEP] Jim Henson was a puppeteer [SEP]"});
  const CliOutput pair =
      run_model(kTiny, {"--text", "Who was Jim Henson ?", "--text-pair", "Jim Henson was a puppeteer"});
  const CliOutput nothing = run_model(kTiny, {});
  const CliOutput one_segment = run_model(kTiny, {"--input", ids_of(guide_tokens())});
  CHECK(explicit_ids.exit_code == 0);
  CHECK(special.exit_code == 0);
  CHECK(special.out == explicit_ids.out);
  CHECK(pair.out == explicit_ids.out);
  CHECK(nothing.out == explicit_ids.out);
  CHECK(one_segment.out != explicit_ids.out);
}

TEST_CASE("run: --mask-index replaces that token by [MASK]") {
  // Index 8 is the guide's masked_index: henson of the second sentence.
  std::vector<std::string> tokens = guide_tokens();
  REQUIRE(tokens[8] == "henson");
  tokens[8] = "[MASK]";
  const CliOutput masked = run_model(kTiny, {"--mask-index", "8"});
  const CliOutput expected =
      run_model(kTiny, {"--input", ids_of(tokens), "--input", "token_type_ids=[[0,0,0,0,0,0,0,1,1,1,1,1,1,1]]"});
  CHECK(masked.exit_code == 0);
  CHECK(masked.out == expected.out);
  CHECK(masked.out != run_model(kTiny, {}).out);
  check_refused({"--text", "a", "--mask-index", "3"}, "--mask-index 3: the text has 3 tokens, 0 to 2");
  check_refused({"--text", "a", "--mask-index", "-1"}, "--mask-index -1: the text has 3 tokens, 0 to 2");
}

TEST_CASE("run: --pad-to pads behind the mask, which leaves the tokens' values as they were") {
  const CliOutput padded = run_model(kTiny, {"--text", "a puppet", "--pad-to", "9", "--format", "json"});
  INFO(padded);
  CHECK(padded.exit_code == 0);
  const auto json = testing::parse_json(padded.out);
  CHECK(json.at("inputs").at(1).at("shape") == nlohmann::json({1, 9}));
  const auto plain = testing::parse_json(run_model(kTiny, {"--text", "a puppet", "--format", "json"}).out);
  const auto& long_values = json.at("outputs").at(1).at("values");
  const auto& short_values = plain.at("outputs").at(1).at("values");
  REQUIRE(long_values.size() == short_values.size());
  for (size_t i = 0; i < short_values.size(); ++i) {
    CHECK(long_values[i].get<double>() == Approx(short_values[i].get<double>()).margin(1e-5));
  }
  check_refused({"--text", "a puppet", "--pad-to", "3"}, "--pad-to 3: the text has 4 tokens");
  check_refused({"--text", "a puppet", "--pad-to", "65"}, "longer than max_position_embeddings 64");
}

TEST_CASE("run: int32 ids answer as int64 ids, eager and traced") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "out.pt");
  for (const fs::path& model : {fs::path(kTiny), folder / "out.pt"}) {
    const CliOutput narrow = run_model(model, {"--input", "input_ids=[[2,9,30,3]]:int32"});
    const CliOutput wide = run_model(model, {"--input", "input_ids=[[2,9,30,3]]"});
    INFO(narrow);
    CHECK(narrow.exit_code == 0);
    CHECK_THAT(single_spaced(narrow.err), Contains("input_ids int32 [1, 4] given"));
    CHECK(narrow.out == wide.out);
  }
}

TEST_CASE("run: a module that changes its input in place neither crashes nor changes the file") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  testing::run_python(R"(
import sys, torch
class Doubling(torch.nn.Module):
    def forward(self, x):
        return x.mul_(2)
torch.jit.save(torch.jit.script(Doubling()), sys.argv[1])
)",
                      {(folder / "double.pt").string()});
  std::vector<float> values{1.5f, 2.5f};
  const std::vector<TensorView> inputs{{"x", DType::kFloat32, {2}, std::as_writable_bytes(std::span(values))}};
  write_npz(folder / "in.npz", inputs);
  write_safetensors(folder / "in.safetensors", inputs);
  for (const std::string name : {"in.npz", "in.safetensors"}) {
    const std::string before = testing::read_bytes(folder / name);
    // In a process of its own: a write into a mapped file ends it.
    const auto output = testing::run_command(testing::program() + " run '" + (folder / "double.pt").string() +
                                             "' --quiet --inputs '" + (folder / name).string() + "' 2>&1");
    INFO(name);
    CHECK(output.exit_code == 0);
    CHECK(output.out == "tensor([3., 5.])\n");
    CHECK(testing::read_bytes(folder / name) == before);
  }
}

TEST_CASE("run: inputs bind by name in any order, without names in order where one argument is left") {
  const CliOutput named = run_model(kTiny, {"--input", "token_type_ids=[[0,1]]", "--input", "input_ids=[[2,9]]",
                                            "--input", "attention_mask=[[1,1]]"});
  const CliOutput ordered =
      run_model(kTiny, {"--input", "[[2,9]]", "--input", "[[1,1]]", "--input", "token_type_ids=[[0,1]]"});
  CHECK(named.exit_code == 0);
  CHECK(named.out == ordered.out);
  CHECK_THAT(single_spaced(ordered.err), Contains("attention_mask int64 [1, 2] given, in order"));
  CHECK_THAT(single_spaced(run_model(kTiny, {"--input", "[[2,9]]"}).err),
             Contains("attention_mask int64 [1, 2] made of ones"));
}

TEST_CASE("run: inputs the model does not take are named with what it takes") {
  const std::string known = "takes input_ids, attention_mask, token_type_ids";
  check_refused({"--input", "ids=[[1]]"}, "no argument is named 'ids'; " + kTiny + " " + known);
  check_refused({"--input", "input_ids=[[1]]", "--input", "input_ids=[[1]]"}, "input_ids is given twice");
  check_refused({"--input", "[[1]]", "--input", "input_ids=[[1]]"}, "input_ids is given twice");
  check_refused({"--input", "attention_mask=[[1]]"}, "input_ids is missing");
  check_refused({"--input", "token_type_ids=[[0]]", "--input", "[[1]]"}, "more inputs than");
  check_refused({"--input", "input_ids=[[1,2]]", "--input", "attention_mask=[[1]]"},
                "attention_mask is [1, 1], input_ids is [1, 2]");
  check_refused({"--text", "a", "--input", "[[1]]"}, "--text cannot be combined with --inputs or --input");
  check_refused({"--text-pair", "a"}, "--text-pair needs --text");
  check_refused({"--inputs", testdata("golden/tiny-bert.npz").string()}, "no argument is named 'a.");
}

TEST_CASE("run: ids beyond the vocabulary and lengths beyond the positions are refused, naming value and limit") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "out.pt");
  for (const std::string& model : {kTiny, (folder / "out.pt").string()}) {
    for (const auto& [input, message] : std::vector<std::pair<std::string, std::string>>{
             {"[[1,2],[3,163]]", "input_ids holds 163 at [1, 1]; " + model + " takes 0 to 162"},
             {"[[-1]]", "input_ids holds -1 at [0, 0]; " + model + " takes 0 to 162"},
             {"ones:2x65:int64", "input_ids is [2, 65]: longer than max_position_embeddings 64 of " + model}}) {
      const CliOutput output = run_model(model, {"--input", "input_ids=" + input});
      INFO(output);
      CHECK(output.exit_code == 2);
      CHECK(output.out.empty());
      CHECK_THAT(output.err, Contains(message));
    }
    CHECK(run_model(model, {"--input", "input_ids=ones:1x64:int64"}).exit_code == 0);
  }
  check_refused({"--input", "[[1]]", "--input", "attention_mask=[[1]]", "--input", "[[2]]"},
                "token_type_ids holds 2 at [0, 0]");
}

TEST_CASE("run: malformed input words are quoted back") {
  check_refused({"--input", "input_ids=[[1,2],[3]]"}, "its lists are not all of one length");
  check_refused({"--input", "input_ids=[[1"}, "expected ',' or ']' before its end");
  check_refused({"--input", "input_ids=[[]]"}, "holds an empty list");
  check_refused({"--input", "input_ids=[1,2]"}, "input_ids is [2], expected [batch, length]");
  check_refused({"--input", "input_ids=[[1.5]]"}, "expected int64 or int32");
  check_refused({"--input", "input_ids=many:1x2"}, "'many' is not known (known: rand, ");
  check_refused({"--input", "input_ids=zeros:1x"}, "expected a shape such as 8x128");
  check_refused({"--input", "input_ids=zeros:99999999x99999999"},
                "a tensor of that shape has more than 2147483648 elements");
}

TEST_CASE("run: a file has no tokenizer of its own, and the message says how to name one") {
  const TempDir folder;
  const std::string traced = (folder / "out.pt").string();
  trace_model("tiny-bert", traced);
  const CliOutput without = run_model(traced, {"--text", "a puppet"});
  INFO(without);
  CHECK(without.exit_code == 2);
  CHECK(without.out.empty());
  CHECK_THAT(without.err, Contains("--text needs a tokenizer") && Contains("--tokenizer"));
  const CliOutput with = run_model(traced, {"--text", "a puppet", "--tokenizer", kTiny});
  CHECK(with.exit_code == 0);
  CHECK(with.out == run_model(kTiny, {"--text", "a puppet"}).out);
}

TEST_CASE("run: an --output name of no known kind is refused before the model runs") {
  const TempDir folder;
  check_refused({"--output", (folder / "out.txt").string()}, "expected a name that ends in .npz or .safetensors");
  check_refused({"--output", (folder / "absent/out.npz").string()}, "absent/out.npz: No such file or directory");
  CHECK(testing::list_folder(folder.path()).empty());
}

TEST_CASE("run: what is no model is named") {
  for (const auto& [model, message] : std::vector<std::pair<std::string, std::string>>{
           {"/nonexistent.pt", "/nonexistent.pt: no such file or directory"},
           {testdata("tiny-bert/vocab.txt").string(), "vocab.txt: is not a complete zip archive"},
           {testdata("golden").string(), "golden: has no config.json"},
           {testdata("tiny-bert-seqcls/pytorch_model.bin").string(), "a torch.save file, not TorchScript"},
           {testdata("golden/tiny-bert.npz").string(), "not a TorchScript file"},
           {"/dev/null", "/dev/null: is not a regular file"}}) {
    const CliOutput output = run_model(model, {});
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains(message));
  }
}

TEST_CASE("run: values of every type print as Python prints them, with every executor") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const std::string module = (folder / "m.pt").string();
  const std::string script = R"(
import sys, torch
from typing import Dict, List, NamedTuple, Optional, Tuple

class State(NamedTuple):
    h: torch.Tensor
    steps: int

class Everything(torch.nn.Module):
    def forward(self, xs: List[torch.Tensor], state: Dict[str, torch.Tensor], n: int, scale: float = 0.5,
                name: Optional[str] = None):
        empty: List[torch.Tensor] = []
        single: Tuple[int] = (n,)
        by_number: Dict[int, torch.Tensor] = {n: xs[0].sum()}
        return (xs[0] + xs[1], State(state["h"] * scale, n), by_number, single, empty, [1e-5, 2.0, float("inf")],
                ("it's", True, None), name, n > 3, 3 + 2j, torch.tensor(n))

torch.jit.script(Everything()).save(sys.argv[1])
loaded = torch.jit.load(sys.argv[1])
torch.manual_seed(5)
x = torch.rand(2, 3)
y = torch.rand(3)
print(loaded([x, y], {"h": torch.tensor([[1, 2]])}, 3))
print(loaded([x, y], {"h": torch.tensor([[1, 2]])}, 4, 2.0, "a name"))
)";
  const std::string expected = testing::run_python(script, {module});
  const std::vector<std::string> given{
      "--seed", "5", "--quiet", "--input", "xs=[rand:2x3, rand:3]", "--input", "state={\"h\": [[1, 2]]}"};
  for (const std::string executor : {"eager", "simple", "profiling"}) {
    std::vector<std::string> first = given;
    first.insert(first.end(), {"--input", "n=3", "--executor", executor});
    std::vector<std::string> second = given;
    second.insert(second.end(), {"--input", "n=4", "--input", "2", "--input", "a name", "--executor", executor});
    const CliOutput one = run_model(module, first);
    const CliOutput two = run_model(module, second);
    INFO(executor << "\n" << one << "\n" << two);
    CHECK(one.out + two.out == expected);
  }
}

TEST_CASE("run: an executor that there is not, or for a checkpoint, is refused") {
  check_refused({"--executor", "simple"}, "--executor simple is for TorchScript; ");
  const CliOutput output = run_model(kTiny, {"--executor", "fast"});
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("'fast' is not one of eager|simple|profiling"));
}

}  // namespace bertjit
