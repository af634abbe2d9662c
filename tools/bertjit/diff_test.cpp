// Pairs of TorchScript archives, each made to differ for one reason: a trace of testdata/tiny-bert, taken apart and put
// together otherwise. Meaning digests (digest/digest.h) must agree with every answer.
#include <functional>
#include <regex>

#include "cli_testing.h"
#include "container/bytes.h"
#include "container/zip.h"
#include "container/zip_writer.h"
#include "digest/digest.h"

using namespace bertjit;
using namespace bertjit::testing;

namespace fs = std::filesystem;

namespace {

using Records = std::vector<std::pair<std::string, std::string>>;

Records read_records(const fs::path& path) {
  const ZipArchive archive(path);
  Records records;
  for (const ZipRecord& record : archive.records()) {
    const auto bytes = archive.read(record);
    records.emplace_back(record.name, std::string(as_text(bytes)));
  }
  return records;
}

void write_records(const fs::path& path, const Records& records) {
  std::string bytes;
  ZipWriter writer([&](std::span<const std::byte> piece) { bytes += as_text(piece); });
  for (const auto& [name, text] : records) {
    writer.add(name, {std::as_bytes(std::span(text))});
  }
  writer.finish();
  write_bytes(path, bytes);
}

std::string& record_of(Records& records, const std::string& end) {
  for (auto& [name, bytes] : records) {
    if (name.ends_with(end)) {
      return bytes;
    }
  }
  throw std::runtime_error("no record " + end);
}

/// Replaces all; the test fails if there is none.
void replace(std::string& text, const std::string& from, const std::string& to) {
  size_t count = 0;
  for (size_t at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()), ++count) {
    text.replace(at, from.size(), to);
  }
  if (count == 0) {
    throw std::runtime_error("nothing to replace: " + from);
  }
}

std::string& root_code(Records& records) {
  return record_of(records, "modeling_bert.py");
}

/// torch/csrc/jit/serialization/pickler.cpp: requires_grad stands before the empty dict of hooks.
void set_requires_grad(std::string& pickle, char from, char to) {
  for (size_t at = pickle.find(")Rt"); at != std::string::npos; at = pickle.find(")Rt", at + 3)) {
    for (size_t i = at; i > at - 4; --i) {
      if (pickle[i] == from && (pickle[i + 1] == 'h' || pickle[i + 1] == 'c')) {
        pickle[i] = to;
        break;
      }
    }
  }
}

struct Pair {
  const char* cause;
  const char* verdict;  ///< "same", "different"
  std::function<void(Records&)> change;
};

const std::vector<Pair> kPairs{
    {"archive-name", "same",
     [](Records& records) {
       for (auto& [name, bytes] : records) {
         name = "other" + name.substr(name.find('/'));
       }
     }},
    {"record-order", "same", [](Records& records) { std::reverse(records.begin() + 1, records.end()); }},
    {"debug-paths", "same",
     [](Records& records) {
       record_of(records, "modeling_bert.py.debug_pkl") = record_of(records, "normalization.py.debug_pkl") + " ";
     }},
    {"mangled-names", "same",
     [](Records& records) {
       for (auto& [name, bytes] : records) {
         name = std::regex_replace(name, std::regex("___torch_mangle_(\\d+)"), "___torch_mangle_7$1");
         if (name.ends_with(".py") || name.ends_with("/data.pkl")) {
           bytes = std::regex_replace(bytes, std::regex("___torch_mangle_(\\d+)"), "___torch_mangle_7$1");
         }
       }
     }},
    {"padding", "same", [](Records& records) { record_of(records, ".data/serialization_id") = std::string(40, '7'); }},
    {"one-weight", "different", [](Records& records) { record_of(records, "/data/3")[17] ^= 1; }},
    {"requires-grad", "different",
     [](Records& records) { set_requires_grad(record_of(records, "/data.pkl"), '\x88', '\x89'); }},
    {"training-flag", "different",
     [](Records& records) { replace(record_of(records, "/data.pkl"), "trainingq\x01\x89", "trainingq\x01\x88"); }},
    {"claims", "different",
     [](Records& records) { replace(record_of(records, "extra/bertjit.json"), "BertModel", "BertModem"); }},
    {"claims", "different", [](Records& records) { records.erase(records.begin()); }},
    {"files", "different", [](Records& records) { records.emplace_back("a/extra/note.txt", "words"); }},
    {"code-numbers", "different",
     [](Records& records) { replace(root_code(records), "3.4028234663852886e+38", "10000."); }},
    {"code-names", "different",
     [](Records& records) {
       replace(root_code(records), "_3 = (encoder)", "answer = (encoder)");
       replace(root_code(records), "(_3, (pooler).forward(_3, ))", "(answer, (pooler).forward(answer, ))");
     }},
    {"code", "different", [](Records& records) { replace(root_code(records), "torch.rsub(", "torch.sub("); }},
    {"format-version", "different", [](Records& records) { record_of(records, "/version") = "9\n"; }},
    {"files", "different", [](Records& records) { records.emplace_back("a/bytecode.pkl", "\x80\x02)."); }},
};

