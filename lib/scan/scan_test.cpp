// Whole files: every format, and what is safe.
#include "container/safetensors.h"
#include "scan/raw_zip_testing.h"
#include "scan/scan_testing.h"

namespace bertjit {

using testing::RecordMap;
using testing::scan_edited;
using testing::testdata;

namespace {

namespace fs = std::filesystem;

const std::string kCallsGetcwd =
    "\x80\x02"
    "cos\ngetcwd\n)R.";

ScanVerdict verdict_of(const fs::path& path) {
  const ScanResult result = scan_file(path.string(), {});
  INFO(result);
  return result.verdict;
}

std::vector<fs::path> files_below(const fs::path& folder, const std::string& suffix) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.path().extension() == suffix && entry.is_regular_file()) {
      files.push_back(entry.path());
    }
  }
  std::ranges::sort(files);
  return files;
}

}  // namespace

TEST_CASE("scan: every TorchScript file of testdata is safe: traced, scripted, quantized, frozen, lite, stripped") {
  const auto files = files_below(testdata(""), ".pt");
  CHECK(files.size() >= 20);
  for (const fs::path& file : files) {
    const ScanResult result = scan_file(file.string(), {});
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kSafe);
    CHECK(result.functions > 0);
  }
}

TEST_CASE("scan: every checkpoint and array of testdata that is no test of a fault is safe") {
  size_t count = 0;
  for (const char* suffix : {".safetensors", ".npz"}) {
    for (const fs::path& file : files_below(testdata(""), suffix)) {
      if (file.string().find("/broken/") != std::string::npos) {
        continue;
      }
      const ScanResult result = scan_file(file.string(), {});
      INFO(result);
      CHECK(result.verdict == ScanVerdict::kSafe);
      ++count;
    }
  }
  CHECK(count >= 10);
  for (const char* name :
       {"old_form", "protocol3", "protocol4", "protocol4_old_form", "protocol5", "training", "wrapped", "zip_form"}) {
    CHECK(verdict_of(testdata(std::string("container/") + name + ".bin")) == ScanVerdict::kSafe);
  }
}

TEST_CASE("scan: a pickle that calls a function is unsafe in each record that is unpickled, and there is named") {
  for (const char* record :
       {"data.pkl", "constants.pkl", "traced_inputs.pkl", "bytecode.pkl", "code/__torch__.py.debug_pkl",
        "extra/notes.pkl", "payload.pkl", "extra/notes", "data/99", "extra/notes.txt"}) {
    for (const std::string& payload :
         {kCallsGetcwd,
          std::string("\x80\x02"
                      "cbuiltins\nprint\nX\x02\x00\x00\x00hi\x85R.",
                      31),
          std::string("cbuiltins\nlen\n(]tR."), std::string("\x80\x04\x8c\x02os\x8c\x06getcwd\x93)R.")}) {
      const ScanResult result =
          scan_edited([&](RecordMap& records) { records[std::string("traced/") + record] = payload; });
      INFO(record << "\n" << result);
      CHECK(result.verdict == ScanVerdict::kUnsafe);
      REQUIRE(!result.findings.empty());
      CHECK(result.findings.front().rule == "pickle-import");
      CHECK(result.findings.front().record == record);
    }
  }
}

TEST_CASE("scan: an import in the middle of an honest pickle is found") {
  const ScanResult result = scan_edited([](RecordMap& records) {
    std::string& pickle = records["traced/data.pkl"];
    pickle.insert(2, "cos\ngetcwd\n)R0");
  });
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(result.findings.front().found.find("os.getcwd") != std::string::npos);
  CHECK(result.findings.front().offset == 2);
}

TEST_CASE("scan: files of the user's beside the model are data, whatever they hold") {
  const ScanResult result = scan_edited([](RecordMap& records) {
    records["traced/extra/vocab.txt"] = "[PAD]\n[UNK]\ncats\ndogs\n.\n";
    records["traced/extra/notes.py"] = "import os\nos.getcwd()\n";
    records["traced/extra/data.bin"] = std::string("\x80\x02\x00\xff garbage", 12);
    records["traced/extra/plain.pkl"] = std::string("\x80\x02]q\x01.", 6);
    records["traced/extra/empty"] = "";
  });
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kSafe);
}

TEST_CASE("scan: a program outside of code/ and extra/ is unsafe") {
  for (const char* name : {"traced/setup.py", "traced/data/lib.so", "traced/run.sh"}) {
    const ScanResult result = scan_edited([&](RecordMap& records) { records[name] = "echo\n"; });
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
    CHECK(result.findings.front().rule == "program");
  }
}

