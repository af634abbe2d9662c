// `bertjit inspect` as a user types it. Code, graphs and parameters are held beside those that Python's torch shows of
// the same file (torch 2.13, at test time).
#include <algorithm>
#include <regex>

#include "cli_testing.h"

namespace bertjit {

namespace {

using Catch::Matchers::Contains;
using nlohmann::json;
using testing::check_refused;
using testing::CliOutput;
using testing::parse_json;
using testing::run_bertjit;
using testing::run_python;
using testing::TempDir;
using testing::testdata;

std::string inspected(const std::string& file, const std::vector<std::string>& flags = {}) {
  std::vector<std::string> arguments{"inspect", file};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const CliOutput output = run_bertjit(arguments);
  INFO(output);
  REQUIRE(output.exit_code == 0);
  CHECK(output.err.empty());
  return output.out;
}

json inspected_json(const std::string& file, std::vector<std::string> flags = {}) {
  flags.insert(flags.end(), {"--format", "json"});
  const json document = parse_json(inspected(file, flags));
  CHECK(document.at("schema") == "bertjit.inspect/1");
  return document;
}

/// Values renumbered in order of appearance: what two graphs that differ in names alone have in common.
std::string without_value_names(const std::string& graph) {
  static const std::regex kName("%[A-Za-z0-9_.]+");
  std::map<std::string, std::string> names;
  std::string text;
  auto last = graph.cbegin();
  for (std::sregex_iterator it(graph.begin(), graph.end(), kName), end; it != end; ++it) {
    text.append(last, graph.cbegin() + it->position());
    text += names.emplace(it->str(), "%" + std::to_string(names.size())).first->second;
    last = graph.cbegin() + it->position() + it->length();
  }
  return text.append(last, graph.cend());
}

/// A scripted module with a branch, a loop, dropout, batch norm, a tied weight, a second method and a list attribute,
/// and a traced function with a constant.
constexpr const char* kMakeModules = R"(
import sys, torch
from typing import Dict, List, Optional
class Cell(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)
        self.drop = torch.nn.Dropout(0.1)
        self.norm = torch.nn.BatchNorm1d(4)
        self.tied = torch.nn.Linear(4, 4, bias=False)
        self.tied.weight = self.linear.weight
        self.register_buffer("halves", torch.ones(3, dtype=torch.float16))
        self.frozen = torch.nn.Parameter(torch.ones(2), requires_grad=False)
        self.names: List[str] = ['a"b', 'c\n']
    def forward(self, x, h: Optional[torch.Tensor] = None, scale: float = 2.0):
        if h is None:
            h = torch.zeros_like(x)
        for i in range(x.size(0)):
            h = h + self.linear(x) * scale
        print("a\"b\\n\t<x>{y}|z &lt;")
        return self.norm(self.drop(h)), {"h": h}
    @torch.jit.export
    def twice(self, x):
        return self.tied(x) * 2
torch.manual_seed(0)
torch.jit.script(Cell().eval()).save(sys.argv[1])
def shifted(x):
    return x + torch.tensor([1.0, 2.0])
torch.jit.trace(shifted, torch.ones(2)).save(sys.argv[2])
)";

/// What Python's torch says of a file, as JSON.
constexpr const char* kDescribe = R"(
import json, sys, torch
module = torch.jit.load(sys.argv[1])
state = module.state_dict(keep_vars=True)
parameters = dict(module.named_parameters(remove_duplicate=False))
json.dump({
    "code": module.code,
    "graph": str(module.graph),
    "inlined": str(module.inlined_graph),
    "state": [[name, str(t.dtype)[6:], list(t.shape), t.requires_grad, t.numel() * t.element_size(), name in parameters]
              for name, t in state.items()],
    "count": sum(p.numel() for p in module.parameters()),
    "modules": [[name, m.original_name, bool(m.training)] for name, m in module.named_modules()],
    "submodule_code": {name: m.code for name, m in module.named_modules() if m._c._has_method("forward")},
}, sys.stdout)
)";

void check_modules(const json& module, const json& expected, size_t& next) {
  REQUIRE(next < expected.size());
  CHECK(module.at("path") == expected[next][0]);
  CHECK(module.at("class") == expected[next][1]);
  CHECK((module.at("training") == true) == expected[next][2].get<bool>());
  ++next;
  for (const auto& child : module.at("children")) {
    check_modules(child, expected, next);
  }
}

/// Code, graphs, state and modules of a file against Python's.
void check_against_python(const std::string& file) {
  INFO(file);
  const json python = parse_json(run_python(kDescribe, {file}));
  CHECK(inspected_json(file, {"--code"}).at("code").at("text") == python.at("code"));
  CHECK(without_value_names(inspected_json(file, {"--graph"}).at("graph").at("text")) ==
        without_value_names(python.at("graph")));
  CHECK(without_value_names(inspected(file, {"--graph", "--inlined"})) == without_value_names(python.at("inlined")));
  const json document = inspected_json(file, {"--params", "--tree"});
  json state = json::array();
  for (const auto& tensor : document.at("params")) {
    state.push_back({tensor.at("name"), tensor.at("dtype"), tensor.at("shape"), tensor.at("requires_grad"),
                     tensor.at("size_bytes"), tensor.at("kind") == "parameter"});
  }
  CHECK(state == python.at("state"));
  CHECK(document.at("tree").at("parameters") == python.at("count"));
  size_t next = 0;
  check_modules(document.at("tree"), python.at("modules"), next);
  CHECK(next == python.at("modules").size());
  for (const auto& [path, code] : python.at("submodule_code").items()) {
    if (!path.empty()) {
      CHECK(inspected_json(file, {"--code", "--submodule", path}).at("code").at("text") == code);
    }
  }
}

}  // namespace

