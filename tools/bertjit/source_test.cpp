// What the commands say of a checkpoint, and take from it: chosen head, stored dtypes, files in pieces, nameless
// inputs.
#include <cstring>

#include "cli_testing.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using Catch::Matchers::Equals;
using Catch::Matchers::StartsWith;
using testing::CliOutput;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

const std::string kTinyLine =
    "tiny-bert: BertModel (architectures of config.json), float32; inputs input_ids, attention_mask, token_type_ids\n";

/// `trace SOURCE`, which must be written, with the target's path.
CliOutput trace_ok(const std::string& source, const fs::path& target, const std::vector<std::string>& more = {}) {
  std::vector<std::string> arguments{"trace", source, "-o", target.string()};
  arguments.insert(arguments.end(), more.begin(), more.end());
  CliOutput output = run_bertjit(arguments);
  INFO(output);
  REQUIRE(output.exit_code == 0);
  return output;
}

/// The batch of golden/stored.npz as a file of inputs, and its outputs under `label` as a file of outputs.
void write_golden(const fs::path& inputs, const fs::path& outputs, const std::string& label) {
  const TensorFile golden = read_npz(testdata("golden/stored.npz"));
  std::vector<TensorView> given, answered;
  for (TensorView tensor : golden.tensors) {
    if (tensor.name.find('.') == std::string::npos) {
      given.push_back(tensor);
    } else if (tensor.name.starts_with(label + ".")) {
      tensor.name = tensor.name.substr(label.size() + 1);
      answered.push_back(tensor);
    }
  }
  write_npz(inputs, given);
  write_npz(outputs, answered);
}

}  // namespace

TEST_CASE("source: trace, run and verify say in the same words what they made of a checkpoint") {
  const TempDir dir;
  const std::string source = testdata("tiny-bert").string();
  const std::string line = source.substr(0, source.size() - 9) + kTinyLine;
  CHECK(trace_ok(source, dir / "m.pt").err == "bertjit trace: " + line);
  CHECK_THAT(run_bertjit({"run", source}).err, StartsWith("bertjit run: " + line));
  const std::vector<std::string> verify{"verify", (dir / "m.pt").string(), "--source", source, "--only", "source"};
  CHECK(run_bertjit(verify).err == "bertjit verify: " + line);

  CHECK(trace_ok(source, dir / "m.pt", {"--quiet"}).err.empty());
  CHECK(run_bertjit({"run", source, "--quiet"}).err.empty());
  CHECK_THAT(run_bertjit({"run", (dir / "m.pt").string()}).err, !Contains("architectures"));
}

TEST_CASE("source: a head that is overridden, assumed, or classifies, is said so, in text and in JSON") {
  const TempDir dir;
  const auto seqcls = trace_ok(testdata("tiny-bert-seqcls").string(), dir / "m.pt", {"--format", "json"});
  CHECK_THAT(seqcls.err, Contains("BertForSequenceClassification (architectures of config.json), 2 labels, float32;"));
  const auto model = testing::parse_json(seqcls.out).at("checkpoint");
  CHECK(model.at("head") == "BertForSequenceClassification");
  CHECK(model.at("head_from") == "architectures");
  CHECK(model.at("num_labels") == 2);
  CHECK(model.at("weights") == "pytorch_model.bin");
  CHECK(model.at("stored_dtype") == "float32");

  const auto overridden = trace_ok(testdata("tiny-bert-pretraining").string(), dir / "m.pt",
                                   {"--head", "BertForMaskedLM", "--format", "json"});
  CHECK_THAT(overridden.err, Contains("BertForMaskedLM (--head; config.json lists BertForPreTraining), float32;"));
  CHECK(testing::parse_json(overridden.out).at("checkpoint").at("head_from") == "option");

  testing::write_bytes(dir / "config.json", R"({"model_type": "bert", "vocab_size": 9, "hidden_size": 8,
      "num_attention_heads": 2, "num_hidden_layers": 1, "intermediate_size": 8, "max_position_embeddings": 16})");
  const auto assumed = trace_ok((dir / "config.json").string(), dir / "m.pt", {"--init", "random", "--format", "json"});
  CHECK_THAT(assumed.err,
             Contains("BertModel (assumed: config.json has no architectures; --head names another), float32;"));
  CHECK(testing::parse_json(assumed.out).at("checkpoint").at("head_from") == "assumed");
}

TEST_CASE("source: a class that is not supported is named with those that are, and how to choose one") {
  const TempDir dir;
  testing::write_bytes(dir / "config.json", R"({"model_type": "bert", "architectures": ["BertForTelepathy"]})");
  const CliOutput output =
      run_bertjit({"trace", (dir / "config.json").string(), "--init", "random", "-o", (dir / "m.pt").string()});
  CHECK(output.exit_code == 2);
  CHECK_THAT(output.err, Contains("head 'BertForTelepathy' of model_type 'bert' is not supported (supported: ") &&
                             Contains("BertForMaskedLM") && Contains("); --head builds one of these in its place"));
}