TEST_CASE("scan: an object of a C++ class that is not known is unsafe, a packed weight is not") {
  CHECK(verdict_of(testdata("torchscript/quantized.pt")) == ScanVerdict::kSafe);
  const testing::TempDir dir;
  testing::edit_archive(testdata("torchscript/quantized.pt"), dir / "quantized.pt", [](RecordMap& records) {
    testing::replace_once(records["quantized/data.pkl"], "quantized\nLinearPackedParamsBase",
                          "dist_rpcxx\nLinearPackedParamsBase");
  });
  CHECK(verdict_of(dir / "quantized.pt") == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: a flipped bit is damage, not intent, and its record is named") {
  const testing::TempDir dir;
  for (const char* record : {"data/0", "data.pkl", "constants.pkl", "code/__torch__.py"}) {
    testing::flip_bit(testing::traced(), dir / "flipped.pt", std::string("traced/") + record);
    const ScanResult result = scan_file((dir / "flipped.pt").string(), {});
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kCannotTell);
    CHECK(result.findings.front().effect == ScanEffect::kCorrupt);
    CHECK(result.findings.front().record == record);
  }
}

TEST_CASE("scan: a storage that is missing or too short is damage, and is named") {
  const ScanResult missing = scan_edited([](RecordMap& records) { records.erase("traced/data/1"); });
  CHECK(missing.verdict == ScanVerdict::kCannotTell);
  CHECK(missing.findings.front().record == "data/1");
  const ScanResult cut = scan_edited([](RecordMap& records) { records["traced/data/1"].resize(4); });
  CHECK(cut.verdict == ScanVerdict::kCannotTell);
  CHECK(cut.findings.front().effect == ScanEffect::kCorrupt);
  CHECK(cut.findings.front().record == "data/1");
  for (const char* name : {"data.pkl", "constants.pkl", "version"}) {
    const ScanResult result = scan_edited([&](RecordMap& records) { records.erase(std::string("traced/") + name); });
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kCannotTell);
    CHECK(result.findings.front().effect == ScanEffect::kCorrupt);
    CHECK(result.findings.front().record == name);
  }
}

TEST_CASE("scan: pickles that are no models are judged by what they import") {
  CHECK(testing::scan_bytes(kCallsGetcwd, "model.bin").verdict == ScanVerdict::kUnsafe);
  CHECK(testing::scan_bytes("cos\ngetcwd\n(tR.", "model.bin").verdict == ScanVerdict::kUnsafe);
  CHECK(verdict_of(testdata("container/os_system.bin")) == ScanVerdict::kUnsafe);
  CHECK(verdict_of(testdata("container/whole_module.bin")) == ScanVerdict::kUnsafe);
  CHECK(verdict_of(testdata("broken/unsafe_pickle/pytorch_model.bin")) == ScanVerdict::kUnsafe);
  // The fourth of the old form's pickles, after magic number, version and machine.
  std::string old = testing::read_bytes(testdata("container/old_form.bin"));
  const size_t object = old.find("ccollections\nOrderedDict\n");
  REQUIRE(object != std::string::npos);
  old.replace(object, 25, "cos\ngetcwd\n)R0ccollections\nOrderedDict\n");
  const ScanResult result = testing::scan_bytes(old, "old_form.bin");
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(result.findings.front().offset == object);
}

TEST_CASE("scan: arrays of Python objects are unsafe, other arrays are not") {
  const std::string objects = testing::read_bytes(testdata("container/objects.npy"));
  CHECK(testing::scan_bytes(objects, "a.npy").verdict == ScanVerdict::kUnsafe);
  const ScanResult result = testing::scan_bytes(testing::make_zip({{"a.npy", objects}}), "a.npz");
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kUnsafe);
  CHECK(result.findings.front().record == "a.npy");
  const ScanResult hidden = testing::scan_bytes(
      testing::make_zip({{"a.npy", testing::read_bytes(testdata("container/version2.npy"))}, {"b", kCallsGetcwd}}),
      "a.npz");
  CHECK(hidden.verdict == ScanVerdict::kUnsafe);
  CHECK(hidden.findings.front().record == "b");
}

TEST_CASE("scan: a damaged .safetensors file is no answer, whatever is wrong with it") {
  for (const char* name :
       {"header_length_past_end", "header_not_json", "header_number_overflows", "overlapping_offsets",
        "reversed_offsets", "tensor_past_end", "truncated_data", "truncated_header", "shape_overflows"}) {
    const ScanResult result = scan_file(testdata(std::string("broken/") + name + "/model.safetensors").string(), {});
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kCannotTell);
    CHECK(result.findings.front().effect == ScanEffect::kCorrupt);
  }
}

