// TorchScript that does more than compute: operators, hooks, classes, in every place where code can stand.
#include "scan/scan_testing.h"
#include "unsafe_files_testing.h"

namespace bertjit {

using testing::check_all_refuse;
using testing::HostileFile;
using testing::RecordMap;
using testing::replace_once;
using testing::run_bertjit;
using testing::TempDir;
using testing::testdata;

namespace {

constexpr const char* kRoot = "code/__torch__.py";
constexpr const char* kFile = "_9 = torch.from_file(\"/dev/null\", False, 0)";
constexpr const char* kSave = "torch.save(_3, \"/dev/null\")";

std::string edited(const std::function<void(RecordMap&)>& edit) {
  const TempDir dir;
  testing::edit_archive(testing::clean_script(), dir / "edited.pt", edit);
  return testing::read_bytes(dir / "edited.pt");
}

/// The root module's forward with lines before its return.
std::string with_lines(const std::string& lines) {
  return edited([&](RecordMap& records) {
    replace_once(records[std::string("traced/") + kRoot], "    return _3\n", "    " + lines + "\n    return _3\n");
  });
}

/// The class Leaf, a submodule, with more methods; `head` goes before the whole record.
std::string with_methods(const std::string& methods, const std::string& head = "") {
  return edited([&](RecordMap& records) {
    std::string& code = records[std::string("traced/") + kRoot];
    code = head + code + methods;
  });
}

std::vector<HostileFile> operators() {
  const std::pair<const char*, const char*> kLines[] = {
      {"save", "torch.save(_3, \"/dev/null\")"},
      {"from-file", "_9 = torch.from_file(\"/dev/null\", False, 0)"},
      {"by-namespace", "ops.aten.save(_3, \"/dev/null\")"},
      {"by-autograd", "_9 = torch.autograd.from_file(\"/dev/null\", False, 0)"},
      {"by-method", "(_3).save(\"/dev/null\")"},
      {"by-getattr", "_9 = getattr(torch, \"from_\" \"file\")(\"/dev/null\", False, 0)"},
      {"in-branch", "if False:\n      torch.save(_3, \"/dev/null\")\n    else:\n      pass"},
      {"in-loop", "for i in range(2):\n      torch.save(_3, \"/dev/null\")"},
      {"in-while", "while torch.gt(torch.size(_3, 0), 0):\n      torch.save(_3, \"/dev/null\")"},
      {"in-conditional", "_9 = _3 if True else torch.from_file(\"/dev/null\", False, 0)"},
      {"in-comprehension", "_9 = [torch.from_file(\"/dev/null\", False, 0) for x in [1, 2]]"},
      {"in-fork", "_9 = fork(torch.save, _3, \"/dev/null\")"},
      {"in-assert", "assert torch.save(_3, \"/dev/null\") is None"},
      {"over-lines", "torch.\\\n save(_3, \"/dev/null\")"},
      {"behind-string", "s = '\"'\n    torch.save(_3, '\"/dev/null\"')"},
      {"raw-storage", "_9 = torch.set_(_3, _2)"},
      {"addresses", "_9 = torch.data_ptr(_3)"},
      {"memory-behind", "_9 = torch._reshape_alias(_3, [65536], [1])"},
      {"other-processes", "_9 = ops.c10d.barrier(_3)"},
      {"other-machines", "_9 = rpc_sync(\"worker\", _3, ())"},
      {"image-files", "_9 = ops.image.read_file(\"/dev/null\")"},
      {"python", "_9 = ops.prim.PythonOp(_3)"},
      {"unknown-library", "_9 = ops.mine.anything(_3)"},
      {"unknown-operator", "_9 = torch.no_such_operator(_3)"},
  };
  std::vector<HostileFile> files;
  for (const auto& [name, line] : kLines) {
    files.push_back({name, with_lines(line), "operator", kRoot});
  }
  return files;
}

std::vector<HostileFile> disguises() {
  return {
      {"alias", with_lines("t = torch\n    t.save(_3, \"/dev/null\")"), "namespace", kRoot},
      {"namespace-argument", with_lines("_9 = fork(ops, _3)"), "namespace", kRoot},
      {"escaped-name", with_lines("_9 = getattr(torch, \"from\\x5ffile\")(\"/dev/null\", False, 0)"), "namespace",
       kRoot},
      {"constants-as-value", with_lines("CONSTANTS = _3\n    CONSTANTS.set_(_2)"), "namespace", kRoot},
      {"operators-as-value", with_lines("ops = self\n    ops.quantized.set_(_2)"), "namespace", kRoot},
      {"name-in-brackets", with_lines("_9 = getattr(_3, (\"set_\"))(_2)"), "namespace", kRoot},
      {"python-import", with_lines("import os"), "import", kRoot},
      {"python-eval", with_lines("eval(\"1\")"), "python", kRoot},
      {"python-open", with_lines("_9 = open(\"/dev/null\")"), "python", kRoot},
      {"brackets", with_lines("_9 = " + std::string(5000, '(') + "1" + std::string(5000, ')')), "nesting", kRoot},
      {"program", edited([](RecordMap& records) { records["traced/data/setup.PY"] = "x"; }), "program",
       "data/setup.PY"},
      {"code-by-case", edited([](RecordMap& records) {
         records["traced/CODE/__torch__/more.py"] =
             "def f(x: Tensor) -> Tensor:\n  torch.save(x, \"/dev/null\")\n  return x\n";
       }),
       "zip-case", "CODE/__torch__/more.py"},
      {"constants-by-case", edited([](RecordMap& records) {
         records["traced/Constants.pkl"] = std::move(records["traced/constants.pkl"]);
         records.erase("traced/constants.pkl");
       }),
       "zip-case", "Constants.pkl"},
  };
}

std::vector<HostileFile> hooks() {
  const std::string set = "  def __setstate__(self: __torch__.Leaf,\n    state: Tuple[Tensor, bool]) -> NoneType:\n";
  const std::string get = "  def __getstate__(self: __torch__.Leaf) -> Tuple[Tensor, bool]:\n";
  const std::string pack = "    self.packed = ops.quantized.linear_prepack((state)[0], None)\n";
  return {
      {"set-state", with_methods(set + "    self.weight = (state)[0]\n    return None\n"), "state-hook", kRoot},
      {"set-state-prints", with_methods(set + pack + "    print(\"loaded\")\n    return None\n"), "state-hook", kRoot},
      {"set-state-file",
       with_methods(set + pack + "    _9 = torch.from_file(\"/dev/null\", False, 0)\n    return None\n"), "operator",
       kRoot},
      {"set-state-loops", with_methods(set + pack + "    while True:\n      pass\n    return None\n"), "state-hook",
       kRoot},
      {"set-state-alias",
       with_methods(set + pack + "    forward = print\n    forward(\"loaded\")\n    return None\n"), "state-hook",
       kRoot},
      {"set-state-operator",
       with_methods(set + pack + "    _0 = -self\n    return None\n" +
                    "  def __neg__(self: __torch__.Leaf) -> NoneType:\n    print(\"loaded\")\n    return None\n"),
       "state-hook", kRoot},
      {"set-state-branch",
       with_methods(
           set + pack +
           "    if (state)[1]:\n      torch.save((state)[0], \"/dev/null\")\n    else:\n      pass\n    return None\n"),
       "operator", kRoot},
      {"set-state-calls",
       with_methods(set + "    _0 = (self).helper((state)[0], )\n    return None\n" +
                    "  def helper(self: __torch__.Leaf,\n    w: Tensor) -> NoneType:\n    self.packed = "
                    "ops.quantized.linear_prepack(torch.mul(w, 2), None)\n    return None\n"),
       "state-hook", kRoot},
      {"get-state", with_methods(get + "    torch.save(self.weight, \"/dev/null\")\n    return (self.weight, True)\n"),
       "operator", kRoot},
      {"get-state-own", with_methods(get + "    return (torch.mul(self.weight, 2), True)\n"), "state-hook", kRoot},
      {"forward-hook", edited([](RecordMap& records) {
         std::string& code = records[std::string("traced/") + kRoot];
         replace_once(code, "  left : __torch__.Leaf\n",
                      "  __forward_pre_hooks__ = [\"peek\", ]\n  left : __torch__.Leaf\n");
         replace_once(
             code, "  def forward(self: __torch__.Pair,",
             "  def peek(self: __torch__.Pair, input: Tuple[Tensor]) -> NoneType:\n"
             "    torch.save((input)[0], \"/dev/null\")\n    return None\n  def forward(self: __torch__.Pair,");
       }),
       "operator", kRoot},
      {"submodule", edited([](RecordMap& records) {
         replace_once(records["traced/code/__torch__/___torch_mangle_0.py"], "    return ",
                      "    _9 = torch.from_file(\"/dev/null\", False, 0)\n    return ");
       }),
       "operator", "code/__torch__/___torch_mangle_0.py"},
      {"interface",
       with_methods("class Doer(Interface):\n  def do(self: __torch__.Doer, x: Tensor) -> Tensor:\n"
                    "    torch.save(x, \"/dev/null\")\n    return x\n"),
       "operator", kRoot},
      {"function", with_methods("", "def helper(x: Tensor) -> Tensor:\n  torch.save(x, \"/dev/null\")\n  return x\n"),
       "operator", kRoot},
      {"default-argument",
       with_methods("", "def helper(x: Tensor=torch.from_file(\"/dev/null\", False, 0)) -> Tensor:\n  return x\n"),
       "operator", kRoot},
      {"default-call",
       with_methods("", "def helper() -> int:\n  print(\"loaded\")\n  return 1\n"
                        "def main(x: int=__torch__.helper()) -> int:\n  return x\n"),
       "load-value", kRoot},
      {"class-value", edited([](RecordMap& records) {
         replace_once(records[std::string("traced/") + kRoot], "  left : __torch__.Leaf\n",
                      "  size : Final[int] = len([1])\n  left : __torch__.Leaf\n");
       }),
       "load-value", kRoot},
      {"custom-class", edited([](RecordMap& records) {
         replace_once(records[std::string("traced/") + kRoot], "  left : __torch__.Leaf\n",
                      "  other : __torch__.torch.classes.dist_rpc.WorkerInfo\n  left : __torch__.Leaf\n");
       }),
       "custom-class", kRoot},
      {"unused-record", edited([](RecordMap& records) {
         records["traced/code/__torch__/unused.py"] =
             "def f(x: Tensor) -> Tensor:\n  torch.save(x, \"/dev/null\")\n  return x\n";
       }),
       "operator", "code/__torch__/unused.py"},
      {"lite-interpreter", edited([](RecordMap& records) { records["traced/bytecode.pkl"] = "cos\ngetcwd\n."; }),
       "pickle-import", "bytecode.pkl"},
  };
}

/// A Python file that loads `archive`, at the top or where it is called.
void write_loader(const std::filesystem::path& path, const std::string& archive) {
  testing::write_bytes(path, "import torch\nname = '" + archive.substr(0, 3) + "' + '" + archive.substr(3) +
                                 "'\nmodel = torch.jit.load(name)\n");
}

}  // namespace

TEST_CASE("unsafe files: code that touches files, processes or memory is refused by every command") {
  check_all_refuse(operators());
}

TEST_CASE("unsafe files: operators in disguise, Python and records under other letters are refused by every command") {
  check_all_refuse(disguises());
}

TEST_CASE("unsafe files: hooks of any class and code of any record are refused by every command") {
  check_all_refuse(hooks());
}

TEST_CASE("unsafe files: what is refused as code is what libtorch would have been given") {
  // Without the scan the engine is asked for, so that what check_all_refuse sees is the scan's doing.
  const TempDir dir;
  const std::string file = (dir / "edited.pt").string();
  testing::write_bytes(file, with_lines(kSave));
  for (const std::string& command : {"run '" + file + "' --no-scan", "run '" + file + "' --allow aten::save",
                                     "verify '" + file + "' --allow aten::save", "verify '" + file + "' --skip safety",
                                     "run '" + testing::clean_script().string() + "'"}) {
    const auto output = testing::run_without_engine(command);
    INFO(command << "\n" << output.out);
    CHECK(output.exit_code == 2);
    CHECK(output.out.find("engine.so") != std::string::npos);
  }
}

TEST_CASE("unsafe files: verify names the record, says that nothing was loaded, and --allow lets an operator pass") {
  const TempDir dir;
  const std::string file = (dir / "edited.pt").string();
  testing::write_bytes(file, with_lines(kFile));
  const auto refused = run_bertjit(
      {"verify", file, "--format", "json", "--html", (dir / "r.html").string(), "--junit", (dir / "r.xml").string()});
  INFO(refused);
  CHECK(refused.exit_code == 3);
  const auto json = testing::parse_json(refused.out);
  CHECK(json.at("verdict") == "fail");
  CHECK(json.at("checks").size() == 1);
  const auto safety = testing::find_check(json, "safety");
  CHECK(safety.at("where") == kRoot);
  CHECK(safety.at("evidence").at("safety") == "unsafe");
  CHECK(json.at("environment").at("libtorch").is_null());
  CHECK(testing::read_bytes(dir / "r.html").find("aten::from_file") != std::string::npos);
  CHECK(testing::read_bytes(dir / "r.xml").find("aten::from_file") != std::string::npos);

  const auto allowed =
      run_bertjit({"verify", file, "--allow", "aten::from_file", "--only", "safety", "--format", "json"});
  INFO(allowed);
  CHECK(allowed.exit_code == 0);
  CHECK(testing::find_check(testing::parse_json(allowed.out), "safety").at("verdict") == "pass");
  CHECK(run_bertjit({"verify", file, "--allow", "a b"}).exit_code == 2);
}

TEST_CASE("unsafe files: an archive that a Python file loads is scanned too, and --allow and --no-scan hold for it") {
  const TempDir dir;
  testing::write_bytes(dir / "evil.pt", with_lines(kFile));
  write_loader(dir / "loads.py", "evil.pt");
  const std::string name = (dir / "loads.py").string() + ":model";
  const std::vector<std::vector<std::string>> commands = {
      {"run", name},
      {"inspect", name, "--code"},
      {"bench", name, "--batch", "1"},
      {"trace", name, "-o", (dir / "out.pt").string()},
      {"quantize", name, "-o", (dir / "out.pt").string()},
      {"verify", testing::clean_script().string(), "--source", name}};
  for (const auto& command : commands) {
    const auto refused = run_bertjit(command);
    INFO(command[0] << ": " << refused);
    CHECK(refused.exit_code == 3);
    CHECK(refused.out.empty());
    CHECK(refused.err.find("loads.py:3:") != std::string::npos);
    CHECK(refused.err.find("aten::from_file") != std::string::npos);
  }
  CHECK(!std::filesystem::exists(dir / "out.pt"));
  CHECK(run_bertjit({"inspect", name, "--code", "--allow", "aten::from_file"}).exit_code == 0);
  CHECK(run_bertjit({"inspect", name, "--code", "--no-scan"}).exit_code == 0);
  CHECK(run_bertjit({"inspect", name, "--code"}).exit_code == 3);  // what was allowed before holds no longer

  testing::flip_bit(testing::clean_script(), dir / "bad.pt", "traced/data/1");
  write_loader(dir / "damaged.py", "bad.pt");
  CHECK(run_bertjit({"inspect", (dir / "damaged.py").string() + ":model", "--code"}).exit_code == 2);
  std::filesystem::copy(testing::clean_script(), dir / "good.pt");
  write_loader(dir / "clean.py", "good.pt");
  CHECK(run_bertjit({"inspect", (dir / "clean.py").string() + ":model", "--code"}).exit_code == 0);
}

TEST_CASE("unsafe files: a file is judged by what it holds, whatever it is called") {
  const TempDir dir;
  const std::string bytes = with_lines(kSave);
  for (const char* name : {"config.json", "model.json", "model.safetensors", "pytorch_model.bin", "weights.npz",
                           "model", "model.py", "loop.py:fn", "model.PT"}) {
    const std::string path = (dir / name).string();
    testing::write_bytes(path, bytes);
    const auto refused = testing::run_without_engine("run '" + path + "'");
    INFO(name << ": " << refused.out);
    CHECK(refused.exit_code == 3);
  }
}

}  // namespace bertjit