TEST_CASE("inspect: a trace's summary says what it is, what it takes and what it computes") {
  const TempDir folder;
  const std::string file = (folder / "traced_bert.pt").string();
  testing::trace_model("tiny-bert", file);
  const std::string text = inspected(file);
  CHECK_THAT(text, Contains("producer   bertjit"));
  CHECK_THAT(text, Contains("claims     bert BertModel, float32, sdpa attention, any batch size, any length\n"));
  CHECK_THAT(text, Contains("weights    25,536 parameters in 39 tensors"));
  CHECK_THAT(text, Contains("  input_ids       Tensor\n"));
  CHECK_THAT(text, Contains("  pooler_output      Tensor\n"));
  CHECK_THAT(text, Contains("random     none\n"));
  CHECK_THAT(text, !Contains(folder.path().string() + "/traced_bert/"));
  const json document = inspected_json(file);
  CHECK(document.at("archive").at("producer") == "bertjit");
  CHECK(document.at("archive").at("name") == "traced_bert");
  CHECK(document.at("summary").at("parameters") == 25536);
  CHECK(document.at("summary").at("training").empty());
  CHECK(document.at("summary").at("claims").at("dynamic_length") == true);
  CHECK_FALSE(document.contains("code"));
  // Same file, same bytes.
  CHECK(inspected(file) == text);
}

TEST_CASE("inspect: several parts have a heading each, one alone has none") {
  const TempDir folder;
  const std::string file = (folder / "bert.pt").string();
  testing::trace_model("tiny-bert", file);
  CHECK_THAT(inspected(file, {"--code"}), Catch::Matchers::StartsWith("def forward(self,\n    input_ids: Tensor,\n"));
  CHECK_THAT(inspected(file, {"--dot"}), Catch::Matchers::StartsWith("digraph \"forward\" {\n"));
  const std::string both = inspected(file, {"--code", "--tree"});
  CHECK_THAT(both, Catch::Matchers::StartsWith("# modules of " + file + "\n"));
  CHECK_THAT(both, Contains("\n\n# code of " + file + "\ndef forward(self,\n"));
  const json document =
      inspected_json(file, {"--code", "--graph", "--dot", "--tree", "--params", "--records", "--size"});
  for (const char* part : {"code", "graph", "dot", "tree", "params", "records", "size"}) {
    CHECK(document.contains(part));
  }
  CHECK_FALSE(document.contains("summary"));
}

TEST_CASE("inspect: a cloned decoder is found to be stored twice, a shared one to be shared") {
  const TempDir folder;
  for (const std::string tie : {"clone", "share"}) {
    const std::string file = (folder / (tie + ".pt")).string();
    testing::trace_model("tiny-bert-mlm", file, {"--tie", tie});
    const json size = inspected_json(file, {"--size"}).at("size");
    const json names = {"bert.embeddings.word_embeddings.weight", "cls.predictions.decoder.weight"};
    const json& found = size.at(tie == "clone" ? "stored_twice" : "shared");
    REQUIRE(found.size() == 1);
    CHECK(found[0].at("names") == names);
    CHECK(size.at(tie == "clone" ? "shared" : "stored_twice").empty());
    uint64_t sum = 0;
    for (const auto& group : size.at("groups")) {
      sum += group.at("size_bytes").get<uint64_t>();
    }
    CHECK(sum == std::filesystem::file_size(file));
  }
}

TEST_CASE("inspect: records come from the zip's directory, and without libtorch") {
  const std::string file = testdata("container/scripted.pt").string();
  const std::string text = inspected(file, {"--records"});
  // unzip 6.00 -lv of the same file.
  CHECK_THAT(text, Contains("166    236  deflate  b9c8664d  scripted/code/__torch__/torch/nn/modules/linear.py\n"));
  CHECK_THAT(text, Contains("427    497"));
  const json records = inspected_json(file, {"--records"}).at("records");
  REQUIRE(records.size() == 7);
  CHECK(records[1].at("crc32") == 0xb9c8664d);
  const auto alone = testing::run_command("BERTJIT_ENGINE=/nonexistent " + testing::program() + " inspect --records '" +
                                          file + "' 2>&1");
  CHECK(alone.exit_code == 0);
  CHECK(alone.out == text);
}

TEST_CASE("inspect: code, graphs, parameters and modules are those that Python shows") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const std::string scripted = (folder / "scripted.pt").string();
  const std::string function = (folder / "function.pt").string();
  const std::string traced = (folder / "traced.pt").string();
  run_python(kMakeModules, {scripted, function});
  testing::trace_model("tiny-bert-mlm", traced);
  for (const auto& file : {scripted, function, traced}) {
    check_against_python(file);
  }
}