/// A trace whose records our own writer stored, so that pairs differ for the one reason only.
struct Trace {
  TempDir folder;
  Records records;
  std::string path = (folder / "a.pt").string();

  Trace() {
    trace_model("tiny-bert", folder / "traced.pt", {"--archive-name", "a"});
    records = read_records(folder / "traced.pt");
    write_records(path, records);
  }
  std::string write(const std::string& name, const std::function<void(Records&)>& change) const {
    Records changed = records;
    change(changed);
    write_records(folder / name, changed);
    return (folder / name).string();
  }
};

nlohmann::json diff_json(const std::string& a, const std::string& b, std::vector<std::string> more = {}) {
  std::vector<std::string> arguments{"diff", a, b, "--format", "json"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  const CliOutput output = run_bertjit(arguments);
  INFO(output);
  REQUIRE(output.err.empty());
  const nlohmann::json document = parse_json(output.out);
  CHECK(output.exit_code == (document["verdict"] == "pass" ? 0 : 1));
  return document;
}

bool same_content(const std::string& a, const std::string& b) {
  return digest_meaning(a, DigestKind::kContent).digest == digest_meaning(b, DigestKind::kContent).digest;
}

}  // namespace

TEST_CASE("diff: every constructed pair of archives is told by its cause, and meaning digests agree") {
  const Trace trace;
  for (const Pair& pair : kPairs) {
    const std::string other = trace.write("b.pt", pair.change);
    const nlohmann::json document = diff_json(trace.path, other);
    INFO(pair.cause << "\n" << document["causes"].dump(1) << document["facts"].dump(1));
    CHECK(document["equality"] == pair.verdict);
    CHECK(document["causes"][0]["id"] == pair.cause);
    CHECK(same_content(trace.path, other) == (pair.verdict == std::string("same")));
    CHECK(diff_json(other, trace.path)["equality"] == pair.verdict);
  }
}

TEST_CASE("diff: dropout that was recorded as on is told") {
  const Trace trace;
  const auto with = [](const std::string& flag) {
    return [flag](Records& records) {
      replace(root_code(records), "return (_3,", "_9 = torch.dropout(_3, 0.1, " + flag + ")\n    return (_9,");
    };
  };
  const nlohmann::json document = diff_json(trace.write("off.pt", with("False")), trace.write("on.pt", with("True")));
  CHECK(document["causes"][0]["id"] == "recorded-dropout");
}

TEST_CASE("diff: tied weights that are shared in one and copied in the other are told") {
  const TempDir folder;
  trace_model("tiny-bert-mlm", folder / "a.pt", {"--tie", "share", "--archive-name", "m"});
  trace_model("tiny-bert-mlm", folder / "b.pt", {"--tie", "clone", "--archive-name", "m"});
  const nlohmann::json document = diff_json((folder / "a.pt").string(), (folder / "b.pt").string());
  CHECK(document["equality"] == "different");
  CHECK(document["effect"] == "gradients");
  CHECK(document["causes"][0]["id"] == "tied");
}

TEST_CASE("diff: a trace in another dtype is told as cast") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "a.pt");
  trace_model("tiny-bert", folder / "b.pt", {"--dtype", "float16"});
  const nlohmann::json document = diff_json((folder / "a.pt").string(), (folder / "b.pt").string());
  CHECK(document["causes"][0]["id"] == "dtype");
  CHECK(document["tensors"].size() == 39);
  CHECK(document["tensors"][0]["relation"] == "cast");
}

TEST_CASE("diff: a checkpoint and what was traced from it have the same weights") {
  const TempDir folder;
  for (const char* model : {"tiny-bert", "tiny-bert-mlm", "tiny-bert-pretraining", "tiny-bert-seqcls"}) {
    INFO(model);
    trace_model(model, folder / "a.pt");
    const CliOutput output = run_bertjit({"diff", testdata(model).string(), (folder / "a.pt").string(), "--quiet"});
    INFO(output);
    CHECK(output.exit_code == 0);
    CHECK(output.err.empty());
    CHECK(output.out.find(": the same weights: ") != std::string::npos);
  }
}

