// Pickles that import and call what no model needs, in every way that pickles have and that scanners were known to
// miss. What they call is os.getcwd or another function that does nothing.
#include "scan/raw_zip_testing.h"
#include "scan/scan_testing.h"
#include "unsafe_files_testing.h"

namespace bertjit {

using testing::check_all_refuse;
using testing::HostileFile;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

namespace {

struct HostilePickle {
  std::string name;
  std::string bytes;
};

/// With the NULs in it.
template <size_t kSize>
std::string bytes_of(const char (&text)[kSize]) {
  return {text, kSize - 1};
}

/// SHORT_BINUNICODE
std::string text4(const std::string& text) {
  return "\x8c" + std::string(1, static_cast<char>(text.size())) + text;
}

std::string protocol2(const std::string& body) {
  return "\x80\x02" + body;
}

std::string protocol4(const std::string& body) {
  return "\x80\x04" + body;
}

/// Imported by STACK_GLOBAL and called without arguments.
std::string called(const std::string& module, const std::string& name) {
  return protocol4(text4(module) + text4(name) + "\x93)R.");
}

/// Ways to make the same call. Instructions: Lib/pickletools.py.
std::vector<HostilePickle> instruction_pickles() {
  return {
      {"reduce", protocol2("cos\ngetcwd\n)R.")},
      {"protocol0", "cposix\ngetcwd\n(tR."},
      {"quoted-text", protocol2("cbuiltins\nlen\n(S''\ntR.")},
      {"python2-names", "c__builtin__\nlen\n(S'1'\ntR."},
      {"instance", "(ios\ngetcwd\n."},
      {"object", "(cos\ngetcwd\no."},
      {"new-object", protocol2("cos\ngetcwd\n)\x81.")},
      {"new-object-ex", protocol4("cos\ngetcwd\n)}\x92.")},
      {"build", protocol2("cfunctools\npartial\nN(Va\nVos\nd\x86"
                          "b.")},
      {"stack-global", called("os", "getcwd")},
      {"quoted-operands", protocol4("S'os'\nS'getcwd'\n\x93)R.")},
      {"extension1", protocol2("\x82\x01)R.")},
      {"extension2", protocol2(bytes_of("\x83\x01\x00)R."))},
      {"extension4", protocol2(bytes_of("\x84\x01\x00\x00\x00)R."))},
      {"duplicated", protocol2("cos\ngetcwd\n2)R.")},
      {"popped", protocol2("cos\ngetcwd\n)R0N.")},
      {"popped-to-mark", protocol2("(cos\ngetcwd\n)R1N.")},
      {"popped-mark", protocol2("(0cos\ngetcwd\n)R.")},
      {"not-called", protocol2("cos\ngetcwd\n.")},
      {"persistent-id", protocol2("(cos\ngetcwd\n)RtQ.")},
      {"second-header", protocol2("N0\x80\x02"
                                  "cos\ngetcwd\n)R.")},
      {"short-frame", protocol4(bytes_of("\x95\x01\x00\x00\x00\x00\x00\x00\x00") + "cos\ngetcwd\n)R.")},
  };
}

/// What public reports say that scanners missed; the source behind each.
std::vector<HostilePickle> reported_pickles() {
  const std::string broken = "\xff";
  return {
      // mmaitre314/picklescan issue 22: operands out of the memo, in another order than they were put in.
      {"memo-order", "Vos\np2\n0Vgetcwd\np3\n0Vtorch\np0\n0VLongStorage\np1\n0g2\ng3\n\x93(tR."},
      // picklescan issue 14: MEMOIZE goes on behind what BINPUT has numbered.
      {"memo-confusion", protocol4(bytes_of("U\x02os"
                                            "q\x00") +
                                   bytes_of("U\x06getcwd"
                                            "q\x01") +
                                   bytes_of("U\x0ctorch._utils\x94U\x12_rebuild_tensor_v2\x94h\x00h\x01\x93)R."))},
      // The same numbers, as only int() reads them.
      {"memo-number", protocol4("Vos\np 1\n0Vgetcwd\np+2\n0g1 \ng0_2\n\x93)R.")},
      // protectai/modelscan issue 85: BUILD writes attributes of what is imported.
      {"build-attributes", protocol2("cnumpy\nprod\nN(Va\nVos\nd\x86"
                                     "b0N.")},
      // modelscan issue 51: INST.
      {"instance-exec", "(S'1'\ni__builtin__\nlen\n."},
      // modelscan issue 331: names joined while the pickle runs.
      {"joined-name", protocol4(text4("importlib") + text4("import_module") + "\x93" + text4("os") + "\x85R.")},
      // modelscan issue 338, 5b: operands that are bytes.
      {"bytes-operand", protocol4("C\x02os" + text4("getcwd") + "\x93)R.")},
      // A name out of what is allowed: _codecs.encode('bf', 'rot13') is 'os'.
      {"made-name",
       protocol4("c_codecs\nencode\n" + text4("bf") + text4("rot13") + "\x86R" + text4("getcwd") + "\x93)R.")},
      // trailofbits/fickling pull 139: what follows the call is no instruction, so that strict readers give up.
      {"broken-behind", protocol2("cos\ngetcwd\n)R" + broken)},
      {"cut-behind", protocol2("cos\ngetcwd\n)R")},
      // Of CVE-2025-10155 to -10157: a name in a submodule of what a list names.
      {"submodule", called("asyncio.unix_events", "_UnixSubprocessTransport._start")},
      // CVE-2025-1716: pip.main.
      {"pip", protocol2("cpip\nmain\n(]tR.")},
      // promptfoo/modelaudit: pkgutil.resolve_name imports whatever a text names.
      {"resolve-name", protocol4("cpkgutil\nresolve_name\n" + text4("os:getcwd") + "\x85R)R.")},
      // modelscan issue 338, 1: functions of PyTorch that run commands.
      {"torch-gadget", protocol4("ctorch.utils.collect_env\nrun\n" + text4("true") + "\x85R.")},
      {"multiprocessing", called("multiprocessing.util", "spawnv_passfds")},
      // modelscan issue 263: an attribute of an allowed module's module.
      {"dotted", called("torch", "serialization.os.getcwd")},
      {"partial", protocol2("cfunctools\npartial\ncos\ngetcwd\n\x85R)R.")},
      {"nested", protocol4("c_pickle\nloads\nC\x04\x80\x02N.\x85R.")},
      // Valid as .safetensors, whose first eight bytes are a length.
      {"safetensors", testing::safetensors_and_pickle("cos\ngetcwd\n)R.")},
      // Any folder on Python's path is a module, and names need not be identifiers.
      {"folder", protocol2("clib-dynload\n__name__\n)R.")},
      {"operator", protocol4(text4("operator") + text4("attrgetter") + "\x93" + text4("getcwd") + "\x85R.")},
  };
}

/// Writes to what is imported, which everything else in the process uses. The import itself is one that models need.
std::vector<HostilePickle> changing_pickles() {
  const std::string import = "ctorch\nSize\n";
  return {
      {"change-build", protocol2(import + "N}Va\nNs\x86"
                                          "b0N.")},
      {"change-dict", protocol2(import + "}b0N.")},
      {"change-item", protocol2(import + "NNs0N.")},
      {"change-items", protocol2(import + "(NNu0N.")},
      {"change-append", protocol2(import + "Na0N.")},
      {"change-extend", protocol2(import + "(Ne0N.")},
      {"change-add", protocol4(import + "(N\x90"
                                        "0N.")},
      {"change-recalled", protocol2(import + "q\x01"
                                             "0h\x01}b0N.")},
  };
}

std::vector<HostilePickle> all_pickles() {
  std::vector<HostilePickle> pickles = instruction_pickles();
  const std::vector<HostilePickle> reported = reported_pickles();
  pickles.insert(pickles.end(), reported.begin(), reported.end());
  return pickles;
}

std::string script_with(const std::string& record, const std::string& bytes) {
  const TempDir dir;
  testing::edit_archive(testing::clean_script(), dir / "edited.pt",
                        [&](testing::RecordMap& records) { records["traced/" + record] = bytes; });
  return testing::read_bytes(dir / "edited.pt");
}

std::string checkpoint_with(const std::string& pickle) {
  return testing::make_zip({{"model/data.pkl", pickle}, {"model/version", "3\n"}});
}

/// A tar archive with one member, as torch.save wrote before PyTorch 0.1.10. POSIX.1-1988.
std::string make_tar(const std::string& name, const std::string& bytes) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(100, 7, "0000644");
  std::ostringstream size;
  size << std::oct << std::setw(11) << std::setfill('0') << bytes.size();
  header.replace(124, 11, size.str());
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) {
    sum += static_cast<uint8_t>(c);
  }
  std::ostringstream checksum;
  checksum << std::oct << std::setw(6) << std::setfill('0') << sum;
  header.replace(148, 6, checksum.str());
  header[154] = '\0';
  return header + bytes + std::string((512 - bytes.size() % 512) % 512, '\0') + std::string(1024, '\0');
}

}  // namespace

