// Code. What torch.jit.load of torch 2.13 makes of each form was tried in this very place: it compiles those of the
// lists that say so.
#include "scan/scan_testing.h"

namespace bertjit {

using testing::RecordMap;
using testing::replace_once;
using testing::scan_edited;
using testing::scan_with_line;

namespace {

constexpr const char* kRootCode = "traced/code/__torch__.py";

const ScanFinding& first_of(const ScanResult& result) {
  INFO(result);
  REQUIRE(!result.findings.empty());
  return result.findings.front();
}

/// Adds methods to the class Leaf, a submodule.
ScanResult scan_with_methods(const std::string& methods) {
  return scan_edited([&](RecordMap& records) { records[kRootCode] += methods; });
}

}  // namespace

TEST_CASE("scan: an operator that touches files is unsafe however it is reached, and the line is named") {
  for (const char* line : {
           // These load.
           "_9 = torch.from_file(\"/dev/null\", False, 0)",
           "torch.save(_3, \"/dev/null\")",
           "_9 = torch.autograd.from_file(\"/dev/null\", False, 0)",
           "_9 = ops.aten.from_file(\"/dev/null\", False, 0)",
           "_9 = getattr(torch, \"from_file\")(\"/dev/null\", False, 0)",
           "_9 = getattr(torch, \"from_\" \"file\")(\"/dev/null\", False, 0)",
           "f = torch.save\n    f(_3, \"/dev/null\")",
           "t = torch\n    t.save(_3, \"/dev/null\")",
           "o = ops\n    o.aten.save(_3, \"/dev/null\")",
           "(torch).save(_3, \"/dev/null\")",
           "torch . save (_3, \"/dev/null\")",
           "torch.\\\n save(_3, \"/dev/null\")",
           "s = '\"'\n    torch.save(_3, '\"/dev/null\"')",
           "if False:\n      torch.save(_3, \"/dev/null\")\n    else:\n      pass",
           "_9 = _3 if True else torch.save(_3, \"/dev/null\")",
           "_9 = fork(torch.save, _3, \"/dev/null\")",
           "assert torch.save(_3, \"/dev/null\") is None",
           // These do not, in that version.
           "(_3).save(\"/dev/null\")",
           "(_3.save)(\"/dev/null\")",
           "f = _3.save\n    f(\"/dev/null\")",
           "_9 = \"/dev/null\".from_file(False, 0)",
           "_9 = getattr(torch, \"from\\x5ffile\")(\"/dev/null\", False, 0)",
           "[torch.save][0](_3, \"/dev/null\")",
           "s = \"\\\"\"; torch.save(_3, \"/dev/null\")",
       }) {
    INFO(line);
    const ScanResult result = scan_with_line(line);
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
    CHECK(first_of(result).record == "code/__torch__.py");
    CHECK(first_of(result).line >= 18);
    CHECK(first_of(result).offset.has_value());
  }
}

TEST_CASE("scan: operators of other machines, raw storage and unknown libraries are unsafe") {
  for (const char* line : {
           "_9 = ops.c10d.barrier(_3)",
           "rpc_sync(\"worker\", _9, ())",
           "_9 = torch.set_(_3, _2)",
           "(_3).set_(_2)",
           "_9 = ops.image.read_file(\"/dev/null\")",
           "_9 = ops.mine.anything(_3)",
           "_9 = torch.no_such_operator(_3)",
           "_9 = (_3).no_such_operator()",
           "_9 = ops.inductor._reinterpret_tensor(_3, [1], [1])",
           "_9 = torch._reshape_alias(_3, [65536], [1])",
           "_9 = (_3)._unsafe_index([_2])",
           "_9 = ops.prim.PythonOp(_3)",
           // TorchScript has none of these.
           "import os",
           "_9 = __import__(\"os\")",
           "_9 = open(\"/dev/null\")",
           "eval(\"1\")",
       }) {
    INFO(line);
    const ScanResult result = scan_with_line(line);
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
  }
}

TEST_CASE("scan: a value that takes the place of a namespace, and a name that is not written out, are unsafe") {
  for (const char* line : {
           // These load, and call set_.
           "CONSTANTS = _3\n    CONSTANTS.set_(_2)",
           "ops = self\n    ops.quantized.set_(_2)",
           "_9 = getattr(_3, (\"set_\"))(_2)",
           // So would these, or they did not.
           "CONSTANTS.set_(_2)",
           "__torch__ = _3\n    __torch__.set_(_2)",
           "for torch in [_3]:\n      torch.set_(_2)",
           "torch, _9 = _3, _2",
           "(ops) = _3",
           "_9 = [CONSTANTS.set_(_2) for CONSTANTS in [_3]]",
           "_9 = getattr(_3, \"si\" + \"ze\")()",
           "_9 = getattr(_3, _2)()",
           "_9 = getattr(_3)",
       }) {
    INFO(line);
    const ScanResult result = scan_with_line(line);
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kUnsafe);
    CHECK((testing::has_rule(result, "namespace") || testing::has_rule(result, "operator")));
  }
  const ScanResult parameter =
      scan_with_methods("  def helper(self: __torch__.Leaf, ops: Tensor) -> Tensor:\n    return ops.aten.set_(ops)\n");
  CHECK(testing::has_rule(parameter, "namespace"));
}

