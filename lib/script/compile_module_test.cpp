// Modules. Expected values are computed by hand, or are what torch 2.13 gives in Python for the same text.
#include "script/compile.h"
#include "script/compile_testing.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;
using Catch::Contains;

namespace {

void check_equal(const at::Tensor& actual, const at::Tensor& expected) {
  INFO(actual);
  CHECK(at::equal(actual, expected));
}

/// Compiled in both modes and run by libtorch, `M` of `text` gives `expected`.
void check_module(const std::string& text, const at::Tensor& x, const at::Tensor& expected) {
  check_equal(scripted(text, "M", {x}), expected);
  check_equal(traced(text, "M", {x}), expected);
}

const at::Tensor kX = floats({1, 2, 3});

const std::string kInit = "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n";

}  // namespace

TEST_CASE("compile module: parameters, buffers, attributes and constants") {
  const std::string text =
      "from typing import Dict, Final, List, Optional\n"
      "class M(nn.Module):\n"
      "    __constants__ = ['k']\n"
      "    names: Dict[str, int]\n"
      "    sizes: List[int]\n"
      "    fixed: Final[int]\n"
      "    maybe: Optional[torch.Tensor]\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.w = nn.Parameter(torch.full((3,), 2.0))\n"
      "        self.register_buffer('b', torch.ones(3))\n"
      "        self.n = 3\n"
      "        self.k = [1, 2]\n"
      "        self.names = {}\n"
      "        self.sizes = []\n"
      "        self.fixed = 5\n"
      "        self.maybe = None\n"
      "    def forward(self, x):\n"
      "        if self.maybe is None:\n"
      "            x = x + len(self.names) + len(self.sizes)\n"
      "        return x * self.w + self.b + self.n + self.k[1] + self.fixed\n";
  check_module(text, kX, kX * 2 + 11);
  const Program program = PythonText(text).script("M");
  const auto type = program.self->type();
  CHECK(type->name()->qualifiedName() == "__torch__.M");
  CHECK(type->is_parameter(type->getAttributeSlot("w")));
  CHECK(type->is_buffer(type->getAttributeSlot("b")));
  CHECK(type->getAttribute("n")->kind() == c10::TypeKind::IntType);
  CHECK(type->getAttribute("names")->annotation_str() == "Dict[str, int]");
  CHECK(type->getConstant("fixed").toInt() == 5);
  CHECK(type->getConstant("k").isTuple());
  CHECK_FALSE(type->hasAttribute("fixed"));
}

TEST_CASE("compile module: submodules, library layers, and types that are shared or told apart as in Python") {
  const std::string text =
      "class Scale(nn.Module):\n"
      "    def __init__(self, by):\n"
      "        super().__init__()\n"
      "        self.w = nn.Parameter(torch.full((1,), by))\n"
      "    def forward(self, x):\n"
      "        return x * self.w\n"
      "class M(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.a = Scale(2.0)\n"
      "        self.b = Scale(3.0)\n"
      "        self.same = nn.Linear(3, 3)\n"
      "        self.other = nn.Linear(3, 4)\n"
      "        self.none = None\n"
      "    def forward(self, x):\n"
      "        y = self.other(self.same(x))\n"
      "        return self.b(self.a(x)) + y.sum() * 0\n";
  check_module(text, kX, kX * 6);
  const Program program = PythonText(text).script("M");
  const auto type_name = [&](const std::string& name) {
    return program.self->attr(name).toModule().type()->name()->qualifiedName();
  };
  CHECK(type_name("a") == "__torch__.Scale");
  CHECK(type_name("b") == "__torch__.Scale");
  CHECK(type_name("same") == "__torch__.torch.nn.modules.linear.Linear");
  CHECK(type_name("other") == "__torch__.torch.nn.modules.linear.___torch_mangle_0.Linear");
  CHECK(program.self->attr("a").toModule().attr("w").toTensor().item<float>() == 2);
  CHECK(program.self->attr("b").toModule().attr("w").toTensor().item<float>() == 3);
}