TEST_CASE("scan: what cannot be read is no answer, and no exception") {
  const testing::TempDir dir;
  CHECK(verdict_of(dir / "absent.pt") == ScanVerdict::kCannotTell);
  CHECK(verdict_of(dir.path()) == ScanVerdict::kCannotTell);
  CHECK(testing::scan_bytes("").findings.front().effect == ScanEffect::kCorrupt);
  CHECK(testing::scan_bytes("a text\n").verdict == ScanVerdict::kCannotTell);
  CHECK(testing::scan_bytes(testing::make_zip({{"a/readme.txt", "x"}})).verdict == ScanVerdict::kCannotTell);
}

TEST_CASE("scan: of a thousand faults a hundred are kept, the worst first, and all are counted") {
  std::string calls = "\x80\x02";
  for (int i = 0; i < 1000; ++i) {
    calls += "cos\ngetcwd\n)R0";
  }
  const ScanResult result = scan_edited([&](RecordMap& records) {
    records["traced/data.pkl"] = calls + "N.";
    records["traced/constants.pkl"].resize(3);
  });
  CHECK(result.findings.size() == 100);
  CHECK(result.finding_count > 1000);
  CHECK(result.findings.front().effect == ScanEffect::kUnsafe);
}

TEST_CASE("scan: no clean file of the corpus is accused, and no damaged one called safe") {
  if (!testing::has_shared("faults")) {
    return;
  }
  size_t count = 0;
  for (const fs::path& file : files_below(testing::shared("faults"), ".pt")) {
    const bool is_damaged =
        testing::read_bytes(file.parent_path() / "case.json").find("\"record_corrupt\"") != std::string::npos;
    const ScanResult result = scan_file(file.string(), {});
    INFO(result);
    CHECK(result.verdict == (is_damaged ? ScanVerdict::kCannotTell : ScanVerdict::kSafe));
    ++count;
  }
  CHECK(count > 0);
}

TEST_CASE("scan: a .safetensors file that is a pickle too is unsafe, whatever it is called and imports") {
  for (const std::string body :
       {"cos\ngetcwd\n)R.", "cos\ngetcwd\n)R\xff", "ctorch\nSize\n)R.", "clib-dynload\n__name__\n."}) {
    for (const char* name : {"model.safetensors", "pytorch_model.bin"}) {
      const ScanResult result = testing::scan_bytes(testing::safetensors_and_pickle(body), name);
      INFO(result);
      CHECK(result.verdict == ScanVerdict::kUnsafe);
      CHECK(result.kind == "safetensors");
      CHECK(testing::has_rule(result, "pickle-import"));
      CHECK(result.records == 1);
    }
  }
  // What follows is weights, and Python would stop at that name.
  for (const std::string& body : {std::string("\0\0\0\0", 4), std::string("c\0\n\0\n)R.", 8), std::string("N.")}) {
    CHECK(testing::scan_bytes(testing::safetensors_and_pickle(body), "a.safetensors").verdict == ScanVerdict::kSafe);
  }
}

TEST_CASE("scan: a pickle without a name of its own is found by names that are no identifiers, and made ones") {
  for (const std::string pickle : {"\x80\x02"
                                   "clib-dynload\n__name__\n)R.",
                                   "\x80\x04"
                                   "c_codecs\nencode\n\x8c\x02"
                                   "bf\x8c\x05rot13\x86R\x8c\x06getcwd\x93)R."}) {
    const ScanResult result = scan_edited([&](RecordMap& records) { records["traced/data/99"] = pickle; });
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
  }
}

