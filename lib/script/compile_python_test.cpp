// What torch.jit.script makes of the same files: the graphs must be Python's, up to the names of values. Asked at test
// time of the Python that libtorch comes from; skipped, visibly, without it.
#include <map>
#include <regex>
#include <sstream>

#include <torch/csrc/jit/passes/canonicalize.h>

#include "script/compile_testing.h"
#include "testing/testing.h"

using namespace bertjit;
using namespace bertjit::testing;

namespace {

std::string python() {
  const char* named = std::getenv("BERTJIT_PYTHON");
  return named != nullptr ? named : testdata("../.deps/venv/bin/python").lexically_normal().string();
}

bool has_python() {
  if (run_command(python() + " -c 'import torch' 2>/dev/null").exit_code == 0) {
    return true;
  }
  WARN("skipped: no Python with torch, so the graphs were not compared with torch.jit.script's");
  return false;
}

/// The graph with values numbered in order, without source lines.
std::string canonical(const Program& program) {
  return torch::jit::Canonicalize(torch::jit::toGraphFunction(*program.function).graph(), false)->toString(false);
}

/// What Python prints for each name: the canonical graph, then a line of dashes.
std::string python_graphs(const PythonText& code, const std::vector<std::string>& names) {
  std::string list;
  for (const std::string& name : names) {
    list += "'" + name + "', ";
  }
  const auto script = std::filesystem::path(code.path()).parent_path() / "print_graphs.py";
  write_bytes(script,
              "import code_under_test, torch\n"
              "for name in [" +
                  list +
                  "]:\n"
                  "    thing = getattr(code_under_test, name)\n"
                  "    if isinstance(thing, type):\n"
                  "        thing = thing()\n"
                  "    graph = torch.jit.script(thing).graph\n"
                  "    print(torch._C._jit_pass_canonicalize(graph, False).str(False) + '-----')\n");
  const CommandOutput output = run_command(python() + " -W ignore " + script.string() + " 2>&1");
  INFO(output.out);
  REQUIRE(output.exit_code == 0);
  return output.out;
}

/// Values numbered by their first place; constants in the place of the values that they are, since their order is that
/// of the parser; no source lines, no module of an imported file, and no numbers of clashing names in class names,
/// which in Python count over the process.
std::string normalized(const std::string& text) {
  const std::regex constant(R"( *(%[A-Za-z0-9_.]+) : (.*) = prim::Constant(.*)\(\))");
  const std::regex value("%[A-Za-z0-9_.]+");
  std::map<std::string, std::string> names;
  std::string result;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find(" # "));
    line = std::regex_replace(line, std::regex("code_under_test\\.|___torch_mangle_[0-9]+\\."), "");
    if (std::smatch match; std::regex_match(line, match, constant)) {
      names[match[1]] = match[2].str() + match[3].str();
      continue;
    }
    size_t done = 0;
    for (std::sregex_iterator it(line.begin(), line.end(), value), end; it != end; ++it) {
      const std::string& name = names.try_emplace(it->str(), "%" + std::to_string(names.size())).first->second;
      result += line.substr(done, it->position() - done) + name;
      done = it->position() + it->length();
    }
    result += line.substr(done) + "\n";
    if (line.find("-----") == 0) {
      names.clear();
    }
  }
  return result;
}

void check_same_graphs(const std::string& text, const std::vector<std::string>& names) {
  const PythonText code(text, "code_under_test.py");
  std::string ours;
  for (const std::string& name : names) {
    ours += canonical(code.script(name)) + "-----\n";
  }
  CHECK(normalized(ours) == normalized(python_graphs(code, names)));
}

}  // namespace

TEST_CASE("compile: the functions of the TorchScript reference have the graphs of torch.jit.script") {
  if (!has_python()) {
    return;
  }
  check_same_graphs(
      "def foo(len):\n"
      "    # type: (int) -> torch.Tensor\n"
      "    rv = torch.zeros(3, 4)\n"
      "    for i in range(len):\n"
      "        if i < 10:\n"
      "            rv = rv - 1.0\n"
      "        else:\n"
      "            rv = rv + 1.0\n"
      "    return rv\n"
      "def fn(x):\n"
      "    result = x[0]\n"
      "    for i in range(x.size(0)):\n"
      "        result = result * x[i]\n"
      "    return result\n"
      "def traced(x, y):\n"
      "    return 2 * x + y\n"
      "traced_foo = torch.jit.trace(traced, (torch.rand(3), torch.rand(3)))\n"
      "def bar(x):\n"
      "    return traced_foo(x, x)\n"
      "def choose(x, y):\n"
      "    if x.max() > y.max():\n"
      "        r = x\n"
      "    else:\n"
      "        r = y\n"
      "    return r\n",
      {"foo", "fn", "bar", "choose"});
}

