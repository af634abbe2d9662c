// `bertjit trace` as its users meet it: what it writes, says, and leaves to Python and sha512sum.
#include <map>

#include "cli_testing.h"
#include "container/pytorch_bin.h"
#include "container/safetensors.h"
#include "container/zip.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;

const std::vector<std::string> kModels = {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining",
                                          "tiny-bert-seqcls"};

/// A network of three thousand weights, with no file of weights beside it.
constexpr const char* kBareConfig = R"({"model_type": "bert", "architectures": ["BertModel"], "vocab_size": 50,
"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
"max_position_embeddings": 20})";

/// The tensors a checkpoint's file holds.
std::vector<std::string> checkpoint_names(const std::string& model) {
  const fs::path folder = testdata(model);
  const TensorFile file = fs::exists(folder / "model.safetensors") ? read_safetensors(folder / "model.safetensors")
                                                                   : read_pytorch_bin(folder / "pytorch_model.bin");
  std::vector<std::string> names;
  for (const auto& tensor : file.tensors) {
    names.push_back(tensor.name);
  }
  return names;
}

/// All TorchScript source in an archive.
std::string code_of(const fs::path& path) {
  const ZipArchive archive(path);
  std::string code;
  for (const auto& record : archive.records()) {
    if (record.name.ends_with(".py")) {
      const auto bytes = archive.read(record);
      code.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    }
  }
  return code;
}

std::string ids_of_length(int length) {
  std::string ids = "input_ids=[[7";
  for (int i = 1; i < length; ++i) {
    ids += "," + std::to_string(7 + i);
  }
  return ids + "]]";
}

}  // namespace

TEST_CASE("trace: every tiny model is traced, and the text says what was checked and written") {
  for (const auto& model : kModels) {
    const TempDir folder;
    const CliOutput output = run_bertjit(
        {"trace", testdata(model).string(), "-o", (folder / "out.pt").string(), "--check-shapes", "1x7,8x20"});
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK_THAT(output.out, Contains("pass  example "));
    CHECK_THAT(output.out, Contains("pass  retrace "));
    CHECK_THAT(output.out, Contains("pass  check-inputs  2 further inputs"));
    CHECK_THAT(output.out, Contains("wrote    " + (folder / "out.pt").string()));
    CHECK_THAT(output.out, Contains("input_ids       int64 [1, 14]"));
    CHECK(testing::list_folder(folder.path()) == std::vector<std::string>{"out.pt"});
  }
}

TEST_CASE("trace: --format json is one document of schema bertjit.trace/1 and nothing else") {
  for (const auto& model : kModels) {
    const TempDir folder;
    const CliOutput output = run_bertjit(
        {"trace", testdata(model).string(), "-o", (folder / "out.pt").string(), "--format", "json", "--checksum"});
    INFO(output);
    CHECK(output.exit_code == 0);
    // What was chosen, and nothing else, but for the model whose config describes a pooler it has no weights for.
    CHECK((model == "tiny-bert-nopool" || std::count(output.err.begin(), output.err.end(), '\n') == 1));
    const auto json = testing::parse_json(output.out);
    CHECK(json.at("schema") == "bertjit.trace/1");
    CHECK(json.at("verdict") == "pass");
    CHECK(json.at("output") == (folder / "out.pt").string());
    CHECK(json.at("size_bytes") == fs::file_size(folder / "out.pt"));
    CHECK(json.at("archive_name") == "out");
    REQUIRE(json.at("checks").size() == 3);
    for (const auto& check : json.at("checks")) {
      CHECK(check.at("verdict") == (check.at("id") == "check-inputs" ? "skip" : "pass"));
      CHECK(check.at("summary").is_string());
      CHECK(check.at("where").is_string());
      CHECK(check.at("evidence").is_object());
    }
    CHECK(json.at("sha512") == testing::read_bytes(folder / "out.pt.sha512").substr(0, 128));
  }
}