TEST_CASE("compile module: ModuleList, Sequential and ModuleDict are unrolled") {
  const std::string text =
      "class Add(nn.Module):\n"
      "    def __init__(self, n):\n"
      "        super().__init__()\n"
      "        self.n = n\n"
      "    def forward(self, x):\n"
      "        return x + self.n\n" +
      kInit +
      "        self.list = nn.ModuleList([Add(1), Add(2), Add(3)])\n"
      "        self.seq = nn.Sequential(Add(10), Add(20))\n"
      "        self.dict = nn.ModuleDict({'a': Add(100), 'b': Add(200)})\n"
      "    def forward(self, x):\n"
      "        for layer in self.list:\n"
      "            x = layer(x)\n"
      "        for i, layer in enumerate(self.list):\n"
      "            x = layer(x) * (i + 1)\n"
      "        for a, b in zip(self.list, self.seq):\n"
      "            x = a(b(x))\n"
      "        for layer in self.list[1:]:\n"
      "            x = layer(x)\n"
      "        x = self.seq(self.list[-1](x))\n"
      "        for k, layer in self.dict.items():\n"
      "            if k == 'a':\n"
      "                x = layer(x)\n"
      "        for layer in self.dict.values():\n"
      "            x = layer(x)\n"
      "        return self.dict['b'](x) + len(self.list) + len(self.dict)\n";
  // ((x + 6 + 1) + 2) * 2 + 3) * 3; + 10 + 1 + 20 + 2; + 5; + 3 + 30; + 100; + 300; + 200 + 3 + 2
  check_module(text, kX, ((kX + 9) * 2 + 3) * 3 + 33 + 5 + 33 + 100 + 300 + 205);
}

TEST_CASE("compile module: in kTrace an index that a range counts picks the submodule") {
  const std::string text = kInit +
                           "        self.layers = nn.ModuleList([nn.Identity() for _ in range(3)])\n"
                           "        self.scales = [1.0, 2.0, 3.0]\n"
                           "    def forward(self, x):\n"
                           "        for i in range(len(self.layers)):\n"
                           "            if i < len(self.layers) - 1:\n"
                           "                x = self.layers[i + 1](x) * self.scales[i]\n"
                           "        return x\n";
  check_equal(traced(text, "M", {kX}), kX * 2);
  CHECK_THAT(compile_error(text, "M", CompileMode::kScript),
             Contains("indexing is only supported with integer literals"));
}

TEST_CASE("compile module: methods, properties, static methods, super and inheritance") {
  const std::string text =
      "class Base(nn.Module):\n"
      "    def __init__(self, n):\n"
      "        super().__init__()\n"
      "        self.n = n\n"
      "    def forward(self, x):\n"
      "        return self.step(x) + self.n\n"
      "    def step(self, x):\n"
      "        return x * 2\n"
      "class M(Base):\n"
      "    def __init__(self):\n"
      "        super(M, self).__init__(5)\n"
      "    def forward(self, x):\n"
      "        return super().forward(x) + super(M, self).step(x) + self.half(x)\n"
      "    def step(self, x):\n"
      "        return x * 10\n"
      "    @staticmethod\n"
      "    def half(x):\n"
      "        return x / 2\n";
  check_module(text, kX, kX * 12.5 + 5);
}

TEST_CASE("compile module: functions held as attributes are called") {
  const std::string text =
      "def triple(x):\n"
      "    return x * 3\n" +
      kInit +
      "        self.act = torch.relu\n"
      "        self.fn = triple\n"
      "        self.f = F.relu\n"
      "    def forward(self, x):\n"
      "        return self.fn(self.act(x)) + self.f(x)\n";
  check_module(text, kX, kX * 4);
}

TEST_CASE("compile module: attributes that forward assigns are state, in both modes") {
  const std::string text = kInit +
                           "        self.count = 0\n"
                           "        self.register_buffer('total', torch.zeros(3))\n"
                           "    def forward(self, x):\n"
                           "        self.count += 1\n"
                           "        self.total = self.total + x\n"
                           "        return self.total * self.count\n";
  const PythonText code(text);
  for (const Program& program : {code.script("M"), code.trace("M", {kX})}) {
    check_equal(run(program, {kX}).toTensor(), kX);
    check_equal(run(program, {kX}).toTensor(), kX * 4);
  }
}

TEST_CASE("compile module: in kTrace forward may make an attribute that __init__ has not") {
  const std::string text = kInit +
                           "    def forward(self, x):\n"
                           "        self.last = x * 2\n"
                           "        return self.last + 1\n";
  check_equal(traced(text, "M", {kX}), kX * 2 + 1);
  CHECK_THAT(compile_error(text, "M", CompileMode::kScript), Contains("Tried to set nonexistent attribute: last"));
}

