// `bertjit verify` as its users meet it: clean files pass, each fault is found and named.
#include <cstring>

#include "cli_testing.h"
#include "container/zip.h"

namespace bertjit {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;
using testing::check_refused;
using testing::CliOutput;
using testing::find_check;
using testing::GoldenSet;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;
using testing::trace_model;

const std::vector<std::string> kModels = {"tiny-bert", "tiny-bert-nopool", "tiny-bert-mlm", "tiny-bert-pretraining",
                                          "tiny-bert-seqcls"};
/// As docs/verification.md lists them.
const std::vector<std::string> kIds = {"safety",  "checksum",     "grad-mode",   "roundtrip", "repeat",    "train-mode",
                                       "shapes",  "check-inputs", "metamorphic", "inputs",    "constants", "source",
                                       "rebuilt", "golden",       "task",        "claims",    "target",    "weights"};
const std::string kTiny = testdata("tiny-bert").string();

CliOutput verify(const fs::path& module, std::vector<std::string> more = {}) {
  more.insert(more.begin(), {"verify", module.string()});
  return run_bertjit(more);
}

/// A tiny-bert traced once for all cases; none changes it.
fs::path clean_trace() {
  static const TempDir folder;
  static const fs::path path = [] {
    trace_model("tiny-bert", folder / "clean.pt");
    return folder / "clean.pt";
  }();
  return path;
}

}  // namespace

TEST_CASE("verify: every clean tiny model passes against its source") {
  for (const auto& model : kModels) {
    const TempDir folder;
    trace_model(model, folder / "out.pt");
    const CliOutput output = verify(folder / "out.pt", {"--source", testdata(model).string()});
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK_THAT(output.out, !Contains("fail "));
    CHECK_THAT(output.out, Contains("pass  source ") && Contains("weights equal bit for bit"));
    CHECK_THAT(output.out, Contains("pass  shapes        19 of 19 batch x length shapes work and equal the source"));
    // A decoder that is tied to the words is stored twice, unless traced with --tie share.
    const bool is_tied = model == "tiny-bert-mlm" || model == "tiny-bert-pretraining";
    CHECK_THAT(output.out,
               Contains(is_tied ? "warn  weights       weight cls.predictions.decoder.weight is stored twice"
                                : "pass  weights "));
    CHECK_THAT(output.out,
               Contains(is_tied ? "/out.pt: pass (12 pass, 1 warn, 5 skip)\n" : "/out.pt: pass (13 pass, 5 skip)\n"));
  }
}

TEST_CASE("verify: the JSON form holds schema, verdict and every check in order") {
  const CliOutput output = verify(clean_trace(), {"--source", kTiny, "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK(std::count(output.err.begin(), output.err.end(), '\n') == 1);  // what was made of the source
  const auto json = testing::parse_json(output.out);
  CHECK(json.at("schema") == "bertjit.verify/1");
  CHECK(json.at("verdict") == "pass");
  std::vector<std::string> ids;
  for (const auto& check : json.at("checks")) {
    ids.push_back(check.at("id"));
    CHECK(check.at("summary").is_string());
    CHECK(check.at("where").is_string());
    CHECK(check.at("evidence").is_object());
  }
  CHECK(ids == kIds);
  CHECK(find_check(json, "checksum").at("verdict") == "skip");
  CHECK(find_check(json, "source").at("evidence").at("weights_compared") == 39);
}

TEST_CASE("verify: one weight changed by 1e-3 exits 1 and names the tensor") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const std::string changed = (folder / "changed.pt").string();
  const std::string name = "encoder.layer.1.output.dense.weight";
  testing::run_python(R"(
import sys, torch
loaded = torch.jit.load(sys.argv[1])
with torch.no_grad():
    dict(loaded.named_parameters())[sys.argv[3]][3, 5] += 1e-3
torch.jit.save(loaded, sys.argv[2])
)",
                      {clean_trace().string(), changed, name});
  const CliOutput text = verify(changed, {"--source", kTiny, "--only", "source"});
  INFO(text);
  CHECK(text.exit_code == 1);
  CHECK_THAT(text.out, Contains("fail  source  weight " + name + " differs in one element, [3, 5], by 0.001"));
  const auto json = testing::parse_json(verify(changed, {"--source", kTiny, "--format", "json"}).out);
  CHECK(json.at("verdict") == "fail");
  const auto check = find_check(json, "source");
  CHECK(check.at("verdict") == "fail");
  CHECK(check.at("where") == name.substr(0, name.rfind('.')));
  CHECK(check.at("evidence").at("different_weights") == nlohmann::json({name}));
}

