// Archives that two programs read as two models, that unpack to other places or without end, and files that are
// damaged where libtorch does not look. Layout: PKWARE's APPNOTE 6.3.
#include "scan/raw_zip_testing.h"
#include "scan/scan_testing.h"
#include "unsafe_files_testing.h"

namespace bertjit {

using testing::check_all_refuse;
using testing::check_none_answers;
using testing::HostileFile;
using testing::make_raw_zip;
using testing::patch;
using testing::RawRecord;
using testing::read_bytes;
using testing::RecordMap;
using testing::TempDir;
using testing::testdata;

namespace {

const std::string kCall =
    "\x80\x02"
    "cos\ngetcwd\n)R.";

std::string archive_with(const std::vector<RawRecord>& more) {
  return make_raw_zip(testing::with_records(testing::clean_script(), more));
}

std::string edited(const std::function<void(RecordMap&)>& edit) {
  const TempDir dir;
  testing::edit_archive(testing::clean_script(), dir / "edited.pt", edit);
  return read_bytes(dir / "edited.pt");
}

/// A clean archive with a number in the header of one record changed: in its own header, or in the directory.
enum class Header { kLocal, kCentral };

template <class T>
std::string patched(const std::string& record, Header header, size_t field, T value) {
  std::string bytes = archive_with({});
  const size_t name = header == Header::kLocal ? bytes.find(record) : bytes.rfind(record);
  const size_t size = header == Header::kLocal ? zip_format::kLocalSize : zip_format::kCentralSize;
  REQUIRE(name != std::string::npos);
  patch<T>(bytes, name - size + field, value);
  return bytes;
}

/// Offsets count from the start of the file, as `zip -A` makes them.
std::string behind(const std::string& prefix, std::string archive) {
  const auto shift = static_cast<uint32_t>(prefix.size());
  const size_t end = archive.size() - zip_format::kEndSize;
  auto entry = load_le<uint32_t>(std::as_bytes(std::span(archive)), end + 16);
  patch<uint32_t>(archive, end + 16, entry + shift);
  while (entry < end) {
    const auto bytes = std::as_bytes(std::span(archive));
    patch<uint32_t>(archive, entry + 42, load_le<uint32_t>(bytes, entry + 42) + shift);
    entry += 46u + load_le<uint16_t>(bytes, entry + 28);
  }
  return prefix + archive;
}

/// An archive whose comment is a second end record, of a directory without entries.
std::string with_two_ends() {
  std::string bytes = archive_with({});
  const std::string second = "PK\x05\x06" + std::string(18, '\0');
  patch<uint16_t>(bytes, bytes.size() - 2, static_cast<uint16_t>(second.size() + 1));
  return bytes + second + "x";
}

std::string with_overlap() {
  const size_t count = testing::read_records(testing::clean_script()).size();
  const std::string inner = make_raw_zip({{.name = "traced/extra/b", .bytes = "payload"}});
  std::string archive =
      archive_with({{.name = "traced/extra/a", .bytes = inner},
                    {.name = "traced/extra/b", .bytes = "payload", .overlaps = static_cast<int64_t>(count)}});
  const size_t header = archive.find(inner.substr(0, 30));
  patch<uint32_t>(archive, archive.rfind("traced/extra/b") - 4, static_cast<uint32_t>(header));
  return archive;
}

std::vector<HostileFile> deceits() {
  constexpr uint16_t kUnix = 3;
  const std::string zeros(4u << 20, '\0');
  return {
      {"parent", archive_with({{.name = "../outside.txt", .bytes = "x"}}), "zip-name", "../outside.txt"},
      {"parent-inside", archive_with({{.name = "traced/../../outside.txt", .bytes = "x"}}), "zip-name",
       "../../outside.txt"},
      {"absolute", archive_with({{.name = "/etc/outside.txt", .bytes = "x"}}), "zip-name", "/etc/outside.txt"},
      {"drive", archive_with({{.name = "C:/outside.txt", .bytes = "x"}}), "zip-name", "C:/outside.txt"},
      {"backslash", archive_with({{.name = "traced/extra/..\\outside.txt", .bytes = "x"}}), "zip-name",
       "extra/..\\outside.txt"},
      {"control", archive_with({{.name = "traced/extra/a\nb", .bytes = "x"}}), "zip-name", "extra/a\nb"},
      {"second-root", archive_with({{.name = "other/data.pkl", .bytes = "N."}}), "zip-outside-root", "other/data.pkl"},
      {"root-by-case", archive_with({{.name = "TRACED/data.pkl", .bytes = "N."}}), "zip-outside-root",
       "TRACED/data.pkl"},
      {"twice", archive_with({{.name = "traced/data.pkl", .bytes = "N."}}), "zip-duplicate", "data.pkl"},
      {"twice-by-case", archive_with({{.name = "traced/Data.pkl", .bytes = "N."}}), "zip-duplicate", "Data.pkl"},
      // picklescan GHSA-7q5r-7gvp-wc82: other names in the headers.
      {"two-names", archive_with({{.name = "traced/extra/a", .bytes = kCall, .local_name = "traced/constants.pkl"}}),
       "zip-two-names", "extra/a"},
      // picklescan GHSA-w8jq-xcqf-f792: flags that readers of zip stop at and libtorch does not.
      {"odd-flag", archive_with({{.name = "traced/payload.pkl", .bytes = kCall, .flags = 0x20}}), "pickle-import",
       "payload.pkl"},
      {"link",
       archive_with({{.name = "traced/extra/l", .bytes = "/etc", .made_by = kUnix, .attributes = 0120777u << 16}}),
       "zip-link", "extra/l"},
      {"device",
       archive_with({{.name = "traced/extra/d", .bytes = "", .made_by = kUnix, .attributes = 0020666u << 16}}),
       "zip-link", "extra/d"},
      {"overlap", with_overlap(), "zip-overlap", "extra/b"},
      {"bomb", archive_with({{.name = "traced/extra/zeros", .bytes = zeros, .size = 4'000'000'000u}}), "zip-bomb",
       "extra/zeros"},
      {"prefix", behind("\x80\x02}.", archive_with({})), "zip-prefix", ".data/serialization_id"},
      {"two-ends", with_two_ends(), "zip-two-ends", ""},
  };
}

std::vector<HostileFile> damages() {
  using enum Header;
  const std::string data = "traced/data/0";
  const std::string whole = archive_with({});
  const auto safetensors = [](const char* name) {
    return read_bytes(testdata(std::string("broken/") + name + "/model.safetensors"));
  };
  return {
      {"encrypted", patched<uint16_t>(data, kCentral, 8, 1), "zip-encrypted", "data/0"},
      {"encrypted-there", patched<uint16_t>(data, kLocal, 6, 1), "corrupt", "data/0"},
      {"other-method", patched<uint16_t>(data, kLocal, 8, 8), "corrupt", "data/0"},
      {"unknown-method", patched<uint16_t>(data, kCentral, 10, 12), "unread", "data/0"},
      {"other-size", patched<uint32_t>(data, kLocal, 22, 1), "corrupt", "data/0"},
      {"other-crc", patched<uint32_t>(data, kLocal, 14, 1), "corrupt", "data/0"},
      // pytorch/pytorch issue 185440: 2.2 GB in a file of kilobytes.
      {"huge", patched<uint32_t>("traced/constants.pkl", kCentral, 24, 2'200'000'000u), "corrupt", "constants.pkl"},
      // Of CVE-2025-10155 to -10157: a CRC that does not fit stops scanners, and libtorch does not look at it.
      {"wrong-crc",
       [] {
         std::string bytes = archive_with({{.name = "traced/payload.pkl", .bytes = kCall}});
         bytes[bytes.find(kCall) + 2] = 'C';
         return bytes;
       }(),
       "corrupt", "payload.pkl"},
      {"cut", whole.substr(0, whole.size() - 1), "corrupt", ""},
      {"appended", whole + "x", "corrupt", ""},
      {"fewer-entries",
       [&] {
         std::string bytes = whole;
         patch<uint16_t>(bytes, bytes.size() - 12, 1);
         patch<uint16_t>(bytes, bytes.size() - 14, 1);
         return bytes;
       }(),
       "corrupt", ""},
      {"directory-outside",
       [&] {
         std::string bytes = whole;
         patch<uint32_t>(bytes, bytes.size() - 6, 0x7fffffffu);
         return bytes;
       }(),
       "corrupt", ""},
      // pytorch issue 185443: lengths in a pickle that memory is taken for.
      {"long-text", edited([](RecordMap& records) {
         records["traced/constants.pkl"] = std::string("\x80\x02\x8d\x00\x00\x00\xfa\x00\x00\x00\x00.", 12);
       }),
       "pickle-fault", "constants.pkl"},
      // pytorch pull 169570: a call that libtorch's unpickler takes apart without looking.
      {"from-type", edited([](RecordMap& records) {
         records["traced/constants.pkl"] = "\x80\x02(ctorch._tensor\n_rebuild_from_type_v2\n)Rt.";
       }),
       "unread", "constants.pkl"},
      // CVE-2026-24747: a storage with fewer bytes than its pickle says, and SETITEM on what is no dict.
      {"short-storage", edited([](RecordMap& records) { records["traced/data/1"].resize(4); }), "corrupt", "data/1"},
      {"set-item", edited([](RecordMap& records) { records["traced/data.pkl"] = "\x80\x02]NNs."; }), "corrupt",
       "data.pkl"},
      {"no-storage", edited([](RecordMap& records) { records.erase("traced/data/1"); }), "corrupt", "data/1"},
      {"no-code", edited([](RecordMap& records) { records.erase("traced/code/__torch__/___torch_mangle_0.py"); }),
       "undefined", "code/__torch__/___torch_mangle_0.py"},
      // libtorch reads the second item of ("operators", …, …), the last is empty.
      {"operators-of-three", edited([](RecordMap& records) {
         records["traced/bytecode.pkl"] =
             "\x80\x02(\x8c\x09operators((\x8c\x0a"
             "aten::savet)tt.";
       }),
       "unread", "bytecode.pkl"},
      {"code-of-nothing", archive_with({testing::deflated("traced/code/__torch__/z.py", std::string(2u << 20, ','))}),
       "unread", "code/__torch__/z.py"},
      {"pickle-of-nothing", archive_with({testing::deflated("traced/extra/a.pkl", std::string(2u << 20, 'N') + ".")}),
       "unread", "extra/a.pkl"},
      {"broken-pickle-beside", edited([](RecordMap& records) { records["traced/extra/a.pkl"] = "\x80\x02}"; }),
       "pickle-fault", "extra/a.pkl"},
      {"gzip", "\x1f\x8b\x08" + std::string(64, '\0'), "unread", ""},
      {"seven-zip", "7z\xbc\xaf\x27\x1c" + std::string(64, '\0'), "unread", ""},
      {"image", "\x89PNG\r\n\x1a\n" + std::string(64, '\0'), "unread", ""},
      {"empty", "", "corrupt", ""},
      {"header-too-long", safetensors("header_length_past_end"), "corrupt", "", ".safetensors"},
      {"overlapping", safetensors("overlapping_offsets"), "corrupt", "", ".safetensors"},
      {"past-end", safetensors("tensor_past_end"), "corrupt", "", ".safetensors"},
  };
}

}  // namespace

TEST_CASE("unsafe files: archives that deceive are refused by every command") {
  check_all_refuse(deceits());
}

TEST_CASE("unsafe files: of damaged archives and other files no command makes anything") {
  check_none_answers(damages());
}

TEST_CASE("unsafe files: Python reads two archives out of the one with two ends, as the scan says") {
  SKIP_WITHOUT_PYTHON();
  const TempDir dir;
  testing::write_bytes(dir / "one.pt", archive_with({}));
  testing::write_bytes(dir / "two.pt", with_two_ends());
  const std::string counts = testing::run_python(R"(
import sys, zipfile
for path in sys.argv[1:]:
    try:
        print(len(zipfile.ZipFile(path).namelist()))
    except zipfile.BadZipFile as error:
        print(error)
)",
                                                 {(dir / "one.pt").string(), (dir / "two.pt").string()});
  CHECK(counts.substr(0, 3) == "15\n");
  CHECK(counts.substr(3, 3) != "15\n");
}

TEST_CASE("clean files: whatever bertjit writes is safe: every scheme of int8, traces, scripts, tensors") {
  const TempDir dir;
  const std::string tiny = testdata("tiny-bert").string();
  std::vector<std::string> files;
  const auto write = [&](std::vector<std::string> command, const std::string& name) {
    files.push_back((dir / name).string());
    command.insert(command.end(), {"-o", files.back(), "--quiet"});
    const auto output = testing::run_bertjit(command);
    INFO(output);
    REQUIRE(output.exit_code == 0);
  };
  write({"trace", tiny}, "traced.pt");
  write({"trace", tiny, "--freeze"}, "frozen.pt");
  write({"trace", tiny, "--fixed-shapes", "--strip-debug"}, "fixed.pt");
  write({"trace", testdata("source/reference/loop.py").string() + ":loop_in_traced_fn", "--script", "--input",
         "rand:3x4x5"},
        "scripted.pt");
  for (const std::string scheme : {"per-tensor", "per-channel", "per-token"}) {
    write({"quantize", (dir / "traced.pt").string(), "--scheme", scheme}, scheme + ".pt");
    write({"quantize", (dir / "traced.pt").string(), "--scheme", scheme, "--embeddings", "int8"}, scheme + "-all.pt");
  }
  write({"run", tiny}, "out.npz");
  write({"run", tiny}, "out.safetensors");
  for (const std::string& file : files) {
    const auto output = testing::run_bertjit({"scan", file});
    INFO(output);
    CHECK(output.exit_code == 0);
  }
}

TEST_CASE("clean files: traces, scripts and quantized modules that Python's torch writes are safe") {
  SKIP_WITHOUT_PYTHON();
  const TempDir dir;
  testing::run_python(R"(
import sys, torch, warnings
warnings.simplefilter('ignore')
folder = sys.argv[1] + '/'
torch.manual_seed(0)

class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.table = torch.nn.Embedding(20, 8)
        self.rnn = torch.nn.LSTM(8, 8, batch_first=True)
        self.encoder = torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), 2)
        self.heads = torch.nn.ModuleList([torch.nn.Linear(8, 4), torch.nn.Linear(8, 4)])

    def forward(self, ids):
        x, _ = self.rnn(self.table(ids))
        x = self.encoder(x)
        for head in self.heads:
            if bool(x.sum() > 1e9):
                x = x * 2
        return self.heads[0](x), self.heads[1](x)

net = Net().eval()
ids = torch.tensor([[1, 2, 3]])
traced = torch.jit.trace(net, ids, check_trace=False)
traced.save(folder + 'traced.pt')
torch.jit.freeze(traced).save(folder + 'frozen.pt')
torch.jit.script(net).save(folder + 'scripted.pt')
torch.jit.script(net)._save_for_lite_interpreter(folder + 'lite.ptl')
torch.jit.save(traced, folder + 'extra.pt', _extra_files={'notes.txt': 'some text', 'config.json': '{"a": 1}'})
small = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.ReLU(), torch.nn.Linear(8, 4)).eval()
x = torch.zeros(2, 8)
for dtype in (torch.qint8, torch.float16):
    quantized = torch.ao.quantization.quantize_dynamic(small, {torch.nn.Linear}, dtype=dtype)
    torch.jit.trace(quantized, x).save(folder + f'dynamic-{str(dtype)[6:]}.pt')
    torch.jit.script(quantized).save(folder + f'dynamic-script-{str(dtype)[6:]}.pt')
class Reader(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = torch.nn.LSTM(8, 8)
        self.head = torch.nn.Linear(8, 4)

    def forward(self, x):
        y, _ = self.rnn(x)
        return self.head(y)

reader = torch.ao.quantization.quantize_dynamic(Reader().eval(), {torch.nn.LSTM, torch.nn.Linear}, dtype=torch.qint8)
torch.jit.script(reader).save(folder + 'dynamic-lstm.pt')
torch.save(net.state_dict(), folder + 'state.bin')
torch.save(net.state_dict(), folder + 'old.bin', _use_new_zipfile_serialization=False)
torch.save({'model': net.state_dict(), 'epoch': 3, 'half': torch.zeros(3).half()}, folder + 'training.bin')
)",
                      {dir.path().string()});
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir.path())) {
    const auto output = testing::run_bertjit({"scan", entry.path().string()});
    INFO(output);
    CHECK(output.exit_code == 0);
    ++count;
  }
  CHECK(count >= 13);
}

TEST_CASE("clean files: the larger checkpoints, and artifacts that nobody damaged, are safe") {
  SKIP_WITHOUT_SHARED("fixtures");
  size_t count = 0;
  for (const char* folder : {"fixtures", "models"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(testing::shared(folder))) {
      const std::string suffix = entry.path().extension().string();
      if (suffix != ".safetensors" && suffix != ".bin" && suffix != ".pt" && suffix != ".npz") {
        continue;
      }
      const auto output = testing::run_bertjit({"scan", entry.path().string()});
      INFO(output);
      CHECK(output.exit_code == 0);
      ++count;
    }
  }
  CHECK(count >= 30);
}

}  // namespace bertjit