TEST_CASE("compile module: in kTrace plain lists of modules and functions, and class attributes, are as in Python") {
  const std::string text =
      "class M(nn.Module):\n"
      "    scale = 2\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.plain = [nn.Identity(), nn.ReLU()]\n"
      "        self.table = {'relu': torch.relu, 'neg': torch.neg}\n"
      "        self.mode = 'neg'\n"
      "    def forward(self, x):\n"
      "        for layer in self.plain:\n"
      "            x = layer(x) * self.scale\n"
      "        if self.training and self.mode == 'other':\n"
      "            return x.nothing()\n"
      "        return self.table[self.mode](x)\n";
  check_equal(traced(text, "M", {kX}), kX * -4);
}

TEST_CASE("compile module: traced and scripted submodules are called whole") {
  const std::string text =
      "class Gate(nn.Module):\n"
      "    def forward(self, x):\n"
      "        if x.sum() > 0:\n"
      "            return x\n"
      "        return -x\n" +
      kInit +
      "        self.gate = torch.jit.script(Gate())\n"
      "        self.lin = torch.jit.trace(nn.Linear(3, 3), torch.rand(2, 3))\n"
      "    def forward(self, x):\n"
      "        return self.gate(x) + self.lin(x).sum() * 0\n";
  check_module(text, -kX, kX);
  const PythonText code(text);
  for (const Program& program : {code.script("M"), code.trace("M", {kX})}) {
    CHECK(program.whole_types.size() == 2);
    CHECK(program.whole_types.count(program.self->attr("gate").toModule().type().get()) == 1);
  }
}

TEST_CASE("compile module: a function calls a module of the file, without a parameter that requires grad") {
  const std::string text =
      "class Scale(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.w = nn.Parameter(torch.full((3,), 2.0), requires_grad=GRAD)\n"
      "        self.inner = nn.ReLU()\n"
      "    def forward(self, x):\n"
      "        return self.inner(x) * self.w\n"
      "scale = Scale()\n"
      "def fn(x):\n"
      "    return scale(x) + 1\n";
  check_equal(traced("GRAD = False\n" + text, "fn", {kX}), kX * 2 + 1);
  const std::string message = compile_error("GRAD = True\n" + text, "fn", CompileMode::kTrace, {kX});
  CHECK_THAT(message, Contains("code.py:11:31: Cannot insert a Tensor that requires grad as a constant"));
  CHECK_THAT(message, Contains("trace that module, not one of its methods or a function that calls it"));
  CHECK_THAT(message, Contains("called from 'fn'"));
  CHECK_THAT(compile_error("GRAD = False\n" + text, "fn", CompileMode::kScript),
             Contains("python value of type 'Scale' cannot be used as a value"));
}

TEST_CASE("compile module: forward of a module is the module; another method captures it") {
  const std::string text = kInit +
                           "        self.w = nn.Parameter(torch.ones(3))\n"
                           "    def forward(self, x):\n"
                           "        return x * self.w\n"
                           "    def other(self, x):\n"
                           "        return x + self.w\n"
                           "m = M()\n";
  const PythonText code(text);
  CHECK(code.trace("m.forward", {kX}).self);
  CHECK_THAT(compile_error(text, "m.other", CompileMode::kTrace, {kX}),
             Contains("Cannot insert a Tensor that requires grad as a constant"));
}

TEST_CASE("compile module: only what forward reaches and what is exported is compiled") {
  const std::string text = kInit +
                           "    def forward(self, x):\n"
                           "        return self.used(x)\n"
                           "    def used(self, x):\n"
                           "        return x\n"
                           "    def unused_and_wrong(self, x):\n"
                           "        return x.nothing()\n"
                           "    @torch.jit.export\n"
                           "    def also(self, x):\n"
                           "        return x + 1\n"
                           "    @torch.jit.ignore\n"
                           "    def python_only(self, x):\n"
                           "        return x\n";
  const Program program = PythonText(text).script("M");
  const auto type = program.self->type();
  CHECK(type->findMethod("forward") != nullptr);
  CHECK(type->findMethod("used") != nullptr);
  CHECK(type->findMethod("also") != nullptr);
  CHECK(type->methods().size() == 3);
}