TEST_CASE("scan: what merely looks like an operator is none") {
  for (const char* line : {
           "s = \"torch.save(x)\"",
           "s = 'torch.save(x)'",
           "s = \"\"\"torch.save(x)\n    torch.from_file(y)\"\"\"",
           "# torch.save(_3, \"x\")",
           "_9 = torch.size(_3)",
           "_9 = (_3).size()",
           "_9 = _3.shape",
           "_9 = ops.prim.NumToTensor(1)",
           "print(\"hello\")",
           "_9 = torch.add(_3, _3, alpha=1)",
           "_9 = torch.append([1], 2)",
           "_9 = [torch.neg(x) for x in [_3]]",
           "_9 = fork(_3, ops=1)",
           "_9 = getattr(self, \"left\")",
       }) {
    INFO(line);
    const ScanResult result = scan_with_line(line);
    INFO(result);
    CHECK(result.verdict == ScanVerdict::kSafe);
  }
}

TEST_CASE("scan: an operator hidden in a submodule, and in one of its branches, is unsafe") {
  const ScanResult submodule = scan_with_methods(
      "  def helper(self: __torch__.Leaf) -> NoneType:\n"
      "    torch.save(self.weight, \"/dev/null\")\n    return None\n");
  CHECK(submodule.verdict == ScanVerdict::kUnsafe);
  const ScanResult branch = scan_edited([](RecordMap& records) {
    replace_once(records["traced/code/__torch__/___torch_mangle_0.py"], "    return ",
                 "    if False:\n      for i in range(3):\n        _9 = torch.from_file(\"/dev/null\")\n"
                 "    else:\n      pass\n    return ");
  });
  CHECK(branch.verdict == ScanVerdict::kUnsafe);
  CHECK(first_of(branch).record == "code/__torch__/___torch_mangle_0.py");
  CHECK(first_of(branch).found.find("aten::from_file") != std::string::npos);
}