TEST_CASE("scan: numpy takes for an array what begins as one, and so does the scan") {
  const std::string objects = testing::read_bytes(testdata("container/objects.npy"));
  const std::string array = testing::read_bytes(testdata("container/version2.npy"));
  const ScanResult hidden = testing::scan_bytes(testing::make_zip({{"a.npy", array}, {"b", objects}}), "a.npz");
  INFO(hidden);
  CHECK(hidden.verdict == ScanVerdict::kUnsafe);
  CHECK(hidden.findings.front().record == "b");
  const ScanResult pickle = testing::scan_bytes(testing::make_zip({{"a.npy", kCallsGetcwd}}), "a.npz");
  CHECK(pickle.verdict == ScanVerdict::kUnsafe);
  // Also one whose elements are more than are unpacked to be looked at.
  const std::string large = testing::make_raw_zip({testing::deflated("a.npy", objects + std::string(4u << 20, '\0'))});
  CHECK(testing::scan_bytes(large, "a.npz").verdict == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: arrays that bertjit does not read and numpy reads without unpickling are safe") {
  std::string text = testing::read_bytes(testdata("container/version2.npy"));
  testing::replace_once(text, "<f4", "<U1");
  CHECK(testing::scan_bytes(text, "a.npy").verdict == ScanVerdict::kSafe);
  CHECK(testing::scan_bytes(testing::make_zip({{"a.npy", text}}), "a.npz").verdict == ScanVerdict::kSafe);
  CHECK(testing::scan_bytes(text + "x", "a.npy").verdict == ScanVerdict::kCannotTell);
  CHECK(verdict_of(testdata("container/big_endian.npy")) == ScanVerdict::kSafe);
  CHECK(verdict_of(testdata("container/structured.npy")) == ScanVerdict::kCannotTell);
  // numpy.savez without arrays.
  const std::string nothing = "PK\x05\x06" + std::string(18, '\0');
  const ScanResult empty = testing::scan_bytes(nothing, "a.npz");
  CHECK(empty.verdict == ScanVerdict::kSafe);
  CHECK(empty.kind == "npz");
  std::string behind = kCallsGetcwd + nothing;
  testing::patch<uint32_t>(behind, behind.size() - 6, static_cast<uint32_t>(kCallsGetcwd.size()));
  CHECK(testing::scan_bytes(behind, "a.npz").verdict != ScanVerdict::kSafe);
}

TEST_CASE("scan: checkpoints that are no state dicts are safe if their imports and storages are") {
  for (const char* name : {"list", "uint16", "complex64", "float8", "meta"}) {
    INFO(name);
    CHECK(verdict_of(testdata(std::string("container/") + name + ".bin")) == ScanVerdict::kSafe);
  }
  for (const char* name : {"sparse", "quantized"}) {
    INFO(name);
    CHECK(verdict_of(testdata(std::string("container/") + name + ".bin")) == ScanVerdict::kCannotTell);
  }
  for (const std::string pickle : {"}", "]", "K\x01", "N"}) {
    const std::string file = testing::make_zip({{"m/data.pkl", "\x80\x02" + pickle + "."}, {"m/version", "3\n"}});
    CHECK(testing::scan_bytes(file, "x.bin").verdict == ScanVerdict::kSafe);
  }
}

TEST_CASE("scan: operators of bytecode are those that libtorch reads, in the one form that it writes") {
  const auto text = [](const std::string& value) {
    return "\x8c" + std::string(1, static_cast<char>(value.size())) + value;
  };
  const auto scan_bytecode = [&](const std::string& body) {
    return scan_edited([&](RecordMap& records) { records["traced/bytecode.pkl"] = "\x80\x02" + body + "."; });
  };
  const std::string key = "(" + text("operators");
  const auto op = [&](const std::string& name) { return "(" + text(name) + text("") + "t"; };
  CHECK(scan_bytecode(key + "(" + op("aten::add") + "tt").verdict == ScanVerdict::kSafe);
  CHECK(scan_bytecode(key + "((" + text("aten::add") + text("Tensor") + "K\x02ttt").verdict == ScanVerdict::kSafe);
  const ScanResult save = scan_bytecode(key + "(" + op("aten::save") + "tt");
  INFO(save);
  CHECK(save.verdict == ScanVerdict::kUnsafe);
  CHECK(save.findings.front().rule == "operator");
  // libtorch reads the second item.
  for (const std::string& body :
       {key + "(" + op("aten::save") + "t)t", key + "(" + op("aten::add") + "t(" + op("aten::save") + "tt",
        key + "](" + op("aten::save") + "et", key + "t", key + "(" + text("aten::save") + "tt",
        key + "((" + "K\x01" + text("") + "ttt"}) {
    const ScanResult result = scan_bytecode(body);
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kCannotTell);
    CHECK(result.findings.front().record == "bytecode.pkl");
  }
}

TEST_CASE("scan: what unpacks to far more than the file is not taken into memory, and named where it matters") {
  const std::string commas(2u << 20, ',');
  const auto scan_with = [](const std::string& name, const std::string& bytes) {
    return testing::scan_bytes(
        testing::make_raw_zip(testing::with_records(testing::traced(), {testing::deflated("traced/" + name, bytes)})),
        "traced.pt");
  };
  for (const char* name : {"code/__torch__/z.py", "extra/x.pkl", "code/__torch__/z.py.debug_pkl"}) {
    const ScanResult result = scan_with(name, name[0] == 'c' ? commas : std::string(2u << 20, 'N') + ".");
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kCannotTell);
    CHECK(result.findings.front().record == name);
  }
  CHECK(scan_with("extra/zeros", std::string(4u << 20, '\0')).verdict == ScanVerdict::kSafe);
  CHECK(scan_with("extra/notes", kCallsGetcwd + std::string(4u << 20, '\0')).verdict == ScanVerdict::kUnsafe);
  CHECK(scan_with("extra/notes.pkl", kCallsGetcwd + std::string(4u << 20, '\0')).verdict == ScanVerdict::kUnsafe);
}

}  // namespace bertjit