TEST_CASE("trace: --checksum writes a line that sha512sum -c accepts in that folder, and rejects once a byte changes") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "two words.pt", {"--checksum"});
  const std::string check =
      "cd '" + folder.path().string() + "' && LC_ALL=C sha512sum -c 'two words.pt.sha512' 2>/dev/null";
  const auto accepted = testing::run_command(check);
  CHECK(accepted.exit_code == 0);
  CHECK(accepted.out == "two words.pt: OK\n");
  std::string bytes = testing::read_bytes(folder / "two words.pt");
  bytes[bytes.size() / 2] ^= 1;
  testing::write_bytes(folder / "two words.pt", bytes);
  CHECK(testing::run_command(check).out == "two words.pt: FAILED\n");
}

TEST_CASE("trace: --check-inputs takes .npz, .safetensors and .json, and tries them all") {
  const TempDir folder;
  const testing::GoldenSet a("tiny-bert", "a");
  const testing::GoldenSet b("tiny-bert", "b");
  write_npz(folder / "a.npz", a.inputs);
  write_safetensors(folder / "b.safetensors", b.inputs);
  testing::write_bytes(folder / "c.json", R"({"input_ids": [[2, 9, 30, 3]], "token_type_ids": [[0, 0, 1, 1]]})");
  const CliOutput output =
      run_bertjit({"trace", testdata("tiny-bert").string(), "-o", (folder / "out.pt").string(), "--check-inputs",
                   (folder / "a.npz").string(), "--check-inputs", (folder / "b.safetensors").string(), "--check-inputs",
                   (folder / "c.json").string(), "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 0);
  const auto check = testing::find_check(testing::parse_json(output.out), "check-inputs");
  CHECK(check.at("verdict") == "pass");
  CHECK(check.at("evidence").at("inputs") == 3);
  CHECK(check.at("evidence").at("failed") == 0);
}

TEST_CASE("trace: further inputs that fixed shapes do not take fail, are all tried, and nothing is written") {
  const TempDir folder;
  const CliOutput output = run_bertjit({"trace", testdata("tiny-bert").string(), "-o", (folder / "out.pt").string(),
                                        "--fixed-shapes", "--check-shapes", "1x7,1x14,2x14", "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  const auto json = testing::parse_json(output.out);
  CHECK(json.at("verdict") == "fail");
  const auto check = testing::find_check(json, "check-inputs");
  CHECK(check.at("verdict") == "fail");
  CHECK(check.at("where") == "shape 1x7");
  CHECK(check.at("evidence").at("inputs") == 3);
  CHECK(check.at("evidence").at("failed") == 2);
  CHECK(testing::list_folder(folder.path()).empty());
}

TEST_CASE("trace: a NaN weight fails the example check and nothing is written") {
  const TempDir folder;
  testing::write_bytes(folder / "out.pt", "old");
  const CliOutput output =
      run_bertjit({"trace", testdata("broken/nan_weight").string(), "-o", (folder / "out.pt").string()});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK_THAT(output.out, Contains("fail  example "));
  CHECK_THAT(output.out, Contains("not written: a check failed"));
  CHECK(testing::read_bytes(folder / "out.pt") == "old");
}

TEST_CASE("trace: a fixed-shape trace refuses other lengths and batches in libtorch's words, with advice") {
  const TempDir folder;
  const std::string traced = (folder / "fixed.pt").string();
  trace_model("tiny-bert", traced, {"--fixed-shapes", "--input", ids_of_length(7)});
  CHECK(run_bertjit({"run", traced, "--input", ids_of_length(7)}).exit_code == 0);

  const CliOutput shorter = run_bertjit({"run", traced, "--input", ids_of_length(3)});
  INFO(shorter);
  CHECK(shorter.exit_code == 2);
  CHECK(shorter.out.empty());
  // The error of the Hugging Face TorchScript guide, to the letter.
  CHECK_THAT(
      shorter.err,
      Contains("The expanded size of the tensor (3) must match the existing size (7) at non-singleton dimension 2"));
  CHECK_THAT(shorter.err, Contains("traced with --fixed-shapes: pad the input to the traced length (--pad-to)"));

  for (const std::string other : {"[[7]]", "[[7,8,9,10,11,12,13],[7,8,9,10,11,12,13]]"}) {
    const CliOutput output = run_bertjit({"run", traced, "--input", "input_ids=" + other});
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains("does not run on input_ids") && Contains("--fixed-shapes"));
  }
}

TEST_CASE("trace: one made at length 1 broadcasts nothing silently when its shapes are fixed, and fits all when not") {
  const TempDir folder;
  const std::string fixed = (folder / "fixed.pt").string();
  const std::string free = (folder / "free.pt").string();
  const std::string reference = (folder / "reference.pt").string();
  trace_model("tiny-bert", fixed, {"--fixed-shapes", "--input", ids_of_length(1)});
  trace_model("tiny-bert", free, {"--input", ids_of_length(1)});
  trace_model("tiny-bert", reference, {"--input", ids_of_length(9)});
  for (const std::string ids : {"[[7,8,9]]", "[[7],[8]]", "[[7,8],[9,10]]"}) {
    const CliOutput refused = run_bertjit({"run", fixed, "--input", "input_ids=" + ids});
    INFO(refused);
    CHECK(refused.exit_code == 2);
    CHECK(refused.out.empty());
    const CliOutput answered = run_bertjit({"run", free, "--input", "input_ids=" + ids});
    CHECK(answered.exit_code == 0);
    CHECK(answered.out == run_bertjit({"run", reference, "--input", "input_ids=" + ids}).out);
  }
}

TEST_CASE("trace: made at [1, 14] or at [8, 20], it answers at [8, 20] with the same bits") {
  for (const auto& model : kModels) {
    const TempDir folder;
    trace_model(model, folder / "small.pt");
    trace_model(model, folder / "large.pt", {"--input", "input_ids=randint(0,163):8x20", "--seed", "5"});
    for (const std::string name : {"small", "large"}) {
      const CliOutput output =
          run_bertjit({"run", (folder / (name + ".pt")).string(), "--input", "input_ids=randint(0,163):8x20", "--seed",
                       "9", "--quiet", "--output", (folder / (name + ".npz")).string()});
      INFO(output);
      REQUIRE(output.exit_code == 0);
    }
    INFO(model);
    CHECK(testing::read_bytes(folder / "small.npz") == testing::read_bytes(folder / "large.npz"));
  }
}

TEST_CASE("trace: --tie share stores the decoder once, clone twice, and the report says which") {
  const TempDir folder;
  std::map<std::string, uintmax_t> sizes;
  for (const std::string tie : {"clone", "share"}) {
    // One name for both, since the name is in the file.
    const fs::path path = folder / "out.pt";
    const CliOutput output = run_bertjit(
        {"trace", testdata("tiny-bert-mlm").string(), "-o", path.string(), "--tie", tie, "--format", "json"});
    INFO(output);
    REQUIRE(output.exit_code == 0);
    CHECK(testing::parse_json(output.out).at("tie") == tie);
    sizes[tie] = fs::file_size(path);
    CHECK(run_bertjit({"verify", path.string(), "--source", testdata("tiny-bert-mlm").string(), "--only", "source"})
              .exit_code == 0);
  }
  // The table is [163, 32] float32: 20,864 bytes.
  CHECK(sizes["share"] + 20864 <= sizes["clone"]);
  const CliOutput text =
      run_bertjit({"trace", testdata("tiny-bert-mlm").string(), "-o", (folder / "out.pt").string(), "--tie", "share"});
  CHECK_THAT(text.out, Contains("shared (--tie share)"));
}

TEST_CASE("trace: --attention chooses the operator, and the answers agree") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "sdpa.pt", {"--attention", "sdpa"});
  trace_model("tiny-bert", folder / "eager.pt", {"--attention", "eager"});
  CHECK_THAT(code_of(folder / "sdpa.pt"), Contains("scaled_dot_product_attention") && !Contains("softmax"));
  CHECK_THAT(code_of(folder / "eager.pt"), Contains("softmax") && !Contains("scaled_dot_product_attention"));
  const CliOutput output = run_bertjit({"verify", (folder / "eager.pt").string(), "--source",
                                        testdata("tiny-bert").string(), "--attention", "sdpa", "--only", "source"});
  INFO(output);
  CHECK(output.exit_code == 0);
}

TEST_CASE("trace: --archive-name names the root folder, and one with a slash is refused") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "out.pt", {"--archive-name", "other"});
  const ZipArchive archive(folder / "out.pt");
  for (const auto& record : archive.records()) {
    CHECK_THAT(record.name, Catch::Matchers::StartsWith("other/"));
  }
  CHECK(run_bertjit({"run", (folder / "out.pt").string(), "--quiet"}).exit_code == 0);
  const CliOutput output = run_bertjit(
      {"trace", testdata("tiny-bert").string(), "-o", (folder / "bad.pt").string(), "--archive-name", "a/b"});
  INFO(output);
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("--archive-name a/b"));
  CHECK_FALSE(fs::exists(folder / "bad.pt"));
}