TEST_CASE("diff: two traces of one checkpoint are the same model under two names") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "a.pt");
  trace_model("tiny-bert", folder / "b.pt");
  const std::string a = (folder / "a.pt").string();
  const std::string b = (folder / "b.pt").string();
  const CliOutput output = run_bertjit({"diff", a, b});
  CHECK(output.exit_code == 0);
  CHECK(output.out.starts_with(a + " and " + b + ": the same model, other bytes: archive name: a and b\n"));
  CHECK(run_bertjit({"diff", a, b, "--bytes"}).exit_code == 1);
  CHECK(run_bertjit({"diff", a, b, "--code"}).exit_code == 0);
  CHECK(run_bertjit({"diff", a, b, "--weights"}).exit_code == 0);
  const CliOutput identical = run_bertjit({"diff", a, a});
  CHECK(identical.exit_code == 0);
  CHECK(identical.out == a + " and " + a + ": identical bytes\n");
}

TEST_CASE("diff: --weights and --code look at their part alone") {
  const Trace trace;
  const std::string other_weight =
      trace.write("w.pt", [](Records& records) { record_of(records, "/data/3")[17] ^= 1; });
  const std::string other_code =
      trace.write("c.pt", [](Records& records) { replace(root_code(records), "torch.rsub(", "torch.sub("); });
  CHECK(diff_json(trace.path, other_weight, {"--code"})["verdict"] == "pass");
  CHECK(diff_json(trace.path, other_weight, {"--weights"})["verdict"] == "fail");
  CHECK(diff_json(trace.path, other_code, {"--code"})["verdict"] == "fail");
  CHECK(diff_json(trace.path, other_code, {"--weights"})["verdict"] == "pass");
  const CliOutput both = run_bertjit({"diff", trace.path, other_code, "--weights", "--code"});
  CHECK(both.exit_code == 2);
  CHECK(both.err == "bertjit diff: --weights, --code and --bytes exclude each other\n");
}

TEST_CASE("diff: a flipped bit that checksums notice is an error that locates it, with what it was a copy of") {
  const Trace trace;
  std::string bytes = read_bytes(trace.path);
  const ZipArchive archive(trace.path);
  const ZipRecord* record = archive.find("a/data/3");
  REQUIRE(record != nullptr);
  bytes[record->data_offset + 5] ^= 16;
  write_bytes(trace.folder / "b.pt", bytes);
  const std::string other = (trace.folder / "b.pt").string();
  for (const auto& [first, second] : {std::pair(trace.path, other), std::pair(other, trace.path)}) {
    const CliOutput output = run_bertjit({"diff", first, second});
    INFO(output);
    CHECK(output.exit_code == 2);
    CHECK(output.out.empty());
    CHECK(output.err.find("b.pt: record 'a/data/3' has CRC-32 ") != std::string::npos);
    CHECK(output.err.find("a.pt in 1 byte, at " + std::to_string(record->data_offset + 5) + " (record 'a/data/3')") !=
          std::string::npos);
  }
  fs::copy(other, trace.folder / "c.pt");
  const CliOutput copies = run_bertjit({"diff", other, (trace.folder / "c.pt").string()});
  CHECK(copies.exit_code == 2);
  CHECK(copies.err.find("c.pt has the same bytes") != std::string::npos);
}

TEST_CASE("diff: damaged and hostile archives are refused, whichever side they are on") {
  const Trace trace;
  const auto refused = [&](const std::string& other, const std::string& words) {
    for (const auto& [first, second] : {std::pair(trace.path, other), std::pair(other, trace.path)}) {
      const CliOutput output = run_bertjit({"diff", first, second});
      INFO(output);
      CHECK(output.exit_code == 2);
      CHECK(output.out.empty());
      CHECK(output.err.find(words) != std::string::npos);
    }
  };
  const std::string bytes = read_bytes(trace.path);
  write_bytes(trace.folder / "cut.pt", bytes.substr(0, bytes.size() / 2));
  refused((trace.folder / "cut.pt").string(), "it is the first " + std::to_string(bytes.size() / 2) + " of ");
  refused(trace.write("outside.pt", [](Records& records) { records.emplace_back("b/data.pkl", "x"); }), "outside.pt: ");
  refused(trace.write("missing.pt", [](Records& records) { records.erase(records.begin() + 3); }), "missing.pt: ");
  refused((trace.folder / "absent.pt").string(), "No such file");
  refused(trace.folder.path().string(), "holds no weights");
  refused("/dev/null", "/dev/null");
  write_bytes(trace.folder / "text.pt", "no model");
  refused((trace.folder / "text.pt").string(), "text.pt: ");
}