TEST_CASE("inspect: the comparison with Python sees another operator, and does not see other value names") {
  const std::string graph = "graph(%x.1 : Tensor):\n  %3 : Tensor = aten::mul(%x.1, %x.1)\n  return (%3)\n";
  const std::string renamed = "graph(%y : Tensor):\n  %q.7 : Tensor = aten::mul(%y, %y)\n  return (%q.7)\n";
  const std::string changed = "graph(%y : Tensor):\n  %q.7 : Tensor = aten::add(%y, %y)\n  return (%q.7)\n";
  CHECK(without_value_names(graph) == without_value_names(renamed));
  CHECK(without_value_names(graph) != without_value_names(changed));
}

TEST_CASE("inspect: a module that Python scripted: source lines, control flow, defaults, ties") {
  SKIP_WITHOUT_PYTHON();
  const TempDir folder;
  const std::string file = (folder / "cell.pt").string();
  const std::string function = (folder / "function.pt").string();
  run_python(kMakeModules, {file, function});
  const json summary = inspected_json(file).at("summary");
  CHECK(summary.at("class") == "Cell");
  CHECK(summary.at("methods") == json{"forward", "twice"});
  CHECK(summary.at("training").empty());
  CHECK(summary.at("random").empty());
  CHECK(summary.at("inputs")[1] == json{{"name", "h"}, {"type", "Optional[Tensor]"}, {"default", "None"}});
  CHECK(summary.at("inputs")[2].at("default") == "2.0");
  CHECK(summary.at("outputs")[1].at("type") == "Dict[str, Tensor]");
  CHECK_THAT(inspected(file, {"--graph"}), Contains("script.py:"));
  CHECK_THAT(inspected(file, {"--code", "--method", "twice"}),
             Contains("def twice(self,\n    x: Tensor) -> Tensor:\n"));
  CHECK_THAT(inspected(file, {"--params"}), Contains("storage of linear.weight"));
  CHECK_THAT(inspected(file, {"--tree"}), Contains("p") && Contains("Final[float] = 0.1\n"));
  CHECK_THAT(inspected(function, {"--code"}), Contains("\n# CONSTANTS.c0: float32 [2]\n"));
  CHECK(inspected_json(function).at("summary").at("constants")[0].at("shape") == json{2});
}

TEST_CASE("inspect: what Graphviz draws of a trace and of a scripted module") {
  SKIP_WITHOUT_PYTHON();
  if (testing::run_command("dot -V 2>&1").exit_code != 0) {
    std::cerr << "SKIPPED: no Graphviz: dot is not installed\n";
    SUCCEED("skipped: no dot");
    return;
  }
  const TempDir folder;
  const std::string scripted = (folder / "scripted.pt").string();
  const std::string traced = (folder / "traced.pt").string();
  run_python(kMakeModules, {scripted, (folder / "function.pt").string()});
  testing::trace_model("tiny-bert", traced);
  for (const auto& file : {scripted, traced}) {
    for (const std::vector<std::string>& flags : {std::vector<std::string>{"--dot"}, {"--dot", "--inlined"}}) {
      testing::write_bytes(folder / "graph.dot", inspected(file, flags));
      const auto drawn = testing::run_command("dot -Tsvg '" + (folder / "graph.dot").string() + "' 2>&1");
      CHECK(drawn.exit_code == 0);
      CHECK_THAT(drawn.out, !Contains("Warning"));
      CHECK_THAT(drawn.out, Contains("</svg>"));
    }
  }
}

TEST_CASE("inspect: files that are none, and names that are not there, exit with 2 and say what there is") {
  const TempDir folder;
  const std::string file = (folder / "bert.pt").string();
  testing::trace_model("tiny-bert", file);
  check_refused({"inspect", file, "--code", "--method", "backward"}, "no method 'backward'; there are 'forward'");
  check_refused({"inspect", file, "--code", "--submodule", "encoder.layers"},
                "no submodule 'layers' in 'encoder'; there are 'layer'");
  check_refused({"inspect", file, "--inlined"}, "--inlined needs --graph or --dot");
  check_refused({"inspect", file, "--records", "--submodule", "encoder"}, "--submodule needs");
  check_refused({"inspect"}, "MODULE is required");
  const std::string bytes = testing::read_bytes(file);
  testing::write_bytes(folder / "cut.pt", bytes.substr(0, bytes.size() / 2));
  for (const std::vector<std::string>& flags : {std::vector<std::string>{}, {"--records"}, {"--tree"}}) {
    std::vector<std::string> arguments{"inspect", (folder / "cut.pt").string()};
    arguments.insert(arguments.end(), flags.begin(), flags.end());
    check_refused(arguments, "truncated?");
  }
  check_refused({"inspect", testdata("container/zip_form.bin").string()}, "not TorchScript");
  check_refused({"inspect", (folder / "none.pt").string()}, "No such file");
}

}  // namespace bertjit