TEST_CASE("trace: the same bytes under grad on and off, and when made twice") {
  for (const std::string model : {"tiny-bert", "tiny-bert-pretraining"}) {
    const TempDir folder;
    trace_model(model, folder / "out.pt", {"--grad", "on"});
    const std::string bytes = testing::read_bytes(folder / "out.pt");
    trace_model(model, folder / "out.pt", {"--grad", "off"});
    CHECK(testing::read_bytes(folder / "out.pt") == bytes);
    trace_model(model, folder / "out.pt", {"--grad", "on"});
    CHECK(testing::read_bytes(folder / "out.pt") == bytes);
    // A process of its own too: nothing of this one's history is in the file.
    const auto fresh = testing::run_command(testing::program() + " trace '" + testdata(model).string() + "' -o '" +
                                            (folder / "out.pt").string() + "' --quiet");
    CHECK(fresh.exit_code == 0);
    CHECK(testing::read_bytes(folder / "out.pt") == bytes);
  }
}

TEST_CASE("trace: --init random makes the same bytes from the same seed, others from another") {
  const TempDir folder;
  testing::write_bytes(folder / "config.json", kBareConfig);
  const auto traced = [&](const std::string& seed) {
    const CliOutput output = run_bertjit({"trace", (folder / "config.json").string(), "--init", "random", "--seed",
                                          seed, "-o", (folder / "out.pt").string()});
    INFO(output);
    REQUIRE(output.exit_code == 0);
    return testing::read_bytes(folder / "out.pt");
  };
  const std::string zero = traced("0");
  CHECK(traced("0") == zero);
  CHECK(traced("1") != zero);
  CHECK(traced("18446744073709551615") != zero);

  const CliOutput without = run_bertjit({"trace", (folder / "config.json").string(), "-o", (folder / "x.pt").string()});
  INFO(without);
  CHECK(without.exit_code == 2);
  CHECK_THAT(without.err, Contains("use --init random --seed N"));
  const CliOutput unknown =
      run_bertjit({"trace", (folder / "config.json").string(), "--init", "zeros", "-o", (folder / "x.pt").string()});
  CHECK(unknown.exit_code == 2);
  CHECK(unknown.err == "bertjit trace: --init zeros: not known (known: random)\n");
}