TEST_CASE("verify: another checkpoint of the same shape is not the source") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "other.pt", {"--init", "random", "--seed", "3"});
  const CliOutput output = verify(folder / "other.pt", {"--source", kTiny, "--only", "source", "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  const auto check = find_check(testing::parse_json(output.out), "source");
  CHECK(check.at("where") == "");  // the whole model
  CHECK(check.at("summary") ==
        "all 39 weights differ and have nothing to do with what is expected: those of another checkpoint");
  CHECK(check.at("evidence").at("different_weights").size() == 39);
  CHECK(verify(folder / "other.pt", {"--source", kTiny, "--init", "random", "--seed", "3", "--only", "source"})
            .exit_code == 0);
}

TEST_CASE("verify: a module traced with dropout active exits 1 and names the module") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const std::string dropout = (folder / "dropout.pt").string();
  testing::run_python(R"(
import sys, torch
class Encoder(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.word_embeddings = torch.nn.Embedding(50, 8)
        self.hidden_dropout = torch.nn.Dropout(0.1)
    def forward(self, input_ids):
        return self.hidden_dropout(self.word_embeddings(input_ids))
torch.manual_seed(0)
module = Encoder()
example = torch.tensor([[1, 2, 3]])
torch.jit.save(torch.jit.trace(module.train(), example, check_trace=False), sys.argv[1])
torch.jit.save(torch.jit.trace(module.eval(), example, check_trace=False), sys.argv[2])
)",
                      {dropout, (folder / "eval.pt").string()});
  const CliOutput output = verify(dropout, {"--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  const auto check = find_check(testing::parse_json(output.out), "train-mode");
  CHECK(check.at("verdict") == "fail");
  CHECK(check.at("where") == "hidden_dropout");
  CHECK_THAT(check.at("summary").get<std::string>(), Contains("aten::dropout with train=True, p=0.1"));
  const CliOutput evaluated = verify(folder / "eval.pt");
  INFO(evaluated);
  CHECK(evaluated.exit_code == 0);
}

TEST_CASE("verify: a truncated file cannot be answered, wherever it is cut") {
  const TempDir folder;
  const std::string bytes = testing::read_bytes(clean_trace());
  const auto check_cut = [&](size_t size, const std::string& message) {
    testing::write_bytes(folder / "cut.pt", bytes.substr(0, size));
    check_refused(verify(folder / "cut.pt"), "cut.pt: " + message);
  };
  check_cut(0, "is empty: ");
  check_cut(1, "is no TorchScript, torch.save, .safetensors, .npz or .npy file: ");
  for (const size_t size : {size_t{5000}, bytes.size() / 2, bytes.size() - 30, bytes.size() - 1}) {
    check_cut(size, "is not a complete zip archive: ");
  }
}

TEST_CASE("verify: a flipped byte is found by its record's CRC and the record is named") {
  const TempDir folder;
  const ZipArchive archive(clean_trace());
  for (const std::string name : {"clean/data/17", "clean/data.pkl", "clean/extra/bertjit.json"}) {
    const ZipRecord* record = archive.find(name);
    REQUIRE(record != nullptr);
    std::string bytes = testing::read_bytes(clean_trace());
    bytes[record->data_offset + record->compressed_size / 2] ^= 1;
    testing::write_bytes(folder / "flipped.pt", bytes);
    check_refused(verify(folder / "flipped.pt", {"--source", kTiny}),
                  "flipped.pt: " + name.substr(name.find('/') + 1) + ": record '" + name + "' has CRC-32 ");
    CHECK(run_bertjit({"run", (folder / "flipped.pt").string()}).exit_code == 2);
  }
}

TEST_CASE("verify: the checksum check accepts sha512sum's list and rejects a wrong digest") {
  const TempDir folder;
  fs::copy_file(clean_trace(), folder / "a.pt");
  // The real program writes the list.
  REQUIRE(testing::run_command("cd '" + folder.path().string() + "' && sha512sum a.pt > SHA512SUMS").exit_code == 0);
  const std::string list = (folder / "SHA512SUMS").string();
  const CliOutput right = verify(folder / "a.pt", {"--checksums", list, "--only", "checksum"});
  INFO(right);
  CHECK(right.exit_code == 0);
  CHECK_THAT(right.out, Contains("pass  checksum"));

  std::string line = testing::read_bytes(list);
  const std::string actual = line.substr(0, 128);
  line[0] = line[0] == '0' ? '1' : '0';
  testing::write_bytes(list, line);
  const CliOutput wrong = verify(folder / "a.pt", {"--checksums", list, "--source", kTiny, "--format", "json"});
  INFO(wrong);
  CHECK(wrong.exit_code == 1);
  const auto check = find_check(testing::parse_json(wrong.out), "checksum");
  CHECK(check.at("verdict") == "fail");
  CHECK(check.at("where") == (folder / "a.pt").string());
  CHECK(check.at("evidence").at("expected") == line.substr(0, 128));
  CHECK(check.at("evidence").at("actual") == actual);

  testing::write_bytes(list, actual + "  b.pt\n");
  check_refused(verify(folder / "a.pt", {"--checksums", list}), "SHA512SUMS: lists no checksum for ");
  check_refused(verify(folder / "a.pt", {"--checksums", "/nonexistent"}), "/nonexistent: No such file");
}

TEST_CASE("verify: --golden accepts what transformers recorded, for the example and for each further input") {
  for (const auto& model : kModels) {
    const TempDir folder;
    trace_model(model, folder / "out.pt");
    for (const std::string set : {"a", "b"}) {
      const GoldenSet golden(model, set);
      write_npz(folder / ("in_" + set + ".npz"), golden.inputs);
      write_npz(folder / ("out_" + set + ".npz"), golden.outputs);
    }
    const CliOutput output =
        verify(folder / "out.pt", {"--inputs", (folder / "in_a.npz").string(), "--golden",
                                   (folder / "out_a.npz").string(), "--check-inputs", (folder / "in_b.npz").string(),
                                   "--check-golden", (folder / "out_b.npz").string(), "--only", "golden"});
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK_THAT(output.out, Contains("pass  golden  2 recorded files: outputs equal"));

    const CliOutput swapped = verify(folder / "out.pt", {"--inputs", (folder / "in_b.npz").string(), "--golden",
                                                         (folder / "out_a.npz").string(), "--only", "golden"});
    INFO(swapped);
    CHECK(swapped.exit_code == 1);
    CHECK_THAT(swapped.out, Contains("fail  golden"));
  }
}

TEST_CASE("verify: --golden with one number changed exits 1 and names the output") {
  const TempDir folder;
  const GoldenSet golden("tiny-bert", "a");
  write_npz(folder / "in.npz", golden.inputs);
  std::vector<TensorView> outputs = golden.outputs;
  std::vector<std::byte> changed;
  for (auto& output : outputs) {
    if (output.name == "pooler_output") {
      changed.assign(output.bytes.begin(), output.bytes.end());
      float value;
      std::memcpy(&value, changed.data(), sizeof value);
      value += 1e-3f;
      std::memcpy(changed.data(), &value, sizeof value);
      output.bytes = changed;
    }
  }
  write_npz(folder / "out.npz", outputs);
  const CliOutput output =
      verify(clean_trace(), {"--inputs", (folder / "in.npz").string(), "--golden", (folder / "out.npz").string(),
                             "--only", "golden", "--format", "json"});
  INFO(output);
  CHECK(output.exit_code == 1);
  const auto check = find_check(testing::parse_json(output.out), "golden");
  CHECK(check.at("where") == "pooler_output");
  CHECK_THAT(check.at("summary").get<std::string>(), Contains("1 of 64 elements, by up to 0.001"));
}

TEST_CASE("verify: --golden of another model, or of none, cannot be answered") {
  const TempDir folder;
  write_npz(folder / "in.npz", GoldenSet("tiny-bert", "a").inputs);
  write_npz(folder / "logits.npz", GoldenSet("tiny-bert-mlm", "a").outputs);
  const std::string in = (folder / "in.npz").string();
  check_refused(
      verify(clean_trace(), {"--inputs", in, "--golden", (folder / "logits.npz").string(), "--only", "golden"}),
      "logits.npz: holds 'logits', the module returns last_hidden_state, pooler_output");
  testing::write_bytes(folder / "empty.json", "{}");
  check_refused(
      verify(clean_trace(), {"--inputs", in, "--golden", (folder / "empty.json").string(), "--only", "golden"}),
      "empty.json: holds no outputs to compare with");
  check_refused(verify(clean_trace(), {"--golden", "/nonexistent.npz"}), "/nonexistent.npz: No such file");
  check_refused(verify(clean_trace(), {"--check-golden", in}),
                "--check-golden is given 1 times, --check-inputs 0 times");
}

TEST_CASE("verify: an unknown check id lists the known ones") {
  for (const std::string flag : {"--only", "--skip"}) {
    check_refused(verify(clean_trace(), {flag, "train-mode,frob"}),
                  flag +
                      " frob: no check has that id (known: safety, checksum, grad-mode, roundtrip, repeat, "
                      "train-mode, shapes, check-inputs, metamorphic, inputs, constants, source, rebuilt, golden, "
                      "task, claims, target, weights)");
  }
}

TEST_CASE("verify: --only and --skip choose what runs, and nothing checked is no pass") {
  const CliOutput only = verify(clean_trace(), {"--only", "train-mode,repeat"});
  INFO(only);
  CHECK(only.exit_code == 0);
  CHECK_THAT(only.out, Contains("/clean.pt: pass (2 pass)\n"));
  CHECK_THAT(verify(clean_trace(), {"--skip", "shapes,repeat"}).out, !Contains("  shapes ") && !Contains("  repeat "));

  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--only", "golden"},
                                                    {"--only", "source,check-inputs", "--check-shapes", "1x3"},
                                                    {"--only", "repeat", "--skip", "repeat"}}) {
    const CliOutput output = verify(clean_trace(), arguments);
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK_THAT(output.out, Contains("nothing was checked"));
  }
  const auto json = testing::parse_json(verify(clean_trace(), {"--only", "golden", "--format", "json"}).out);
  CHECK(json.at("verdict") == "fail");
}