TEST_CASE("source: --dtype keeps 16-bit weights, the trace claims it, and verify compares in it") {
  const TempDir dir;
  for (const auto& [name, dtype] :
       {std::pair("stored/float16-sharded-bin", "float16"), {"stored/bfloat16", "bfloat16"}}) {
    INFO(name);
    const std::string source = testdata(name).string();
    const std::string target = (dir / "m.pt").string();
    write_golden(dir / "in.npz", dir / "out.npz", std::string(dtype) + "-native");
    const std::vector<std::string> check{"verify",   target,
                                         "--source", source,
                                         "--inputs", (dir / "in.npz").string(),
                                         "--golden", (dir / "out.npz").string(),
                                         "--format", "json"};
    for (const char* asked : {dtype, "auto"}) {
      const CliOutput traced =
          trace_ok(source, target, {"--dtype", asked, "--inputs", (dir / "in.npz").string(), "--format", "json"});
      CHECK_THAT(traced.err, !Contains("weights are"));
      const auto document = testing::parse_json(traced.out);
      CHECK(document.at("checkpoint").at("dtype") == dtype);
      CHECK(document.at("outputs").at(0).at("dtype") == dtype);
    }
    const CliOutput verified = run_bertjit(check);
    INFO(verified);
    CHECK(verified.exit_code == 0);
    CHECK_THAT(verified.err, Contains("BertModel (architectures of config.json), " + std::string(dtype) + "; inputs"));
    const auto compared = testing::find_check(testing::parse_json(verified.out), "source");
    CHECK(compared.at("verdict") == "pass");
    CHECK_THAT(compared.at("summary").get<std::string>(), Contains("23 weights equal bit for bit, outputs equal "
                                                                   "(greatest difference 0)"));

    // Held to the source in float32 it is another model, and so is a float32 trace held to the 16-bit one.
    std::vector<std::string> wide = check;
    wide.insert(wide.end(), {"--dtype", "float32", "--only", "source"});
    CHECK(run_bertjit(wide).exit_code == 1);
    trace_ok(source, target, {"--quiet"});
    std::vector<std::string> narrow = check;
    narrow.insert(narrow.end(), {"--dtype", dtype, "--only", "source"});
    CHECK(run_bertjit(narrow).exit_code == 1);
  }
}

TEST_CASE("source: 16-bit weights are converted to float32 by default, and it is said once") {
  const TempDir dir;
  const std::string source = testdata("stored/float16").string();
  const CliOutput traced = trace_ok(source, dir / "m.pt");
  CHECK_THAT(traced.err, Contains("bertjit trace: " + source +
                                  ": weights are float16, converted to float32; --dtype float16 keeps them\n"));
  write_golden(dir / "in.npz", dir / "out.npz", "float16");
  const CliOutput verified = run_bertjit({"verify", (dir / "m.pt").string(), "--source", source, "--inputs",
                                          (dir / "in.npz").string(), "--golden", (dir / "out.npz").string()});
  INFO(verified);
  CHECK(verified.exit_code == 0);
  const CliOutput wrong = run_bertjit({"run", source, "--dtype", "int8"});
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.err, Contains("--dtype"));
  CHECK(run_bertjit({"run", (dir / "m.pt").string(), "--dtype", "float16"}).exit_code == 2);
}

TEST_CASE("source: a 16-bit trace with another weight or another network fails verify") {
  const TempDir dir;
  fs::copy(testdata("stored/bfloat16"), dir / "changed");
  std::string config = testing::read_bytes(dir / "changed/config.json");
  const std::string gelu = "\"hidden_act\": \"gelu\"";
  config.replace(config.find(gelu), gelu.size(), "\"hidden_act\": \"relu\"");
  testing::write_bytes(dir / "changed/config.json", config);
  trace_ok((dir / "changed").string(), dir / "m.pt", {"--dtype", "auto"});
  const CliOutput network = run_bertjit(
      {"verify", (dir / "m.pt").string(), "--source", testdata("stored/bfloat16").string(), "--only", "source"});
  INFO(network);
  CHECK(network.exit_code == 1);

  // One bit of one bfloat16: too small for the outputs' tolerance, found among the weights.
  fs::remove_all(dir / "changed");
  fs::copy(testdata("stored/bfloat16"), dir / "changed");
  std::string bytes = testing::read_bytes(dir / "changed/model.safetensors");
  bytes[bytes.size() - 2] = static_cast<char>(bytes[bytes.size() - 2] ^ 1);
  testing::write_bytes(dir / "changed/model.safetensors", bytes);
  trace_ok((dir / "changed").string(), dir / "m.pt", {"--dtype", "auto"});
  const CliOutput weight = run_bertjit(
      {"verify", (dir / "m.pt").string(), "--source", testdata("stored/bfloat16").string(), "--only", "source"});
  INFO(weight);
  CHECK(weight.exit_code == 1);
  CHECK_THAT(
      weight.out,
      Contains("fail  source  weight pooler.dense.weight differs in one element, [7, 7], by 0.00195: -0.283 became"));
}

