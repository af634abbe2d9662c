// `bertjit quantize` as a user types it, and what other programs make of its files.
#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using nlohmann::json;
using testing::CliOutput;
using testing::parse_json;
using testing::run_bertjit;
using testing::run_python;
using testing::TempDir;
using testing::testdata;

CliOutput quantize(const std::string& source, const fs::path& output, std::vector<std::string> flags = {}) {
  flags.insert(flags.begin(), {"quantize", source, "-o", output.string(), "--quiet"});
  return run_bertjit(flags);
}

json quantized(const std::string& source, const fs::path& output, std::vector<std::string> flags = {}) {
  flags.insert(flags.end(), {"--format", "json"});
  const CliOutput result = quantize(source, output, flags);
  INFO(result);
  REQUIRE(result.exit_code == 0);
  return parse_json(result.out);
}

std::string seqcls() {
  return testdata("tiny-bert-seqcls").string();
}

const json& layer(const json& document, const std::string& name) {
  for (const auto& row : document.at("layers")) {
    if (row.at("layer") == name) {
      return row;
    }
  }
  throw std::runtime_error("no layer " + name);
}

int64_t bytes_after(const json& document, const std::string& group) {
  for (const auto& row : document.at("sizes")) {
    if (row.at("group") == group) {
      return row.at("after_bytes");
    }
  }
  return -1;
}

}  // namespace

TEST_CASE("quantize: every linear layer is int8 under its name, and the groups add up to the file") {
  const TempDir folder;
  const json result = quantized(seqcls(), folder / "int8.pt");
  CHECK(result["schema"] == "bertjit.quantize/1");
  CHECK(result["verdict"] == "pass");
  size_t count = 0;
  for (const auto& row : result["layers"]) {
    CHECK(row["quantized"] == (row["kind"] == "linear"));
    count += row["quantized"].get<bool>() ? 1 : 0;
  }
  CHECK(count == 14);  // two layers of six, the pooler, the classifier
  CHECK(layer(result, "bert.encoder.layer.1.output.dense")["shape"] == std::vector<int>{32, 64});
  const int64_t file = static_cast<int64_t>(fs::file_size(folder / "int8.pt"));
  CHECK(bytes_after(result, "embeddings") + bytes_after(result, "linear layers") + bytes_after(result, "rest") == file);
  // A byte for each of 2 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 32 + 2 * 32 weights, and the biases in float32.
  const int64_t biases = 2 * (5 * 32 + 64) + 32 + 2;
  CHECK(bytes_after(result, "linear layers") == 2 * (4 * 32 * 32 + 2 * 32 * 64) + 32 * 32 + 2 * 32 + 4 * biases);
}

TEST_CASE("quantize: verify holds the file of each scheme to its checkpoint, and finds a layer that is not it") {
  const TempDir folder;
  for (const std::string scheme : {"per-tensor", "per-channel", "per-token"}) {
    for (const std::string embeddings : {"float32", "int8"}) {
      const fs::path file = folder / (scheme + embeddings + ".pt");
      quantized(seqcls(), file, {"--scheme", scheme, "--embeddings", embeddings});
      const CliOutput verified = run_bertjit({"verify", file.string(), "--source", seqcls(), "--quiet"});
      INFO(verified);
      CHECK(verified.exit_code == 0);
      CHECK_THAT(verified.out, Contains("14 within half a step of int8") || Contains("15 within half a step of int8"));
    }
  }
  const CliOutput other = run_bertjit({"verify", (folder / "per-tokenint8.pt").string(), "--source", seqcls(), "--init",
                                       "random", "--seed", "1", "--quiet"});
  INFO(other);
  CHECK(other.exit_code == 1);
}

TEST_CASE(
    "quantize: a decoder that is tied to the word table is int8 as the table is, and verify holds both to one weight") {
  const TempDir folder;
  const std::string source = testdata("tiny-bert-mlm").string();
  for (const std::string tie : {"clone", "share"}) {
    const fs::path file = folder / (tie + ".pt");
    const json result = quantized(source, file, {"--scheme", "per-channel", "--embeddings", "int8", "--tie", tie});
    CHECK(layer(result, "cls.predictions.decoder")["quantized"] == true);
    CHECK(layer(result, "bert.embeddings.word_embeddings")["quantized"] == true);
    const CliOutput verified = run_bertjit({"verify", file.string(), "--source", source, "--quiet"});
    INFO(verified);
    CHECK(verified.exit_code == 0);
  }
}