TEST_CASE("unsafe files: a pickle that imports anything is refused by every command, alone and in archives") {
  std::vector<HostileFile> files;
  for (const HostilePickle& pickle : all_pickles()) {
    files.push_back({pickle.name, pickle.bytes, "pickle-import", "", ".bin"});
    files.push_back({pickle.name + "-saved", checkpoint_with(pickle.bytes), "pickle-import", "data.pkl"});
    files.push_back(
        {pickle.name + "-script", script_with("constants.pkl", pickle.bytes), "pickle-import", "constants.pkl"});
  }
  CHECK(files.size() >= 100);
  check_all_refuse(files);
}

TEST_CASE("unsafe files: a pickle that changes what it imports is refused by every command, alone and in archives") {
  std::vector<HostileFile> files;
  for (const HostilePickle& pickle : changing_pickles()) {
    files.push_back({pickle.name, pickle.bytes, "pickle-change", "", ".bin"});
    files.push_back({pickle.name + "-saved", checkpoint_with(pickle.bytes), "pickle-change", "data.pkl"});
    files.push_back(
        {pickle.name + "-script", script_with("constants.pkl", pickle.bytes), "pickle-change", "constants.pkl"});
  }
  // Memory out of nothing.
  const std::string zeros = protocol2("c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.");
  files.push_back({"zeros", checkpoint_with(zeros), "unsafe", "data.pkl"});
  check_all_refuse(files);
}

