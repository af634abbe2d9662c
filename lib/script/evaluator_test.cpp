// Statements and expressions of a file, evaluated. Expected values are Python 3.11's and torch 2.13's.
#include "script/evaluator.h"

#include <ATen/CPUGeneratorImpl.h>

#include "script/builtins.h"
#include "script/script_file.h"
#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::error_of;

namespace {

Object value_of(const std::string& text, const std::string& name = "x") {
  evaluation() = Evaluation();
  ScriptFile file(std::make_shared<PythonFile>("f.py", text), "");
  const auto* found = file.require(name);
  REQUIRE(found != nullptr);
  return *found;
}

std::string text(const std::string& code) {
  return text_of(value_of(code));
}

std::string error(const std::string& code) {
  return error_of([&] { value_of(code); }).what();
}

at::Tensor tensor(const std::string& code) {
  const Object value = value_of(code);
  REQUIRE(tensor_of(value) != nullptr);
  return *tensor_of(value);
}

bool close(const at::Tensor& actual, const std::vector<double>& expected) {
  const auto wanted = at::tensor(expected, at::kDouble);
  return actual.numel() == wanted.numel() && at::allclose(actual.flatten().to(at::kDouble), wanted, 0, 1e-7);
}

const std::string kTorch = "import torch\nimport math\n";

const std::string kModule =
    "import torch\n"
    "class Inner(torch.nn.Module):\n"
    "    def __init__(self, size, bias=True):\n"
    "        super().__init__()\n"
    "        self.weight = torch.nn.Parameter(torch.ones(size))\n"
    "        if bias:\n"
    "            self.bias = torch.nn.Parameter(torch.zeros(size))\n"
    "        else:\n"
    "            self.register_parameter('bias', None)\n"
    "    def forward(self, x):\n"
    "        return x * self.weight\n"
    "class Outer(torch.nn.Module):\n"
    "    scale = 2\n"
    "    def __init__(self):\n"
    "        super(Outer, self).__init__()\n"
    "        self.inner = Inner(3, bias=False)\n"
    "        self.register_buffer('mean', torch.zeros(3))\n"
    "        self.register_buffer('cache', torch.zeros(1), persistent=False)\n"
    "        self.plain = torch.ones(2)\n"
    "        self.count: int = 4\n"
    "    def forward(self, x):\n"
    "        return self.inner(x) * self.scale + self.count\n";

}  // namespace

TEST_CASE("evaluator: numbers, text and containers as Python has them", "[script]") {
  CHECK(text("x = 7 // -2, 7 % -2, -7 // 2, 2 ** 10, 2 ** -1, 7 / 2") == "(-4, -1, -4, 1024, 0.5, 3.5)");
  CHECK(text("x = 0.1 + 0.2, 1e16, 1e-5, -2.5 % 2, 3.0") == "(0.30000000000000004, 1e+16, 1e-05, 1.5, 3.0)");
  CHECK(text("x = 6 & 3, 6 | 3, 6 ^ 3, ~6, 1 << 4, 64 >> 2, True & False") == "(2, 7, 5, -7, 16, 16, False)");
  CHECK(text("x = 1 < 2 <= 2 < 3, 1 == 1.0, 'a' < 'b', [1, (2,)] == [1, (2,)], not 0") ==
        "(True, True, True, True, True)");
  CHECK(text("x = [1] * 3 + [2], 'ab' * 2, (1,) + (2,), 2 in [1, 2], 'k' not in {'k': 1}, None is None") ==
        "([1, 1, 1, 2], 'abab', (1, 2), True, False, True)");
  CHECK(text("a = [0, 1, 2, 3, 4]\nx = a[1:3], a[::-1], a[-1], a[::2], 'hello'[1:-1]") ==
        "([1, 2], [4, 3, 2, 1, 0], 4, [0, 2, 4], 'ell')");
  CHECK(text("d = {'a': 1, 'b': [2]}\nd['c'] = 3\ndel d['a']\nx = d.get('z', 9), list(d.keys()), d['b'][0]") ==
        "(9, ['b', 'c'], 2)");
  CHECK(text("x = f'{1 + 1} of {\"ab\".upper()}', '-'.join(['a', 'b']), 'a b'.split()") ==
        "('2 of AB', 'a-b', ['a', 'b'])");
  CHECK(text("x = 3 if 1 > 2 else 4, None or 5, 0 and 6, [] or 'e'") == "(4, 5, 0, 'e')");
}