TEST_CASE("trace: state_dict keys in Python are the checkpoint's own") {
  SKIP_WITHOUT_PYTHON();
  for (const auto& model : kModels) {
    const TempDir folder;
    trace_model(model, folder / "out.pt");
    const std::string keys = testing::run_python(
        "import sys, torch\nfor key in sorted(torch.jit.load(sys.argv[1]).state_dict()): print(key)\n",
        {(folder / "out.pt").string()});
    std::vector<std::string> expected = checkpoint_names(model);
    if (model == "tiny-bert-mlm" || model == "tiny-bert-pretraining") {
      // Tied to the word embeddings: absent from the checkpoint, a parameter of the network (modeling_bert.py).
      expected.push_back("cls.predictions.decoder.weight");
    }
    std::sort(expected.begin(), expected.end());
    std::string lines;
    for (const auto& name : expected) {
      lines += name + "\n";
    }
    INFO(model);
    CHECK(keys == lines);
  }
}

TEST_CASE("trace: --freeze writes weights as constants of the code, and the same answers", "[cli][trace]") {
  const TempDir dir;
  const std::string plain = (dir / "plain.pt").string();
  const std::string frozen = (dir / "frozen.pt").string();
  const std::vector<std::string> trace{"trace", testdata("tiny-bert").string(), "--check-shapes", "2x5", "-o"};
  for (const auto& extra : {std::vector<std::string>{plain}, std::vector<std::string>{frozen, "--freeze"}}) {
    std::vector<std::string> arguments = trace;
    arguments.insert(arguments.end(), extra.begin(), extra.end());
    const CliOutput output = run_bertjit(arguments);
    INFO(output);
    REQUIRE(output.exit_code == 0);
  }
  const auto answer = [](const std::string& file) {
    return run_bertjit({"run", file, "--input", "[[2, 7, 9, 3], [2, 8, 3, 0]]", "--grad", "off", "--quiet"}).out;
  };
  CHECK(answer(frozen) == answer(plain));
  CHECK(code_of(frozen).find("CONSTANTS.c") != std::string::npos);
  CHECK(code_of(plain).find("CONSTANTS.c") == std::string::npos);
  CHECK(run_bertjit({"inspect", frozen, "--params", "--quiet"}).out.find("word_embeddings") == std::string::npos);

  testing::write_bytes(dir / "drop.py",
                       "import torch\nclass Drop(torch.nn.Module):\n    def forward(self, x):\n        return "
                       "torch.dropout(x, 0.5, self.training)\n");
  const CliOutput training =
      run_bertjit({"trace", (dir / "drop.py").string() + ":Drop", "--script", "--freeze", "-o", frozen});
  CHECK(training.exit_code == 2);
  CHECK_THAT(training.err, Contains("is in training mode") && Contains("call eval()"));
}