TEST_CASE("quantize: an archive that was traced is quantized as its checkpoint is") {
  const TempDir folder;
  const fs::path traced = folder / "traced.pt";
  REQUIRE(run_bertjit({"trace", seqcls(), "-o", traced.string(), "--quiet"}).exit_code == 0);
  const json of_archive = quantized(traced.string(), folder / "a.pt", {"--scheme", "per-channel"});
  const json of_checkpoint = quantized(seqcls(), folder / "b.pt", {"--scheme", "per-channel"});
  CHECK(of_archive["layers"] == of_checkpoint["layers"]);
  CHECK(of_archive["before_bytes"] == fs::file_size(traced));
  const CliOutput verified = run_bertjit({"verify", (folder / "a.pt").string(), "--source", seqcls(), "--quiet"});
  INFO(verified);
  CHECK(verified.exit_code == 0);
}

TEST_CASE("quantize: --keep-fp32 takes parts of a path and patterns of all of it") {
  const TempDir folder;
  const json result =
      quantized(seqcls(), folder / "int8.pt", {"--keep-fp32", "classifier", "--keep-fp32", "*.layer.?.output.dense"});
  CHECK(layer(result, "classifier")["kept"] == "--keep-fp32 classifier");
  CHECK(layer(result, "bert.encoder.layer.0.output.dense")["quantized"] == false);
  CHECK(layer(result, "bert.encoder.layer.0.attention.output.dense")["quantized"] == true);
  CHECK(layer(result, "bert.pooler.dense")["quantized"] == true);
}

TEST_CASE("quantize: what there is no answer to is named, and nothing is written") {
  const TempDir folder;
  const fs::path int8 = folder / "int8.pt";
  quantized(seqcls(), int8);
  struct Refused {
    std::string source;
    std::vector<std::string> flags;
    std::string words;
  };
  const Refused cases[] = {
      {int8.string(), {}, "is quantized already (quantized::linear_dynamic at bert.encoder.layer.0"},
      {seqcls(), {"--keep-fp32", "decoder"}, "--keep-fp32 decoder: matches no layer (there are "},
      {seqcls(), {"--keep-fp32", "*"}, "nothing to quantize"},
      {seqcls(), {"--engine", "tensorrt"}, "--engine tensorrt: not known (known: x86, fbgemm, onednn, qnnpack)"},
      {seqcls(), {"--dtype", "float16"}, "is Half, and int8 is made of float32"},
      {seqcls(), {"--scheme", "per-row"}, "'per-row' is not one of"},
      {testdata("torchscript/double.pt").string(), {}, "double.pt"},
      {(folder / "none.pt").string(), {}, "no such file"},
  };
  for (const auto& refused : cases) {
    const CliOutput result = quantize(refused.source, folder / "out.pt", refused.flags);
    INFO(result);
    CHECK(result.exit_code == 2);
    CHECK_THAT(result.err, Contains(refused.words));
    CHECK(result.out.empty());
  }
  CHECK(testing::list_folder(folder.path()) == std::vector<std::string>{"int8.pt"});
}

TEST_CASE("quantize: a trace for one length is quantized unseen, unless inputs are given") {
  const TempDir folder;
  const std::string fixed = (folder / "fixed.pt").string();
  const std::vector<std::string> inputs = {"--input", "input_ids=ones:2x9"};
  REQUIRE(run_bertjit({"trace", seqcls(), "-o", fixed, "--fixed-shapes", "--quiet", inputs[0], inputs[1]}).exit_code ==
          0);
  CHECK(quantized(fixed, folder / "unseen.pt")["checks"][0]["verdict"] == "skip");
  CHECK(quantized(fixed, folder / "seen.pt", inputs)["checks"][0]["verdict"] == "pass");
  const CliOutput ranked = quantize(fixed, folder / "out.pt", {"--sensitivity", (folder / "layers.csv").string()});
  CHECK(ranked.exit_code == 2);
  CHECK_THAT(ranked.err, Contains("--sensitivity needs inputs"));
}