TEST_CASE("evaluator: statements of every kind", "[script]") {
  CHECK(text("a, (b, *c), d = 1, (2, 3, 4), 5\nx = [a, b, c, d]") == "[1, 2, [3, 4], 5]");
  CHECK(text("x = y = [1]\nx.append(2)\nx += [3]\nx = x, y") == "([1, 2, 3], [1, 2, 3])");
  CHECK(text("x = []\nfor i in range(10):\n    if i == 2:\n        continue\n    elif i > 4:\n        break\n"
             "    else:\n        x.append(i)\n") == "[0, 1, 3, 4]");
  CHECK(text("x = []\nfor i, (j, k) in [(1, (2, 3))]:\n    x += [i, j, k]\n") == "[1, 2, 3]");
  CHECK(text("x = 0\nwhile True:\n    x += 1\n    if x > 5: break\n") == "6");
  CHECK(text("def f(n, acc=1):\n    '''text'''\n    if n < 2:\n        return acc\n    return f(n - 1, acc * n)\nx = "
             "f(5)") == "120");
  CHECK(text("def f(a, *rest, b=2, **more):\n    return [a, rest, b, more['c']]\nx = f(1, 5, 6, c=7)") ==
        "[1, (5, 6), 2, 7]");
  CHECK(text("def f(a, b): return a - b\nargs = [5]\nx = f(*args, **{'b': 2})") == "3");
  CHECK(text("x = [i * j for i, j in zip([1, 2], [3, 4])], {str(k): k for k in range(2)}['1']") == "([3, 8], 1)");
  CHECK(text("def make(k):\n    def add(v):\n        return v + k\n    return add\nx = make(3)(4)") == "7");
  CHECK(text("x = sum(i for i in range(4)), max(1, 5, 3), min([4, 2]), abs(-3), len('abc'), sorted([3, 1])") ==
        "(6, 5, 2, 3, 3, [1, 3])");
  CHECK(text("x = [(i, v) for i, v in enumerate(['a'], 1)], int('7'), float(2), bool([]), isinstance(True, int)") ==
        "([(1, 'a')], 7, 2.0, False, True)");
  CHECK(text(kTorch + "x = torch.device('cuda' if torch.cuda.is_available() else 'cpu').type") == "cpu");
  CHECK(text(kTorch + "x = math.sqrt(16), math.floor(2.7), round(math.pi, 3), math.prod([2, 3])") ==
        "(4.0, 2, 3.142, 6)");
  CHECK(text("class Config:\n    hidden = 3\n    def __init__(self, layers):\n        self.layers = layers\n"
             "    @property\n    def both(self):\n        return self.layers + self.hidden\n"
             "    @staticmethod\n    def double(v):\n        return v * 2\n"
             "c = Config(2)\nx = c.both, c.double(4), Config.hidden, isinstance(c, Config)") == "(5, 8, 3, True)");
}