TEST_CASE("source: sharded, old and training checkpoints trace, and the file is the source's") {
  const TempDir dir;
  for (const char* name : {"sharded", "sharded-bin", "first-release", "training", "float64"}) {
    INFO(name);
    const std::string source = testdata(std::string("stored/") + name).string();
    const CliOutput traced = trace_ok(source, dir / "m.pt");
    CHECK_THAT(traced.err, !Contains("not used"));  // first-release holds a buffer of positions
    CHECK(run_bertjit({"verify", (dir / "m.pt").string(), "--source", testdata("broken/intact").string(), "--only",
                       "source", "--quiet"})
              .exit_code == 0);
  }
  const CliOutput training = run_bertjit({"run", testdata("stored/training").string(), "--format", "json"});
  CHECK_THAT(training.err, Contains("is a training checkpoint; the tensors under 'state_dict' are used"));
  CHECK(testing::parse_json(training.out).at("checkpoint").at("notes").size() == 1);
}

TEST_CASE("source: names of DataParallel and weights of other programs are refused with the way out") {
  const TempDir dir;
  const auto refusal = [&](const std::string& source) {
    const CliOutput output = run_bertjit({"trace", source, "-o", (dir / "m.pt").string()});
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    return output.err;
  };
  CHECK_THAT(refusal(testdata("stored/data-parallel").string()),
             Contains("its names begin with 'module.', which DataParallel adds: save model.module.state_dict()"));
  fs::copy(testdata("broken/no_weights"), dir / "tf");
  testing::write_bytes(dir / "tf/tf_model.h5", "\x89HDF\r\n\x1a\n");
  CHECK_THAT(refusal((dir / "tf").string()),
             Contains("found 'tf_model.h5' (TensorFlow), which is not read: save the model as PyTorch"));
}

// The Hugging Face TorchScript guide: trace(model, [tokens_tensor, segments_tensors]).
TEST_CASE("source: the guide's two nameless inputs are refused and explained, by flag and by file; named they work") {
  const TempDir dir;
  const std::string source = testdata("tiny-bert").string();
  const std::string target = (dir / "m.pt").string();
  const std::string ids = "[[2, 109, 110, 3, 111, 3]]";
  const std::string segments = "[[0, 0, 0, 0, 1, 1]]";
  trace_ok(source, target, {"--input", "input_ids=" + ids, "--input", "token_type_ids=" + segments, "--quiet"});
  const auto refused = [&](std::vector<std::string> arguments) {
    const CliOutput output = run_bertjit(arguments);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK_THAT(output.err, Contains("input 2 has no name and could be attention_mask or token_type_ids") &&
                               Contains("the Hugging Face guide passes segments second") &&
                               Contains("what binds where: input 1 -> input_ids, input 2 -> ?") &&
                               Contains("name it: attention_mask=SPEC or token_type_ids=SPEC for --input"));
  };
  for (const std::string& model : {source, target}) {
    refused({"run", model, "--input", ids, "--input", segments});
    refused({"run", model, "--input", ids, "--input", "[[1, 1, 1, 1, 1, 1]]", "--input", segments});
  }
  refused({"trace", source, "-o", (dir / "other.pt").string(), "--input", ids, "--input", segments});
  refused({"verify", target, "--input", ids, "--input", segments});

  // numpy.savez(file, ids, segments)
  const std::vector<int64_t> numbers{2, 109, 110, 3, 111, 3, 0, 0, 0, 0, 1, 1};
  std::vector<std::byte> bytes(numbers.size() * sizeof(int64_t));
  std::memcpy(bytes.data(), numbers.data(), bytes.size());
  const std::span<std::byte> all(bytes);
  std::vector<TensorView> arrays{{"arr_0", DType::kInt64, {1, 6}, all.first(48)},
                                 {"arr_1", DType::kInt64, {1, 6}, all.last(48)}};
  write_npz(dir / "nameless.npz", arrays);
  refused({"run", source, "--inputs", (dir / "nameless.npz").string()});
  CHECK_FALSE(fs::exists(dir / "other.pt"));

  arrays[1].name = "token_type_ids";
  write_npz(dir / "named.npz", arrays);
  const CliOutput by_file = run_bertjit({"run", source, "--inputs", (dir / "named.npz").string()});
  const CliOutput by_flag = run_bertjit({"run", source, "--input", ids, "--input", "token_type_ids=" + segments});
  CHECK(by_file.exit_code == 0);
  CHECK(by_file.out == by_flag.out);
}

}  // namespace bertjit
