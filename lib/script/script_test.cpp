// FILE.py:NAME as a whole: which statements run, what a name may stand for, torch.jit inside a file.
#include "script/script.h"

#include <ATen/CPUGeneratorImpl.h>

#include "record/interpreter.h"
#include "script/operators.h"
#include "testing/error_of.h"

namespace bertjit {

using Catch::Matchers::Contains;
using Catch::Matchers::StartsWith;
using testing::error_of;
using testing::TempDir;

namespace {

class Sources {
 public:
  std::string write(const std::string& name, const std::string& text) {
    std::filesystem::create_directories((folder_ / name).parent_path());
    testing::write_bytes(folder_ / name, text);
    return (folder_ / name).string();
  }
  Object open(const std::string& text, const std::string& name, uint64_t seed = 0) {
    return open_script(write("f.py", text) + ":" + name, seed).callable;
  }
  std::string error(const std::string& text, const std::string& name) {
    std::string message = error_of([&] { open(text, name); }).what();
    const std::string folder = folder_.path().string() + "/";
    for (size_t at; (at = message.find(folder)) != std::string::npos;) {
      message.erase(at, folder.size());
    }
    return message;
  }

 private:
  TempDir folder_;
};

const std::string kCell =
    "import torch\n"
    "class MyCell(torch.nn.Module):\n"
    "    def __init__(self, gate=None):\n"
    "        super(MyCell, self).__init__()\n"
    "        self.linear = torch.nn.Linear(4, 4)\n"
    "    def forward(self, x, h):\n"
    "        new_h = torch.tanh(self.linear(x) + h)\n"
    "        return new_h, new_h\n";

at::Tensor weight_of(const Object& module) {
  const auto instance = module.as<InstanceObject>();
  return *tensor_of(instance->find("linear")->value.as<InstanceObject>()->find("weight")->value);
}

}  // namespace

TEST_CASE("script: FILE.py:NAME is told from other sources", "[script]") {
  CHECK(split_script_source("a/b.py:MyCell") == std::make_pair(std::string("a/b.py"), std::string("MyCell")));
  CHECK(split_script_source("b.py:model.forward")->second == "model.forward");
  for (const std::string other : {"model.pt", "b.py", "b.py:", "b.py:1x", "b.py:a..b", "b.py:a.", "dir:x", ".py:x y"}) {
    CHECK_FALSE(split_script_source(other));
  }
}

TEST_CASE("script: a class is made without arguments, a name may be dotted", "[script]") {
  Sources sources;
  CHECK(sources.open(kCell, "MyCell").as<InstanceObject>());
  CHECK(sources.open(kCell + "model = MyCell()\n", "model.linear").as<InstanceObject>()->type->name == "Linear");
  CHECK(sources.open(kCell + "model = MyCell()\n", "model.forward").as<BoundMethodObject>());
  CHECK(sources.open("def f(x):\n    return x\n", "f").as<FunctionObject>()->name == "f");
}

TEST_CASE("script: random numbers begin with the seed, and the process keeps its own", "[script]") {
  Sources sources;
  const auto before = at::detail::getDefaultCPUGenerator().get_state();
  const auto first = weight_of(sources.open(kCell, "MyCell", 7));
  CHECK(at::equal(before, at::detail::getDefaultCPUGenerator().get_state()));
  CHECK(at::equal(first, weight_of(sources.open(kCell, "MyCell", 7))));
  CHECK_FALSE(at::equal(first, weight_of(sources.open(kCell, "MyCell", 8))));
  // torch 2.13: torch.manual_seed(7); torch.nn.Linear(4, 4).weight[0]
  CHECK(at::allclose(first[0], at::tensor({0.03492254F, -0.30119681F, 0.1592117F, 0.15689027F}), 0, 1e-7));
  const std::string seeded = "import torch\ntorch.manual_seed(7)\n" + kCell;
  CHECK(at::equal(first, weight_of(sources.open(seeded, "MyCell", 1))));
}

TEST_CASE("script: only what the name needs is evaluated", "[script]") {
  Sources sources;
  const std::string text = kCell +
                           "boom = 1 / 0\n"
                           "unused = undefined(3)\n"
                           "print(1 / 0)\n"
                           "model = MyCell()\n"
                           "model.eval()\n"
                           "model.save('model.pt')\n"
                           "if __name__ == '__main__':\n    raise ValueError('ran')\n";
  const auto model = sources.open(text, "model").as<InstanceObject>();
  REQUIRE(model);
  CHECK_FALSE(model->training);
  CHECK_THAT(sources.error(text, "boom"), StartsWith("f.py:9:7: ZeroDivisionError"));
}

TEST_CASE("script: names of files beside it can be imported", "[script]") {
  Sources sources;
  sources.write("cells.py", kCell + "WIDTH = 4\n");
  const Object model = sources.open("import cells\nfrom cells import MyCell as Cell\nm = Cell(cells.WIDTH)\n", "m");
  CHECK(model.as<InstanceObject>()->type->qualified_name == "__torch__.cells.MyCell");
  CHECK_THAT(sources.error("from cells import Other\nm = Other()\n", "m"),
             Contains("has no 'Other'; it has MyCell, WIDTH"));
}

TEST_CASE("script: errors name the file, the line and the way out", "[script]") {
  Sources sources;
  CHECK(sources.error(kCell + "model = MyCell()\n", "modle") ==
        "f.py: there is no 'modle' in it; it defines MyCell, model");
  CHECK_THAT(sources.error("import torch\nx = torch.ones(3)\n", "x"),
             Contains("'x' is no function and no module, but Tensor"));
  CHECK_THAT(sources.error("class A:\n    pass\n", "A"), StartsWith("f.py:1:0: class A is no torch.nn.Module"));
  const std::string needs =
      "import torch\nclass A(torch.nn.Module):\n    def __init__(self, gate):\n        super().__init__()\n";
  CHECK_THAT(sources.error(needs, "A"),
             StartsWith("f.py:2:0: TypeError: A.__init__() missing 1 required positional argument: 'gate'"));
  CHECK_THAT(sources.error(needs, "A"), Contains("write model = A(…) in the file and name"));
  CHECK_THAT(sources.error("def f(x:\n    return x\n", "f"), StartsWith("f.py:"));
  CHECK_THAT(sources.error("from enum import Enum\nclass E(Enum):\n    A = 1\n", "E"),
             StartsWith("f.py:2:8: class E has a base that is outside the subset (enum.Enum)"));
  CHECK(error_of([] { open_script("nowhere/f.py:f", 0); }).kind() == ErrorKind::kNotFound);
}

TEST_CASE("script: torch.jit.script and torch.jit.trace in a file", "[script]") {
  Sources sources;
  // 003 and 004 of the TorchScript pages: scripted and traced functions call one another.
  const std::string text =
      "import torch\n"
      "def foo(x, y):\n"
      "    return 2 * x + y\n"
      "traced_foo = torch.jit.trace(foo, (torch.rand(3), torch.rand(3)))\n"
      "@torch.jit.script\n"
      "def bar(x):\n"
      "    return traced_foo(x, x)\n"
      "three = bar(torch.tensor(1))\n"
      "def check():\n"
      "    return three\n";
  const auto bar = sources.open(text, "bar").as<CompiledFunctionObject>();
  REQUIRE(bar);
  CHECK(bar->kind == CompiledFunctionObject::Kind::kScripted);
  const auto traced = sources.open(text, "traced_foo").as<CompiledFunctionObject>();
  REQUIRE(traced);
  REQUIRE(traced->recorded);
  CHECK(traced->recorded->inputs.size() == 2);
  const auto check = sources.open(text, "check").as<FunctionObject>();
  CHECK(tensor_of(*check->scope->find("three"))->item().toLong() == 3);
}

TEST_CASE("script: a scripted loop around a traced cell that holds a scripted gate", "[script]") {
  Sources sources;
  const std::string text =
      "import torch\n"
      "class MyDecisionGate(torch.nn.Module):\n"
      "    def forward(self, x):\n"
      "        if x.sum() > 0:\n"
      "            return x\n"
      "        else:\n"
      "            return -x\n"
      "class MyCell(torch.nn.Module):\n"
      "    def __init__(self, dg):\n"
      "        super(MyCell, self).__init__()\n"
      "        self.dg = dg\n"
      "        self.linear = torch.nn.Linear(4, 4)\n"
      "    def forward(self, x, h):\n"
      "        new_h = torch.tanh(self.dg(self.linear(x)) + h)\n"
      "        return new_h, new_h\n"
      "scripted_gate = torch.jit.script(MyDecisionGate())\n"
      "x, h = torch.rand(3, 4), torch.rand(3, 4)\n"
      "class MyRNNLoop(torch.nn.Module):\n"
      "    def __init__(self):\n"
      "        super(MyRNNLoop, self).__init__()\n"
      "        self.cell = torch.jit.trace(MyCell(scripted_gate), (x, h))\n"
      "    def forward(self, xs):\n"
      "        h, y = torch.zeros(3, 4), torch.zeros(3, 4)\n"
      "        for i in range(xs.size(0)):\n"
      "            y, h = self.cell(xs[i], h)\n"
      "        return y, h\n"
      "rnn_loop = torch.jit.script(MyRNNLoop())\n";
  const auto loop = sources.open(text, "rnn_loop").as<CompiledModuleObject>();
  REQUIRE(loop);
  CHECK(loop->kind == CompiledModuleObject::Kind::kScripted);
  auto module = loop->module;
  const auto out = module.forward({at::rand({5, 3, 4})}).toTuple();
  CHECK(out->elements()[0].toTensor().sizes() == at::IntArrayRef({3, 4}));
  const auto cell = module.attr("cell").toModule();
  CHECK(cell.attr("dg").toModule().get_method("forward").graph()->toString().find("prim::If") != std::string::npos);
}

TEST_CASE("script: a module called at the top of the file runs, with what it was compiled to", "[script]") {
  Sources sources;
  const std::string text = kCell +
                           "scripted = torch.jit.script(MyCell())\n"
                           "one = scripted(torch.ones(2, 4), h=torch.zeros(2, 4))[0]\n"
                           "def get():\n    return one\n";
  const auto get = sources.open(text, "get").as<FunctionObject>();
  CHECK(tensor_of(*get->scope->find("one"))->sizes() == at::IntArrayRef({2, 4}));
  CHECK_THAT(sources.error(kCell + "scripted = torch.jit.script(MyCell())\nm = scripted(torch.ones(2, 4))\n", "m"),
             StartsWith("f.py:10:4: "));
  CHECK_THAT(sources.error(kCell + "m = torch.jit.script(MyCell)\n", "m"),
             Contains("consider passing an instance instead"));
  CHECK_THAT(sources.error("import torch\nm = torch.jit.load('none.pt')\n", "m"), StartsWith("f.py:2:4: "));
}

TEST_CASE("script: an encoder of the usual kind has Python's numbers", "[script]") {
  Sources sources;
  const std::string text = R"__(
import torch, math
import torch.nn as nn
import torch.nn.functional as F
from typing import Optional, Final

torch.manual_seed(0)
device = torch.device("cuda:0" if torch.cuda.is_available() else "cpu")

class Attention(nn.Module):
    """Self attention."""
    heads: Final[int]
    __constants__ = ['scale']

    def __init__(self, hidden: int, heads: int = 2, *, dropout: float = 0.1):
        super().__init__()
        assert hidden % heads == 0, f"hidden {hidden} must divide by {heads}"
        self.heads = heads
        self.scale = 1.0 / math.sqrt(hidden // heads)
        self.qkv = nn.Linear(hidden, hidden * 3)
        self.out = nn.Linear(hidden, hidden)
        self.dropout = nn.Dropout(dropout)
        self.names = [f"layer{i}" for i in range(3)]

    def forward(self, x, mask: Optional[torch.Tensor] = None):
        b, n, c = x.shape
        q, k, v = self.qkv(x).view(b, n, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        s = (q @ k.transpose(-2, -1)) * self.scale
        if mask is not None:
            s = s.masked_fill(mask == 0, -1e4)
        return self.out((s.softmax(-1) @ v).transpose(1, 2).reshape(b, n, c))

class Encoder(nn.Module):
    def __init__(self, n=2, hidden=8):
        super().__init__()
        self.embed = nn.Embedding(100, hidden)
        self.layers = nn.ModuleList(
            [nn.ModuleDict({'att': Attention(hidden), 'norm': nn.LayerNorm(hidden)}) for _ in range(n)])
        self.head = nn.Sequential(nn.Linear(hidden, 16), nn.GELU(), nn.Linear(16, 3))
        for name, p in self.named_parameters():
            if p.dim() > 1 and 'embed' not in name:
                nn.init.xavier_uniform_(p)

    def forward(self, ids):
        x = self.embed(ids)
        for layer in self.layers:
            x = layer['norm'](x + layer['att'](x))
        return F.log_softmax(self.head(x[:, 0]), dim=-1)

model = Encoder().to(device).eval()
with torch.no_grad():
    model.head[0].bias.fill_(0.5)
    model.embed.weight[0] *= 2
ids = torch.randint(0, 100, (2, 5))
count = sum(p.numel() for p in model.parameters())
traced = torch.jit.trace(model, ids)
eager, recorded = model(ids), traced(ids)
def results():
    return eager, recorded, ids, count
)__";
  const auto results = sources.open(text, "results").as<FunctionObject>();
  const auto find = [&](const std::string& name) { return *results->scope->find(name); };
  // torch 2.13, the same text
  const auto expected =
      at::tensor({-1.19241893F, -0.48037735F, -2.55151105F, -2.16653204F, -0.26645419F, -2.12582374F});
  CHECK(at::allclose(tensor_of(find("eager"))->flatten(), expected, 0, 1e-5));
  CHECK(at::allclose(tensor_of(find("recorded"))->flatten(), expected, 0, 1e-5));
  CHECK(at::equal(*tensor_of(find("ids")), at::tensor({11, 25, 12, 93, 6, 0, 89, 40, 52, 33}, at::kLong).view({2, 5})));
  CHECK(integer_of(find("count")) == 1603);
}

TEST_CASE("script: a traced module keeps the inputs it was traced and checked with", "[script]") {
  Sources sources;
  const std::string text = kCell +
                           "x, h = torch.rand(3, 4), torch.rand(3, 4)\n"
                           "inputs = [(torch.rand(2, 4), torch.rand(2, 4))]\n"
                           "traced = torch.jit.trace(MyCell(), (x, h), check_inputs=inputs)\n";
  const auto traced = sources.open(text, "traced").as<CompiledModuleObject>();
  REQUIRE(traced);
  CHECK(traced->kind == CompiledModuleObject::Kind::kTraced);
  REQUIRE(traced->recorded);
  CHECK(traced->recorded->callee.as<InstanceObject>());
  REQUIRE(traced->recorded->check_inputs.size() == 1);
  CHECK(traced->recorded->check_inputs[0].size() == 2);
  const auto [file, line, column] = *traced->recorded->where.file_line_col();
  CHECK(line == 11);
  CHECK(column == 9);
}

TEST_CASE("script: files, packages and relative imports are found as Python finds them", "[script]") {
  Sources sources;
  sources.write("pkg/__init__.py", "from .blocks import Block\nfrom . import sizes\nscale = 3\n");
  sources.write("pkg/sizes.py", "width = 4\n");
  sources.write("pkg/inner/__init__.py", "");
  sources.write("pkg/inner/deep.py", "from ..sizes import width\nfrom ... import nothing\ndepth = width + 1\n");
  sources.write("pkg/blocks.py",
                "import torch\nfrom .sizes import width\n"
                "class Block(torch.nn.Module):\n"
                "    def __init__(self):\n"
                "        super().__init__()\n"
                "        self.linear = torch.nn.Linear(width, 2)\n"
                "    def forward(self, x):\n"
                "        return self.linear(x)\n");
  sources.write("bare/leaf.py", "value = 7\n");
  CHECK(weight_of(sources.open("from pkg import Block\nmodel = Block()\n", "model")).sizes() == at::IntArrayRef{2, 4});
  const auto type = sources.open("import pkg.blocks\nm = pkg.blocks.Block()\n", "m").as<InstanceObject>()->type;
  CHECK(type->qualified_name == "__torch__.pkg.blocks.Block");
  const auto holds = [&](const std::string& imports, const std::string& condition) {
    sources.open(imports + "f = None\nif " + condition + ":\n    def f(x):\n        return x\n", "f");
  };
  holds("import pkg\n", "pkg.scale == 3 and pkg.sizes.width == 4");
  holds("import pkg.sizes as s\n", "s.width == 4");
  holds("from pkg import sizes\n", "sizes.width == 4");
  holds("from pkg.inner.deep import depth\n", "depth == 5");
  holds("from bare import leaf\nimport bare.leaf\n", "leaf.value == 7 and bare.leaf.value == 7");
}

TEST_CASE("script: a file without a folder in its name finds files beside it", "[script]") {
  const TempDir folder;
  testing::write_bytes(folder / "sibling.py", "def shift(x):\n    return x + 1\n");
  testing::write_bytes(folder / "p.py", "from sibling import shift\ndef f(x):\n    return shift(x)\ng = shift\n");
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path());
  const auto definition = open_script("p.py:g", 0);
  std::filesystem::current_path(before);
  CHECK(definition.callable.as<FunctionObject>()->name == "shift");
}

TEST_CASE("script: a relative import that is not there is refused at its place", "[script]") {
  Sources sources;
  CHECK_THAT(sources.error("from .nowhere import f\ng = f\n", "g"),
             StartsWith("f.py:1:21: ModuleNotFoundError: there is no .nowhere beside f.py"));
  CHECK_THAT(sources.error("from math import *\ndef g(x):\n    return x\nh = sqrt(2)\n", "h"),
             Contains("NameError: name 'sqrt' is not defined"));
  CHECK_THAT(sources.error("import collections\nP = collections.namedtuple('P', 'a b')\ndef f(x):\n    return x\n"
                           "g = P(1, 2)\n",
                           "g"),
             Contains("collections.namedtuple is outside the subset"));
}

TEST_CASE("script: random numbers that other statements draw are drawn", "[script]") {
  Sources sources;
  const std::string linear =
      "class M(torch.nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.linear = torch.nn.Linear(3, 2)\n"
      "    def forward(self, x):\n"
      "        return self.linear(x)\n";
  const auto first_weight = [&](const std::string& text, const std::string& name = "m") {
    return weight_of(sources.open("import torch\n" + linear + text, name)).flatten()[0].item<float>();
  };
  // python: torch.manual_seed(3); m = nn.Linear(3, 2); m.weight.flatten()[0]; then with torch.randn(3) drawn before it,
  // with a layer made before it, with a draw inside print(). torch 2.13.0.
  CHECK(first_weight("torch.manual_seed(3)\nm = M()\n") == Approx(-0.5724271535873413).epsilon(1e-6));
  CHECK(first_weight("torch.manual_seed(3)\nnoise = torch.randn(3)\nm = M()\n") ==
        Approx(0.10902822017669678).epsilon(1e-6));
  CHECK(first_weight("torch.manual_seed(3)\nother = M()\nm = M()\n") == Approx(0.10902822017669678).epsilon(1e-6));
  CHECK(first_weight("torch.manual_seed(3)\nprint(torch.randn(3))\nm = M()\n") ==
        Approx(0.10902822017669678).epsilon(1e-6));
  CHECK(first_weight("torch.manual_seed(3)\ndef draw():\n    return torch.randn(3)\nx = draw()\nm = M()\n") ==
        Approx(0.10902822017669678).epsilon(1e-6));
  // Without a seed in the file Python's would be those of torch.manual_seed(--seed) above it, for what is assigned; a
  // class is made as if nothing had been drawn.
  const auto unseeded = [&](const std::string& name) {
    const std::string path = sources.write("u.py", "import torch\nnoise = torch.randn(3)\n" + linear + "m = M()\n");
    return weight_of(open_script(path + ":" + name, 3).callable).flatten()[0].item<float>();
  };
  CHECK(unseeded("m") == Approx(0.10902822017669678).epsilon(1e-6));
  CHECK(unseeded("M") == Approx(-0.5724271535873413).epsilon(1e-6));
  // What comes after it does not matter to it.
  CHECK(first_weight("torch.manual_seed(3)\nm = M()\nnoise = torch.randn(3)\n") ==
        Approx(-0.5724271535873413).epsilon(1e-6));
}

TEST_CASE("script: what cannot be run for its random numbers is passed over and named", "[script]") {
  Sources sources;
  const std::string text =
      "import torch\nimport matplotlib.pyplot as plt\ntorch.manual_seed(3)\nplt.plot(torch.rand(2))\n"
      "optimizer = torch.optim.SGD([], 1)\nfor i in range(3):\n    optimizer.step()\n"
      "while True:\n    y = abs(1)\n"
      "m = torch.nn.Linear(1, 1)\n";
  const auto notes = open_script(sources.write("g.py", text) + ":m", 0).notes;
  REQUIRE(notes.size() == 1);
  CHECK_THAT(notes[0], Contains("g.py:4:0: ") && Contains("'m' does not need were passed over (4)"));
  CHECK(open_script(sources.write("h.py", "import torch\nm = torch.nn.Linear(1, 1)\n") + ":m", 0).notes.empty());
}

}  // namespace bertjit