TEST_CASE("evaluator: tensors go through libtorch's operators", "[script]") {
  CHECK(close(tensor(kTorch + "x = torch.tensor([[1, 2], [3, 4]]) @ torch.ones(2, 1, dtype=torch.long)"), {3, 7}));
  CHECK(close(tensor(kTorch + "x = 1 - torch.arange(3) * 2.5"), {1, -1.5, -4}));
  CHECK(close(tensor(kTorch + "a = torch.zeros(2, 3)\na[0] = 1\na[1, 1:] = torch.tensor([5., 6.])\nx = a[..., 1:]"),
              {1, 1, 5, 6}));
  CHECK(close(tensor(kTorch + "x = torch.tensor([103.939, 116.779]).resize_(1, 2, 1, 1)"), {103.939f, 116.779f}));
  CHECK(tensor(kTorch + "x = torch.zeros((2, 3), dtype=torch.float64)").scalar_type() == at::kDouble);
  CHECK(tensor(kTorch + "x = torch.rand(2, requires_grad=True)").requires_grad());
  CHECK(tensor(kTorch + "x = torch.tensor([True, False])").scalar_type() == at::kBool);
  CHECK(tensor(kTorch + "x = torch.tensor([1, 2.5])").scalar_type() == at::kFloat);
  CHECK(tensor(kTorch + "x = torch.cat([torch.ones(1, 2), torch.zeros(1, 2)], dim=0)").sizes() ==
        at::IntArrayRef({2, 2}));
  CHECK(text(kTorch +
             "a = torch.ones(2, 3)\nx = a.shape, a.size(1), a.dim(), a.sum().item(), a.dtype is torch.float32") ==
        "((2, 3), 3, 2, 6.0, True)");
  CHECK_FALSE(
      tensor(kTorch + "w = torch.ones(1, requires_grad=True)\nwith torch.no_grad():\n    x = w * 2\n").requires_grad());
  CHECK(tensor(kTorch + "w = torch.ones(1, requires_grad=True)\nx = w * 2\n").requires_grad());
}

TEST_CASE("evaluator: random numbers are Python's for the seed", "[script]") {
  // torch 2.13: torch.manual_seed(3); torch.rand(2)
  CHECK(close(tensor(kTorch + "torch.manual_seed(3)\nx = torch.rand(2)"), {0.004263520240783691, 0.10556936264038086}));
  // torch.manual_seed(7), then Linear(3, 2), rand(2), randn(2), randint(0, 100, (3,)), randperm(5)
  const std::string code = kTorch +
                           "torch.manual_seed(7)\nl = torch.nn.Linear(3, 2)\na = torch.rand(2)\nb = torch.randn(2)\n"
                           "c = torch.randint(0, 100, (3,))\nd = torch.randperm(5)\n"
                           "x = torch.cat([l.weight.flatten(), l.bias, a, b, c.float(), d.float()])";
  CHECK(close(tensor(code), {0.040325075,
                             -0.347792119,
                             0.183841825,
                             0.181161284,
                             -0.308580369,
                             -0.086531632,
                             -0.33822792768478394,
                             0.1498066484928131,
                             0.36531615257263184,
                             0.8512683510780334,
                             0.4457423985004425,
                             -0.7068324685096741,
                             62,
                             30,
                             66,
                             2,
                             4,
                             0,
                             3,
                             1}));
  // torch.manual_seed(0); c = torch.nn.Conv2d(1, 2, 3): c.weight.flatten()[:3], c.bias, torch.rand(1)
  const std::string conv = kTorch +
                           "torch.manual_seed(0)\nc = torch.nn.Conv2d(1, 2, 3)\n"
                           "x = torch.cat([c.weight.flatten()[:3], c.bias, torch.rand(1)])";
  CHECK(close(tensor(conv), {-0.0024956068955361843, 0.17881453037261963, -0.2743483781814575, -0.22598037123680115,
                             -0.14515428245067596, 0.6816085577011108}));
}

TEST_CASE("evaluator: what becomes a parameter, a buffer, a submodule, an attribute", "[script]") {
  const Object outer = value_of(kModule + "x = Outer()");
  const auto module = outer.as<InstanceObject>();
  REQUIRE(module);
  CHECK(module->type->qualified_name == "__torch__.Outer");
  CHECK(module->find("inner")->kind == AttributeKind::kModule);
  CHECK(module->find("mean")->kind == AttributeKind::kBuffer);
  CHECK(module->find("mean")->persistent);
  CHECK_FALSE(module->find("cache")->persistent);
  CHECK(module->find("plain")->kind == AttributeKind::kAttribute);
  CHECK(module->find("count")->kind == AttributeKind::kAttribute);
  const auto inner = module->find("inner")->value.as<InstanceObject>();
  CHECK(inner->find("weight")->kind == AttributeKind::kParameter);
  CHECK(tensor_of(inner->find("weight")->value)->requires_grad());
  CHECK(inner->find("bias")->kind == AttributeKind::kParameter);
  CHECK(is_none(inner->find("bias")->value));
  CHECK(text(kModule + "m = Outer()\nx = list(m.state_dict().keys())") == "['mean', 'inner.weight']");
  CHECK(text(kModule + "m = Outer()\nx = [n for n, p in m.named_parameters()], [n for n, c in m.named_modules()]") ==
        "(['inner.weight'], ['', 'inner'])");
}