TEST_CASE("unsafe files: Python finds in each of these pickles what the scan finds") {
  SKIP_WITHOUT_PYTHON();
  const TempDir dir;
  std::vector<std::string> paths;
  for (const HostilePickle& pickle : all_pickles()) {
    paths.push_back((dir / pickle.name).string());
    testing::write_bytes(paths.back(), pickle.bytes);
  }
  // CPython's own unpickler, with imports written down and replaced by something that can be called.
  const std::string found = testing::run_python(R"(
import copyreg, io, pathlib, pickle, sys
copyreg.add_extension('os', 'getcwd', 1)

class Anything:
    def __init__(self, *args, **kwargs): pass
    def __call__(self, *args, **kwargs): return Anything()
    def __new__(cls, *args, **kwargs): return super().__new__(cls)

class Reader(pickle.Unpickler):
    found = 0
    def find_class(self, module, name):
        if (module, name) == ('_codecs', 'encode'):
            import codecs
            return codecs.encode
        self.found += 1
        return Anything
    def persistent_load(self, pid): return pid

for path in sys.argv[1:]:
    reader = Reader(io.BytesIO(pathlib.Path(path).read_bytes()))
    error = ''
    try:
        reader.load()
    except Exception as e:
        error = type(e).__name__ + ': ' + str(e)
    print(pathlib.Path(path).name, reader.found, error)
)",
                                                paths);
  std::istringstream lines(found);
  size_t imports = 0;
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    const bool is_made_of_bytes = line.starts_with("bytes-operand ");  // which Python refuses, and scanners died of
    const bool is_extension = line.starts_with("extension");           // found in a cache of Python's on a second look
    CHECK((line.find(" 0 ") == std::string::npos || is_made_of_bytes || is_extension));
    ++imports;
  }
  CHECK(imports == all_pickles().size());
}