TEST_CASE("diff: text says what differs, worst first, and shortens what --full shows whole") {
  const Trace trace;
  const std::string other = trace.write("b.pt", [](Records& records) {
    for (auto& [name, bytes] : records) {
      if (name.find("/data/") != std::string::npos && bytes.size() >= 128) {
        bytes[2] ^= 1;
      }
    }
    replace(root_code(records), "torch.rsub(", "torch.sub(");
  });
  const CliOutput output = run_bertjit({"diff", trace.path, other});
  INFO(output);
  CHECK(output.exit_code == 1);
  CHECK(output.out.find("code: 1 of ") < output.out.find("tensors: 39 of 39 tensors differ"));
  CHECK(output.out.find("-    _1 = torch.mul(torch.rsub(") == std::string::npos);
  CHECK(output.out.find("... and 29 tensors more (--full shows all)") != std::string::npos);
  const CliOutput full = run_bertjit({"diff", trace.path, other, "--full"});
  CHECK(full.out.find("--full shows all") == std::string::npos);
  CHECK(full.out.size() > output.out.size());
  const CliOutput painted = run_bertjit({"diff", trace.path, other, "--color", "always"});
  CHECK(painted.out.find("\033[31mdiffer\033[0m") != std::string::npos);
}

TEST_CASE("diff: libtorch is not loaded") {
  const TempDir folder;
  trace_model("tiny-bert", folder / "a.pt");
  const CommandOutput output =
      run_command("cd '" + folder.path().string() + "' && cp a.pt b.pt && BERTJIT_ENGINE=/none LD_DEBUG=libs " +
                  program() + " diff a.pt b.pt 2>&1");
  CHECK(output.exit_code == 0);
  CHECK(output.out.find("libtorch") == std::string::npos);
}

// Python: torch 2.13 writes the files.
TEST_CASE("diff: what Python does to a file is told") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  run_python(R"(
import copy, sys, warnings, torch
warnings.filterwarnings('ignore')
torch.manual_seed(0)
folder = sys.argv[1] + '/'
class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.a = torch.nn.Linear(8, 8)
        self.b = torch.nn.Linear(8, 8)
        self.drop = torch.nn.Dropout(0.1)
    def forward(self, x):
        return self.drop(self.b(torch.relu(self.a(x))))
net = Net().eval()
def save(module, name):
    torch.jit.trace(module, torch.ones(2, 8), check_trace=False).save(folder + name)
save(net, 'base.pt')
save(net, 'again.pt')
torch.jit.load(folder + 'base.pt').save(folder + 'resaved.pt')
torch.jit.freeze(torch.jit.load(folder + 'base.pt')).save(folder + 'frozen.pt')
torch.jit.load(folder + 'base.pt').save(folder + 'lite.pt')
torch.jit.load(folder + 'base.pt')._save_for_lite_interpreter(folder + 'lite.pt')
quantized = torch.ao.quantization.quantize_dynamic(copy.deepcopy(net), {torch.nn.Linear}, dtype=torch.qint8)
save(quantized, 'quantized.pt')
strided = copy.deepcopy(net)
strided.a.weight = torch.nn.Parameter(strided.a.weight.detach().t().contiguous().t())
save(strided, 'strided.pt')
frozen_weights = copy.deepcopy(net)
for parameter in frozen_weights.parameters():
    parameter.requires_grad_(False)
save(frozen_weights, 'no_grad.pt')
save(copy.deepcopy(net).train(), 'train.pt')
torch.jit.script(net).save(folder + 'scripted.pt')
scripted = torch.jit.script(net)
scripted.train()
scripted.save(folder + 'scripted_train.pt')
torch.save(net.state_dict(), folder + 'state.pt')
)",
             {folder.path().string()});
  struct Expected {
    const char* a;
    const char* b;
    const char* cause;
    const char* equality;
  };
  const Expected kExpected[] = {
      {"base", "again", "mangled-names", "same"},
      {"base", "resaved", "resave", "same"},
      {"base", "frozen", "frozen", "different"},
      {"base", "lite", "files", "different"},
      {"base", "quantized", "quantized", "different"},
      {"base", "strided", "tensor-traits", "different"},
      {"base", "no_grad", "requires-grad", "different"},
      {"base", "train", "recorded-dropout", "different"},
      {"scripted", "scripted_train", "training-flag", "different"},
      {"base", "scripted", "code", "different"},
      {"base", "state", "kind", "same"},
  };
  for (const Expected& expected : kExpected) {
    const std::string a = (folder / (std::string(expected.a) + ".pt")).string();
    const std::string b = (folder / (std::string(expected.b) + ".pt")).string();
    const nlohmann::json document = diff_json(a, b);
    INFO(expected.a << " and " << expected.b << "\n" << document["causes"].dump(1));
    CHECK(document["causes"][0]["id"] == expected.cause);
    CHECK(document["equality"] == expected.equality);
    if (document["only_tensors"] == false) {
      CHECK(same_content(a, b) == (expected.equality == std::string("same")));
    }
  }
}