TEST_CASE("evaluator: a module's own methods", "[script]") {
  CHECK(text(kModule + "m = Outer()\nm.eval()\nx = m.training, m.inner.training, m.train().inner.training") ==
        "(False, False, True)");
  CHECK(close(tensor(kModule + "m = Outer()\nx = m(torch.ones(3))"), {6, 6, 6}));
  CHECK(tensor(kModule + "x = Outer().double().inner.weight").scalar_type() == at::kDouble);
  CHECK(tensor(kModule + "x = Outer().to(torch.float16).mean").scalar_type() == at::kHalf);
  CHECK_FALSE(tensor(kModule + "x = Outer().requires_grad_(False).inner.weight").requires_grad());
  CHECK(close(
      tensor(kModule + "a = Outer()\nb = Outer()\na.inner.weight.data.fill_(3)\nb.load_state_dict(a.state_dict())\n"
                       "x = b.inner.weight"),
      {3, 3, 3}));
  CHECK(close(
      tensor(kModule + "def init(m):\n    if isinstance(m, Inner):\n        torch.nn.init.constant_(m.weight, 5.0)\n"
                       "m = Outer()\nm.apply(init)\nx = m.inner.weight"),
      {5, 5, 5}));
}

TEST_CASE("evaluator: containers of modules", "[script]") {
  const std::string nn = "import torch\nfrom torch import nn\nfrom collections import OrderedDict\n";
  CHECK(text(nn + "s = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nx = len(s), [n for n, p in s.named_parameters()]") ==
        "(2, ['0.weight', '0.bias'])");
  CHECK(text(nn +
             "s = nn.Sequential(OrderedDict([('fc', nn.Linear(2, 3))]))\nx = [n for n, p in s.named_parameters()]") ==
        "['fc.weight', 'fc.bias']");
  CHECK(text(nn + "l = nn.ModuleList(nn.Linear(2, 2) for _ in range(3))\nl.append(nn.ReLU())\nl.insert(0, nn.Tanh())\n"
                  "l += [nn.ReLU()]\nx = len(l), isinstance(l[0], nn.Tanh), isinstance(l[-1], nn.ReLU), len(l[1:3])") ==
        "(6, True, True, 2)");
  CHECK(text(nn + "d = nn.ModuleDict({'a': nn.ReLU()})\nd['b'] = nn.Tanh()\nx = list(d.keys()), 'b' in d, len(d)") ==
        "(['a', 'b'], True, 2)");
  CHECK(text(nn +
             "p = nn.ParameterList([nn.Parameter(torch.ones(2))])\nx = len(p), [n for n, v in p.named_parameters()]") ==
        "(1, ['0'])");
  CHECK(close(tensor(nn + "s = nn.Sequential(nn.ReLU(), nn.Identity())\nx = s(torch.tensor([-1., 2.]))"), {0, 2}));
}