TEST_CASE("quantize: --sensitivity ranks every layer, the worst first") {
  const TempDir folder;
  const json result = quantized(seqcls(), folder / "int8.pt",
                                {"--sensitivity", (folder / "layers.json").string(), "--keep-fp32", "classifier"});
  const json ranks = parse_json(testing::read_bytes(folder / "layers.json")).at("layers");
  REQUIRE(ranks.size() == 14);
  CHECK(ranks == result["sensitivity"]);
  for (size_t i = 1; i < ranks.size(); ++i) {
    CHECK(ranks[i - 1]["output_sqnr_db"] <= ranks[i]["output_sqnr_db"]);
  }
  for (const auto& row : ranks) {
    CHECK(row["quantized"] == (row["layer"] != "classifier"));
    // 7 bits of an activation: 6 dB a bit.
    CHECK(row["layer_sqnr_db"].get<double>() > 25);
    CHECK(row["layer_sqnr_db"].get<double>() < 60);
  }
}

// Python: torch 2.13 quantizes the trace's own weights, and answers with its own modules.
TEST_CASE("quantize: layers have the bits of torch.ao.quantization.quantize_dynamic, and Python loads the file") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  REQUIRE(run_bertjit({"trace", seqcls(), "-o", (folder / "float.pt").string(), "--quiet"}).exit_code == 0);
  quantized(seqcls(), folder / "tensor.pt");
  quantized(seqcls(), folder / "channel.pt", {"--scheme", "per-channel"});
  quantized(seqcls(), folder / "token.pt", {"--scheme", "per-token", "--embeddings", "int8"});
  const std::string said = run_python(R"(
import functools, sys, warnings, torch
import torch.ao.quantization as quantization
warnings.filterwarnings('ignore')
folder = sys.argv[1] + '/'
def part(module, path):
    return functools.reduce(getattr, path.split('.'), module)
plain = torch.jit.load(folder + 'float.pt')
ids = torch.arange(5, 19).reshape(2, 7)
inputs = ids, torch.ones_like(ids), torch.zeros_like(ids)
x = torch.randn(3, 5, 32, generator=torch.Generator().manual_seed(0))
for name, config in (('tensor', quantization.default_dynamic_qconfig), ('channel', quantization.per_channel_dynamic_qconfig)):
    int8 = torch.jit.load(folder + name + '.pt')
    for path in ('bert.encoder.layer.0.attention.self.query', 'bert.encoder.layer.1.intermediate.dense', 'classifier'):
        layer = part(plain, path)
        linear = torch.nn.Linear(*reversed(layer.weight.shape))
        linear.load_state_dict(layer.state_dict())
        holder = torch.nn.Sequential(linear).eval()
        theirs = quantization.quantize_dynamic(holder, {torch.nn.Linear: config}, dtype=torch.qint8)
        print(name, path, torch.equal(theirs(x), part(int8, path)(x)))
expected = plain(*inputs)[0]
token = torch.jit.load(folder + 'token.pt')(*inputs)[0]
print('token', float((token - expected).abs().max()) < 0.05)
)",
                                      {folder.path().string()});
  INFO(said);
  CHECK(std::count(said.begin(), said.end(), '\n') == 7);
  CHECK(said.find("False") == std::string::npos);
}

TEST_CASE("quantize: MiniLM keeps its answers per token, in 26 MB") {
  SKIP_WITHOUT_SHARED("models/minilm-mrpc/model.safetensors");
  const TempDir folder;
  const json result = quantized(testing::shared("models/minilm-mrpc").string(), folder / "int8.pt",
                                {"--scheme", "per-token", "--embeddings", "int8"});
  CHECK(result["size_bytes"].get<int64_t>() < 26'000'000);
  CHECK(result["checks"][0]["evidence"]["outputs"][0]["sqnr_db"].get<double>() > 15);
}

}  // namespace bertjit