TEST_CASE("compile: functions of many kinds have the graphs of torch.jit.script") {
  if (!has_python()) {
    return;
  }
  check_same_graphs(
      "import math\n"
      "from typing import Dict, List, Optional, Tuple\n"
      "def helper(x, n: int = 2, flag: bool = False):\n"
      "    if flag:\n"
      "        return x\n"
      "    return x * n\n"
      "def calls(x):\n"
      "    return helper(x) + helper(x, 3) + helper(x, flag=True)\n"
      "def containers(x, names: List[str], sizes: Dict[str, int]):\n"
      "    total = 0\n"
      "    for n in names:\n"
      "        if n in sizes:\n"
      "            total += sizes[n]\n"
      "    parts = [x, x + total]\n"
      "    parts.append(x * math.pi)\n"
      "    return torch.cat(parts), (total, names[0])\n"
      "def optional(x, y: Optional[torch.Tensor] = None) -> Tuple[torch.Tensor, int]:\n"
      "    if y is None:\n"
      "        return x, 1\n"
      "    else:\n"
      "        return x + y, 2\n"
      "def slices(x):\n"
      "    x[0] = torch.zeros(x.shape[1:2])\n"
      "    x[:, 1:] += 1\n"
      "    return x[..., -1].view(-1, 1).to(torch.float64)\n"
      "def raises(x):\n"
      "    if x.sum() < 0:\n"
      "        raise ValueError('negative')\n"
      "    assert x.size(0) > 1, 'short'\n"
      "    return torch.linalg.norm(x)\n"
      "def loops(x):\n"
      "    n = 0\n"
      "    while n < 10:\n"
      "        n += 1\n"
      "        if n == 3:\n"
      "            continue\n"
      "        if n > 6:\n"
      "            break\n"
      "        x = x + n\n"
      "    return [x[i] for i in range(2)]\n"
      "def guarded(x):\n"
      "    with torch.no_grad():\n"
      "        y = torch.relu(x)\n"
      "    return y\n",
      {"calls", "containers", "optional", "slices", "raises", "loops", "guarded"});
}

TEST_CASE("compile: modules have the graphs of torch.jit.script") {
  if (!has_python()) {
    return;
  }
  check_same_graphs(
      "class Gate(nn.Module):\n"
      "    def forward(self, x):\n"
      "        if x.sum() > 0:\n"
      "            return x\n"
      "        else:\n"
      "            return -x\n"
      "class Cell(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.gate = Gate()\n"
      "        self.linear = nn.Linear(4, 4)\n"
      "    def forward(self, x, h):\n"
      "        new_h = torch.tanh(self.gate(self.linear(x)) + h)\n"
      "        return new_h, new_h\n"
      "class Stack(nn.Module):\n"
      "    __constants__ = ['sizes']\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.layers = nn.ModuleList([nn.Linear(4, 4), nn.Linear(4, 4)])\n"
      "        self.by_name = nn.ModuleDict({'a': nn.ReLU(), 'b': nn.Tanh()})\n"
      "        self.seq = nn.Sequential(nn.Linear(4, 4), nn.ReLU())\n"
      "        self.act = torch.relu\n"
      "        self.sizes = [1, 2]\n"
      "        self.n = 3\n"
      "        self.register_buffer('b', torch.ones(1))\n"
      "    def forward(self, x):\n"
      "        for i, layer in enumerate(self.layers):\n"
      "            x = self.act(layer(x)) + i\n"
      "        for k, layer in self.by_name.items():\n"
      "            x = layer(x)\n"
      "        x = self.layers[0](x) + len(self.layers) + self.sizes[1]\n"
      "        self.n += 1\n"
      "        return self.helper(self.seq(x)) + self.b\n"
      "    def helper(self, x):\n"
      "        if self.training:\n"
      "            return x * self.n\n"
      "        else:\n"
      "            return x\n"
      "class Rnn(nn.Module):\n"
      "    def __init__(self):\n"
      "        super().__init__()\n"
      "        self.cell = torch.jit.trace(Cell(), (torch.rand(3, 4), torch.rand(3, 4)), check_trace=False)\n"
      "    def forward(self, xs):\n"
      "        h, y = torch.zeros(3, 4), torch.zeros(3, 4)\n"
      "        for i in range(xs.size(0)):\n"
      "            y, h = self.cell(xs[i], h)\n"
      "        return y, h\n",
      {"Cell", "Stack", "Rnn"});
}