TEST_CASE("evaluator: Python's exceptions, at their place", "[script]") {
  CHECK_THAT(error("x = y"), StartsWith("f.py:1:4: NameError: name 'y' is not defined\n  x = y\n      ^"));
  CHECK_THAT(error("x = 1 + 'a'"),
             StartsWith("f.py:1:4: TypeError: unsupported operand type(s) for +: 'int' and 'str'"));
  CHECK_THAT(error("x = [1][3]"), StartsWith("f.py:1:4: IndexError: list index out of range"));
  CHECK_THAT(error("d = {'a': 1}\nx = d['b']"), StartsWith("f.py:2:4: KeyError: 'b'"));
  CHECK_THAT(error("x = 1 / 0"), StartsWith("f.py:1:4: ZeroDivisionError"));
  CHECK_THAT(error("a, b = [1, 2, 3]\nx = a"),
             StartsWith("f.py:1:0: ValueError: too many values to unpack (expected 2)"));
  CHECK_THAT(error("def f():\n    raise ValueError('no')\nx = f()"), StartsWith("f.py:2:4: ValueError: no"));
  CHECK_THAT(error("def f(v):\n    assert v > 1, 'small'\nx = f(0)"), StartsWith("f.py:2:4: AssertionError: small"));
  CHECK_THAT(error("x = (3).foo"), StartsWith("f.py:1:"));
  CHECK_THAT(error("x = None.foo"), Contains("'NoneType' object has no attribute 'foo'"));
  CHECK_THAT(error("def f(a, b): return a\nx = f(1)"),
             StartsWith("f.py:2:4: TypeError: f() missing 1 required positional argument: 'b'"));
  CHECK_THAT(error("def f(a): return a\nx = f(1, 2)"), Contains("f() takes 1 positional argument but 2 were given"));
  CHECK_THAT(error("def f(a): return a\nx = f(b=2)"), Contains("f() got an unexpected keyword argument 'b'"));
  CHECK_THAT(error("def f(a): return a\nx = f(1, a=2)"), Contains("f() got multiple values for argument 'a'"));
  CHECK_THAT(error(kModule + "x = Inner()"),
             Contains("Inner.__init__() missing 1 required positional argument: 'size'"));
  CHECK_THAT(error("def f(n): return f(n)\nx = f(1)"), Contains("RecursionError"));
  CHECK_THAT(error(kTorch + "x = torch.ones(2) @ torch.ones(3)"), StartsWith("f.py:3:4: "));
  CHECK_THAT(error(kTorch + "x = torch.ones(2).reshape('a')"), StartsWith("f.py:3:4: "));
}

TEST_CASE("evaluator: torch.nn.Module's own rules", "[script]") {
  const std::string head = "import torch\nclass A(torch.nn.Module):\n    def __init__(self):\n";
  CHECK_THAT(error(head + "        self.w = torch.nn.Parameter(torch.ones(1))\nx = A()"),
             StartsWith("f.py:4:8: AttributeError: cannot assign parameters before Module.__init__() call"));
  CHECK_THAT(error(head + "        super().__init__()\n        self.w = torch.nn.Parameter(torch.ones(1))\n"
                          "        self.w = torch.ones(1)\nx = A()"),
             Contains("TypeError: cannot assign 'Tensor' as parameter 'w' (torch.nn.Parameter or None expected)"));
  CHECK_THAT(error(head + "        super().__init__()\n        self.register_buffer('b', 3)\nx = A()"),
             Contains("cannot assign 'int' object to buffer 'b'"));
  CHECK_THAT(error(head + "        super().__init__()\nx = A()(1)"),
             Contains("missing the required \"forward\" function"));
}

TEST_CASE("evaluator: a loop without end is an error, not a hang", "[script]") {
  CHECK_THAT(error("x = 0\nwhile True:\n    x += 0\n"), Contains("a loop without end"));
}

TEST_CASE("evaluator: a layer that the library lacks is named, with those there are", "[script]") {
  const std::string message = error(kTorch + "x = torch.nn.Linaer(2, 2)");
  CHECK_THAT(message, StartsWith("f.py:3:4: torch.nn.Linaer is not in the library"));
  CHECK_THAT(message, Contains("Linear"));
  CHECK_THAT(error("import numpy as np\nx = np.zeros(3)"),
             StartsWith("f.py:2:4: module 'numpy' is outside the subset"));
}

TEST_CASE("evaluator: what is outside the subset hurts only where it is used", "[script]") {
  const std::string code =
      "import numpy as np\n"
      "from matplotlib import pyplot\n"
      "import torch\n"
      "try:\n    import foo\nexcept ImportError:\n    foo = None\n"
      "class A(torch.nn.Module):\n"
      "    def __init__(self):\n        super().__init__()\n        self.k = 1\n"
      "    def plot(self):\n        return [lambda v: pyplot.show(v)]\n"
      "    def forward(self, x):\n        return x + self.k\n"
      "a = A()\n"
      "print(undefined)\n"
      "undefined_function(a)\n";
  CHECK(close(tensor(code + "x = a(torch.ones(1))"), {2}));
  CHECK_THAT(error(code + "x = a.plot()"), StartsWith("f.py:13:16: 'lambda' is outside the subset"));
}

}  // namespace bertjit