TEST_CASE("verify: further inputs are compared with the source, each tried") {
  const CliOutput output = verify(clean_trace(), {"--source", kTiny, "--check-shapes", "1x7,8x20", "--check-shapes",
                                                  "2x64", "--only", "check-inputs"});
  INFO(output);
  CHECK(output.exit_code == 0);
  CHECK_THAT(output.out, Contains("pass  check-inputs  3 further inputs: equal to the source"));
  check_refused(verify(clean_trace(), {"--check-shapes", "1x65"}), "longer than max_position_embeddings 64");
  check_refused(verify(clean_trace(), {"--check-shapes", "7"}), "shape 7: expected batch and length, such as 8x128");
  check_refused(verify(clean_trace(), {"--check-shapes", "1xx"}), "'1xx': expected a shape such as 8x128");
}

TEST_CASE("verify: --text needs a tokenizer, which --source or --tokenizer brings") {
  check_refused(verify(clean_trace(), {"--text", "a puppet"}), "--text needs a tokenizer");
  for (const std::string flag : {"--source", "--tokenizer"}) {
    const CliOutput output = verify(clean_trace(), {"--text", "a puppet", flag, kTiny, "--only", "repeat"});
    INFO(output);
    CHECK(output.exit_code == 0);
  }
}

TEST_CASE("verify: what is no TorchScript file is named") {
  for (const auto& [module, message] : std::vector<std::pair<std::string, std::string>>{
           {"/nonexistent.pt", "cannot open /nonexistent.pt: No such file or directory"},
           {kTiny, "tiny-bert: is a directory, not a file"},
           {"/dev/null", "/dev/null: is not a regular file"},
           {testdata("tiny-bert/config.json").string(),
            "config.json: is no TorchScript, torch.save, .safetensors, .npz or .npy file"},
           {testdata("tiny-bert-seqcls/pytorch_model.bin").string(), "a torch.save file, not TorchScript"},
           {testdata("golden/tiny-bert.npz").string(), "not a TorchScript file"}}) {
    check_refused(verify(module), message);
  }
  check_refused(verify(clean_trace(), {"--source", "/nonexistent"}), "/nonexistent: no such file or directory");
}

}  // namespace bertjit