TEST_CASE("trace: --fuse says why it refuses, and writes nothing", "[cli][trace]") {
  const TempDir dir;
  const std::string out = (dir / "fused.pt").string();
  const CliOutput half =
      run_bertjit({"trace", testdata("tiny-bert").string(), "--fuse", "--dtype", "bfloat16", "-o", out});
  CHECK(half.exit_code == 2);
  CHECK_THAT(half.err, Contains("--fuse: needs float32 weights") && Contains("is BFloat16"));
  const std::string plain = (dir / "plain.py").string();
  testing::write_bytes(plain, "import torch\ndef add(x):\n    return x + 1\n");
  const CliOutput without = run_bertjit({"trace", plain + ":add", "--fuse", "--input", "[1.0]", "-o", out});
  CHECK(without.exit_code == 2);
  CHECK_THAT(without.err, Contains("--fuse: there is no linear layer"));
  CHECK_FALSE(std::filesystem::exists(out));
}

TEST_CASE("trace: equal infinities are equal, NaN only with --equal-nan", "[cli][trace]") {
  const TempDir dir;
  testing::write_bytes(dir / "mask.py",
                       "import torch\ndef causal(s):\n    n = s.size(-1)\n    return s + torch.triu(torch.full((n, n), "
                       "float('-inf')), diagonal=1)\ndef undefined(x):\n    return x / x\n");
  const std::string target = (dir / "mask.pt").string();
  const CliOutput mask =
      run_bertjit({"trace", (dir / "mask.py").string() + ":causal", "--input", "randn:3x3", "-o", target});
  INFO(mask);
  CHECK(mask.exit_code == 0);
  const std::vector<std::string> trace{
      "trace", (dir / "mask.py").string() + ":undefined", "--input", "[0.0, 1.0]", "-o", target};
  const CliOutput refused = run_bertjit(trace);
  CHECK(refused.exit_code == 1);
  std::vector<std::string> allowed = trace;
  allowed.push_back("--equal-nan");
  CHECK(run_bertjit(allowed).exit_code == 0);
}

TEST_CASE("trace: a scripted function that returns nothing is written, uncompared", "[cli][trace]") {
  const TempDir dir;
  testing::write_bytes(dir / "add.py", "def add(x):\n    x.add_(1)\n");
  const std::string target = (dir / "add.pt").string();
  const CliOutput output = run_bertjit(
      {"trace", (dir / "add.py").string() + ":add", "--script", "--input", "[1.0]", "-o", target, "--format", "json"});
  INFO(output);
  REQUIRE(output.exit_code == 0);
  CHECK(testing::find_check(testing::parse_json(output.out), "example").at("verdict") == "skip");
}

}  // namespace bertjit