TEST_CASE("unsafe files: a pickle is found in whatever record it lies, and in files of other forms") {
  const std::string pickle = protocol2("cos\ngetcwd\n)R.");
  std::vector<HostileFile> files;
  for (const char* record : {"data.pkl", "constants.pkl", "traced_inputs.pkl", "bytecode.pkl", "payload.pkl",
                             "code/__torch__.py.debug_pkl", "extra/notes", "extra/model.PKL", "data/7", ".data/hook"}) {
    std::string name = record;
    std::ranges::replace(name, '/', '-');
    files.push_back({"in-" + name, script_with(record, pickle), "pickle-import", record});
  }
  // torch.load asks for a tar archive before it asks for a pickle; the name of a member can be a pickle too.
  files.push_back({"tar", make_tar("pickle", pickle), "pickle-import", "pickle"});
  files.push_back({"tar-polyglot", make_tar("(lp0\n.", pickle), "pickle-import", "(lp0\n."});
  const std::string objects = testing::read_bytes(testdata("container/objects.npy"));
  files.push_back({"objects", objects, "unsafe", "", ".npy"});
  files.push_back({"objects", testing::make_zip({{"a.npy", objects}}), "unsafe", "a.npy", ".npz"});
  files.push_back({"hidden", testing::make_zip({{"a", pickle}}), "pickle-import", "a", ".npz"});
  // numpy goes by how a record begins, whatever it is called.
  files.push_back({"unnamed", testing::make_zip({{"a", objects}}), "unsafe", "a", ".npz"});
  files.push_back(
      {"two-forms", testing::safetensors_and_pickle("cos\ngetcwd\n)R."), "pickle-import", "", ".safetensors"});
  // The second pickle of the old form, behind an honest first.
  files.push_back({"second", protocol2("N.") + pickle, "pickle-import", "", ".bin"});
  check_all_refuse(files);
}

TEST_CASE("unsafe files: a checkpoint's pickle is not unpickled, by whatever command it is opened") {
  const TempDir dir;
  std::filesystem::copy(testdata("broken/intact"), dir / "model");
  std::filesystem::remove(dir / "model" / "model.safetensors");
  size_t refused = 0;
  for (const HostilePickle& pickle : all_pickles()) {
    INFO(pickle.name);
    for (const std::string& bytes : {pickle.bytes, checkpoint_with(pickle.bytes)}) {
      testing::write_bytes(dir / "model" / "pytorch_model.bin", bytes);
      const auto output = run_bertjit({"run", (dir / "model").string()});
      INFO(output);
      CHECK((output.exit_code == 2 || output.exit_code == 3));
      CHECK(output.out.empty());
      refused += output.exit_code == 3;
    }
  }
  CHECK(refused > all_pickles().size());
}

TEST_CASE("unsafe files: inputs and recorded outputs are arrays, not Python objects") {
  const TempDir dir;
  const std::string objects = testing::read_bytes(testdata("container/objects.npy"));
  const std::string hostile = (dir / "a.npz").string();
  testing::write_bytes(hostile, testing::make_zip({{"input_ids.npy", objects}}));
  const std::string model = (dir / "traced.pt").string();
  testing::trace_model("tiny-bert", model, {"--no-check"});
  const std::string tiny = testdata("tiny-bert").string();
  for (const std::vector<std::string>& command :
       {std::vector<std::string>{"run", tiny, "--inputs", hostile},
        {"trace", tiny, "-o", (dir / "out.pt").string(), "--check-inputs", hostile},
        {"bench", tiny, "--inputs", hostile},
        {"verify", model, "--inputs", hostile},
        {"verify", model, "--golden", hostile},
        {"verify", model, "--source", tiny, "--check-inputs", hostile}}) {
    const auto output = run_bertjit(command);
    INFO(command[0] << " " << command[2] << "\n" << output);
    CHECK(output.exit_code == 3);
    CHECK(output.out.empty());
    CHECK(output.err.find("input_ids") != std::string::npos);
  }
}

}  // namespace bertjit