TEST_CASE("compile module: calling an ignored method is an error in kScript and Python's own in kTrace") {
  const std::string text = kInit +
                           "    def forward(self, x):\n"
                           "        return self.python_only(x)\n"
                           "    @torch.jit.unused\n"
                           "    def python_only(self, x):\n"
                           "        return x * 2\n";
  CHECK_THAT(compile_error(text, "M", CompileMode::kScript),
             Contains("is marked @torch.jit.ignore or @torch.jit.unused"));
  check_equal(traced(text, "M", {kX}), kX * 2);
}

TEST_CASE("compile module: attributes without a TorchScript type say which, why, and the four ways out") {
  const auto error = [](const std::string& value, const std::string& use) {
    return compile_error(
        kInit + "        self.a = " + value + "\n    def forward(self, x):\n        return " + use + "\n", "M",
        CompileMode::kScript);
  };
  const std::string empty = error("[]", "x + self.a[0]");
  CHECK_THAT(empty,
             Contains("code.py:9:19: Module 'M' has no attribute 'a' (This attribute exists on the Python module, "
                      "but we failed to convert Python type: 'list' to a TorchScript type. List trace inputs must "
                      "have elements"));
  CHECK_THAT(empty, Contains("torch.nn.Parameter; register_buffer; a constant (annotated Final"));
  CHECK_THAT(error("{}", "x + self.a['k']"), Contains("Dictionary inputs must have entries"));
  CHECK_THAT(error("[1, 'a']", "x + self.a[0]"), Contains("must have consistent element type. Found int and str"));
  CHECK_THAT(error("[nn.ReLU()]", "self.a[0](x)"),
             Contains("Could not infer type of list element: Cannot infer concrete type of torch.nn.Module"));
  CHECK_THAT(error("3", "x + self.nope"), Contains("Module 'M' has no attribute 'nope'"));
}

TEST_CASE("compile module: a constant that is none, and an annotation that does not fit, are errors with a place") {
  CHECK_THAT(
      compile_error("class M(nn.Module):\n    __constants__ = ['d']\n    def __init__(self):\n        "
                    "super().__init__()\n        self.d = {'a': 1}\n    def forward(self, x):\n        return x\n",
                    "M", CompileMode::kScript),
      Contains("code.py:4:0: 'dict' object in attribute 'M.d' is not a valid constant"));
  CHECK_THAT(
      compile_error("class M(nn.Module):\n    d: int\n    def __init__(self):\n        super().__init__()\n        "
                    "self.d = 'a'\n    def forward(self, x):\n        return x\n",
                    "M", CompileMode::kScript),
      Contains("code.py:5:7: attribute 'd' of M is annotated as int"));
}

TEST_CASE("compile module: a missing forward is an error with class and line") {
  const std::string text = kInit + "    def other(self, x):\n        return x\n";
  for (const CompileMode mode : {CompileMode::kScript, CompileMode::kTrace}) {
    CHECK_THAT(compile_error(text, "M", mode, {kX}), Contains("code.py:4:0: class 'M' has no method 'forward'"));
  }
}

TEST_CASE("compile module: a Sequential that hands on more than a Tensor is told the known way out") {
  const std::string text =
      "from typing import Tuple\n"
      "class Pair(nn.Module):\n"
      "    def forward(self, p: Tuple[torch.Tensor, torch.Tensor]):\n"
      "        return p[0] + p[1]\n" +
      kInit +
      "        self.seq = nn.Sequential(Pair(), nn.ReLU())\n"
      "    def forward(self, x):\n"
      "        return self.seq((x, x))\n";
  CHECK_THAT(compile_error(text, "M", CompileMode::kScript),
             Contains("subclass torch.nn.Sequential and redeclare forward with the input typed"));
  check_equal(traced(text, "M", {kX}), kX * 2);
  const std::string mended =
      "from typing import Tuple\n"
      "class Pair(nn.Module):\n"
      "    def forward(self, p: Tuple[torch.Tensor, torch.Tensor]):\n"
      "        return p[0] + p[1]\n"
      "class Pairs(nn.Sequential):\n"
      "    def forward(self, input: Tuple[torch.Tensor, torch.Tensor]):\n"
      "        return self[1](self[0](input))\n" +
      kInit +
      "        self.seq = Pairs(Pair(), nn.ReLU())\n"
      "    def forward(self, x):\n"
      "        return self.seq((x, x))\n";
  check_module(mended, kX, kX * 2);
}