TEST_CASE("scan: a hook of a module is looked at like its forward") {
  const ScanResult result = scan_edited([](RecordMap& records) {
    replace_once(records[kRootCode], "  left : __torch__.Leaf\n",
                 "  __forward_pre_hooks__ = [\"peek\", ]\n  left : __torch__.Leaf\n");
    replace_once(records[kRootCode], "  def forward(self: __torch__.Pair,",
                 "  def peek(self: __torch__.Pair, input: Tuple[Tensor]) -> NoneType:\n"
                 "    torch.save((input)[0], \"/dev/null\")\n    return None\n  def forward(self: __torch__.Pair,");
  });
  CHECK(result.verdict == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: --allow lets an operator pass, one or a namespace, and refuses what is no name") {
  const char* line = "torch.save(_3, \"/dev/null\")";
  for (const char* allowed : {"aten::save", "torch.save", "save", "aten::*"}) {
    CHECK(scan_with_line(line, {.allow = {allowed}}).verdict == ScanVerdict::kSafe);
  }
  CHECK(scan_with_line(line, {.allow = {"aten::from_file"}}).verdict == ScanVerdict::kUnsafe);
  CHECK(scan_with_line("_9 = ops.mine.anything(_3)", {.allow = {"mine::anything"}}).verdict == ScanVerdict::kSafe);
  CHECK(scan_with_line("_9 = ops.mine.anything(_3)", {.allow = {"ops.mine.anything"}}).verdict == ScanVerdict::kSafe);
  CHECK(scan_with_line("_9 = ops.mine.anything(_3)", {.allow = {"mine::*"}}).verdict == ScanVerdict::kSafe);
  for (const char* bad : {"", "aten::", "a b", "::x", "aten::save()"}) {
    const Error error = testing::error_of([&] { scan_with_line(line, {.allow = {bad}}); });
    CHECK(error.kind() == ErrorKind::kInvalidArgument);
  }
}

TEST_CASE("scan: an attribute that has a forbidden operator's name is no operator") {
  const auto with_attribute = [](const std::string& line) {
    return scan_edited([&](RecordMap& records) {
      replace_once(records[kRootCode], "  left : __torch__.Leaf\n", "  save : Tensor\n  left : __torch__.Leaf\n");
      replace_once(records[kRootCode], "    return _3\n", "    " + line + "\n    return _3\n");
    });
  };
  CHECK(with_attribute("_9 = self.save").verdict == ScanVerdict::kSafe);
  CHECK(with_attribute("_9 = self.save(\"/dev/null\")").verdict == ScanVerdict::kUnsafe);
  CHECK(with_attribute("_9 = _3.save").verdict == ScanVerdict::kUnsafe);
  CHECK(with_attribute("self = _3\n    _9 = self.save").verdict == ScanVerdict::kUnsafe);
  CHECK(with_attribute("for self in [_3]:\n      _9 = self.save").verdict == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: a method of one's own that has a forbidden operator's name is no operator") {
  const auto with_call = [](const std::string& line) {
    return scan_with_methods("  def save(s: __torch__.Leaf, x: Tensor) -> Tensor:\n    return x\n"
                             "  def twice(s: __torch__.Leaf, x: Tensor) -> Tensor:\n    " +
                             line + "\n    return x\n");
  };
  CHECK(with_call("_0 = (s).save(x, )").verdict == ScanVerdict::kSafe);
  CHECK(with_call("_0 = s.save(x, )").verdict == ScanVerdict::kSafe);
  CHECK(with_call("_0 = (x).save(x, )").verdict == ScanVerdict::kUnsafe);
  CHECK(with_call("s = x\n    _0 = s.save(x, )").verdict == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: a default argument and a class's value are literals, since loading evaluates them") {
  const auto with_default = [](const std::string& value) {
    return scan_with_methods("  def helper(self: __torch__.Leaf,\n    x: Tensor,\n    y: int=" + value +
                             ") -> Tensor:\n    return x\n");
  };
  const auto with_value = [](const std::string& value) {
    return scan_edited([&](RecordMap& records) {
      replace_once(records[kRootCode], "  left : __torch__.Leaf\n",
                   "  size : Final[int] = " + value + "\n  left : __torch__.Leaf\n");
    });
  };
  // As libtorch prints them.
  for (const std::string value : {"-1", "inf", "1.0000000000000001e-05", "\"f(x)\"", "None", "[1, 2]", "(1, (2, \"x\"))",
                                  "annotate(List[int], [])", "torch.device(\"cpu\")", "{\"a\": 1}", "CONSTANTS.c0"}) {
    INFO(value);
    CHECK(with_default(value).verdict == ScanVerdict::kSafe);
    CHECK(with_value(value).verdict == ScanVerdict::kSafe);
  }
  for (const std::string value :
       {"print(\"loaded\")", "__torch__.Leaf.helper()", "len([1])", "[print][0](\"loaded\")", "(print)(\"loaded\")",
        "1 if True else 2", "[0 for i in [1, 2]]", "[0] * 1000000000", "torch.neg(1)", "x.annotate(1)"}) {
    INFO(value);
    CHECK(testing::has_rule(with_default(value), "load-value"));
    CHECK(testing::has_rule(with_value(value), "load-value"));
  }
}

TEST_CASE("scan: a __setstate__ that does more than quantized modules need is unsafe") {
  const std::string head = "  def __setstate__(self: __torch__.Leaf,\n    state: Tuple[Tensor, bool]) -> NoneType:\n";
  const std::string packs = "    self.packed = ops.quantized.linear_prepack((state)[0], None)\n";
  for (const std::string body : {
           "    print(\"loaded\")\n", "    self.weight = torch.mul((state)[0], 2)\n",
           "    self.weight = ((state)[0]).mul(2)\n", "    self.weight = (torch.mul)((state)[0], 2)\n",
           "    _0 = torch.from_file(\"/dev/null\")\n", "    f = torch.mul\n    self.weight = f((state)[0], 2)\n",
           "    while True:\n      pass\n", "    for i in range(1000000000):\n      pass\n",
           "    _0 = (self).elsewhere((state)[0], )\n", "    forward = print\n    forward(\"loaded\")\n",
           "    len, _0 = print, 1\n    _1 = len(\"loaded\")\n",
           "    self.weight = (state)[0]\n",  // packs nothing, and is no module of PyTorch's
       }) {
    const ScanResult alone = scan_with_methods(head + body + "    return None\n");
    INFO(alone);
    CHECK(alone.verdict == ScanVerdict::kUnsafe);
    CHECK(testing::has_rule(alone, "state-hook"));
    if (body.find("self.weight = (state)[0]\n") == std::string::npos) {
      CHECK(testing::has_rule(scan_with_methods(head + packs + body + "    return None\n"), "state-hook"));
    }
  }
}

TEST_CASE("scan: what a __setstate__ calls is looked at too") {
  const std::string hook =
      "  def __setstate__(self: __torch__.Leaf,\n    state: Tuple[Tensor, bool]) -> NoneType:\n"
      "    _0 = (self).set_weight((state)[0], )\n    return None\n";
  const auto with_setter = [&](const std::string& body) {
    return scan_with_methods(hook + "  def set_weight(self: __torch__.Leaf,\n    w: Tensor) -> NoneType:\n" + body +
                             "    return None\n");
  };
  CHECK(with_setter("    self.weight = ops.quantized.linear_prepack(w, None)\n").verdict == ScanVerdict::kSafe);
  CHECK(with_setter("    self.weight = ops.quantized.linear_prepack(torch.mul(w, 2), None)\n").verdict ==
        ScanVerdict::kUnsafe);
  // What "-self" calls.
  CHECK(testing::has_rule(with_setter("    self.weight = ops.quantized.linear_prepack(w, None)\n    return -self\n"
                                      "  def __neg__(self: __torch__.Leaf) -> NoneType:\n    print(\"loaded\")\n"),
                          "state-hook"));
}

TEST_CASE("scan: time grows with the code, however much is found in it") {
  std::string lines = "_9 = 1";
  for (int i = 0; i < 200'000; ++i) {
    lines += "\n    torch.q";
  }
  const ScanResult findings = scan_with_line(lines);
  CHECK(findings.finding_count == 200'000);
  CHECK(findings.findings.back().line == findings.findings.front().line + 99);
  std::string calls = "_9 = ";
  for (int i = 0; i < 200'000; ++i) {
    calls += "getattr(";
  }
  CHECK(scan_with_line(calls).verdict == ScanVerdict::kUnsafe);
}

TEST_CASE("scan: the hooks of PyTorch's quantized modules are safe") {
  // torch.ao.nn.quantized.Conv2d, scripted by torch 2.13 and printed by it; shortened by attributes alone.
  const ScanResult result = scan_with_methods(
      R"(  def __getstate__(self: __torch__.Leaf) -> Tuple[Tuple[int, int], Tensor, Optional[Tensor], bool]:
    w, b, = (self)._weight_bias()
    stride = self.stride
    training = self.training
    _6 = (stride, w, b, training)
    return _6
  def __setstate__(self: __torch__.Leaf,
    state: Tuple[Tuple[int, int], Tensor, Optional[Tensor], bool]) -> NoneType:
    self.stride = (state)[0]
    _7 = (self).set_weight_bias((state)[1], (state)[2], )
    self.training = (state)[3]
    return None
  def _weight_bias(self: __torch__.Leaf) -> Tuple[Tensor, Optional[Tensor]]:
    _packed_params = self._packed_params
    return (_packed_params).unpack()
  def set_weight_bias(self: __torch__.Leaf,
    w: Tensor,
    b: Optional[Tensor]) -> NoneType:
    padding_mode = self.padding_mode
    if torch.eq(padding_mode, "zeros"):
      _8, _9, = self.stride
      _16 = ops.quantized.conv2d_prepack(w, b, [_8, _9], [0, 0], [1, 1], 1)
      self._packed_params = _16
    else:
      ops.prim.RaiseException("AssertionError: ")
    return None
)");
  INFO(result);
  // The attributes are not declared.
  CHECK(!testing::has_rule(result, "state-hook"));
}

TEST_CASE("scan: code that nests without end is unsafe, before libtorch's parser sees it") {
  const std::string brackets = "_9 = " + std::string(10'000, '(') + "1" + std::string(10'000, ')');
  CHECK(testing::has_rule(scan_with_line(brackets), "nesting"));
  std::string sum = "_9 = 1";
  for (int i = 0; i < 10'000; ++i) {
    sum += " + 1";
  }
  CHECK(testing::has_rule(scan_with_line(sum), "nesting"));
  std::string blocks;
  for (int i = 0; i < 300; ++i) {
    blocks += std::string(static_cast<size_t>(i == 0 ? 0 : 4 + i), ' ') + "if True:\n";
  }
  CHECK(testing::has_rule(scan_with_line(blocks + std::string(304, ' ') + "pass"), "nesting"));
  std::string list = "_9 = [1";
  for (int i = 0; i < 20'000; ++i) {
    list += ", 1";
  }
  CHECK(scan_with_line(list + "]").verdict == ScanVerdict::kSafe);
}

TEST_CASE("scan: a custom class of C++ is unsafe unless it holds packed weights") {
  const auto with_type = [](const char* name) {
    return scan_edited([&](RecordMap& records) {
      replace_once(records[kRootCode], "  left : __torch__.Leaf\n",
                   std::string("  other : __torch__.torch.classes.") + name + "\n  left : __torch__.Leaf\n");
    });
  };
  CHECK(with_type("dist_rpc.WorkerInfo").verdict == ScanVerdict::kUnsafe);
  CHECK(with_type("quantized.LinearPackedParamsBase").verdict == ScanVerdict::kSafe);
}

TEST_CASE("scan: a class that data.pkl needs and the code lacks is missing, and its record is named") {
  const ScanResult result =
      scan_edited([](RecordMap& records) { records.erase("traced/code/__torch__/___torch_mangle_0.py"); });
  INFO(result);
  CHECK(result.verdict == ScanVerdict::kCannotTell);
  CHECK(first_of(result).effect == ScanEffect::kCorrupt);
  CHECK(first_of(result).record == "code/__torch__/___torch_mangle_0.py");
}

}  // namespace bertjit
