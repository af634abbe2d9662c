#include "compare/graphs.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/canonicalize.h>
#include <torch/csrc/jit/passes/inliner.h>

namespace bertjit {

namespace {

/// Shapes, strides and devices that a trace noted on values: `Float(1, 7, strides=[7, 1], …)` -> `Tensor`, in tuples
/// too.
std::string without_noted_types(const std::string& line) {
  static const std::regex tensor_type(R"(([ (])(Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)\([^()]*\))");
  static const std::regex mangled(R"(\.___torch_mangle_\d+)");
  return std::regex_replace(std::regex_replace(line, tensor_type, "$1Tensor"), mangled, "");
}

}  // namespace

std::vector<std::string> canonical_graph(const torch::jit::Module& module) {
  auto graph = module.get_method("forward").graph()->copy();
  torch::jit::Inline(*graph);
  graph = torch::jit::Canonicalize(graph, /*keep_unique_names=*/false);
  std::istringstream text(graph->toString(/*print_source_locations=*/false));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) {
    const size_t begin = line.find_first_not_of(' ');
    // Scopes trail the line as a comment; inlining loses or keeps them depending on how the graph was made.
    const size_t comment = line.find(" # ");
    if (begin != std::string::npos) {
      lines.push_back(
          without_noted_types(line.substr(begin, comment == std::string::npos ? comment : comment - begin)));
    }
  }
  return lines;
}

GraphComparison compare_graphs(const std::vector<std::string>& expected, const std::vector<std::string>& actual) {
  GraphComparison comparison;
  comparison.nodes = std::max(expected.size(), actual.size());
  for (size_t i = 0; i < comparison.nodes; ++i) {
    const std::string left = i < expected.size() ? expected[i] : "";
    const std::string right = i < actual.size() ? actual[i] : "";
    if (left != right && comparison.different_lines++ == 0) {
      comparison.first_line = i + 1;
      comparison.expected_line = left;
      comparison.actual_line = right;
    }
  }
  comparison.matches = comparison.nodes > 0 && comparison.different_lines == 0;
  return comparison;
}

}  // namespace bertjit
