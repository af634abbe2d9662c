#include "compare/graphs.h"

#include <algorithm>
#include <regex>
#include <sstream>

#include <torch/csrc/jit/ir/ir.h>
#include <torch/csrc/jit/passes/canonicalize.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/passes/shape_analysis.h>

#include "compare/text_diff.h"

namespace bertjit {

namespace {

std::string without_mangled_names(const std::string& text) {
  static const std::regex mangled(R"(\.___torch_mangle_\d+)");
  return std::regex_replace(text, mangled, "");
}

/// Shapes, strides and devices that a trace noted on values: `Float(1, 7, strides=[7, 1], …)` -> `Tensor`, in tuples
/// too.
std::string without_noted_types(const std::string& line) {
  static const std::regex tensor_type(R"(([ (])(Float|Double|Half|BFloat16|Long|Int|Short|Char|Byte|Bool)\([^()]*\))");
  return std::regex_replace(line, tensor_type, "$1Tensor");
}

std::shared_ptr<torch::jit::Graph> inlined(const torch::jit::Graph& graph) {
  auto copy = const_cast<torch::jit::Graph&>(graph).copy();  // copy() reads only
  torch::jit::Inline(*copy);
  return copy;
}

}  // namespace

std::vector<std::string> canonical_graph(const torch::jit::Module& module) {
  return canonical_graph(*module.get_method("forward").graph());
}

std::vector<std::string> canonical_graph(const torch::jit::Graph& graph) {
  const auto canonical = torch::jit::Canonicalize(inlined(graph), /*keep_unique_names=*/false);
  std::vector<std::string> lines;
  for (const std::string& line : lines_of(canonical->toString(/*print_source_locations=*/false))) {
    const size_t begin = line.find_first_not_of(' ');
    // Scopes trail the line as a comment; inlining loses or keeps them depending on how the graph was made.
    const size_t comment = line.find(" # ");
    if (begin != std::string::npos) {
      lines.push_back(without_mangled_names(
          without_noted_types(line.substr(begin, comment == std::string::npos ? comment : comment - begin))));
    }
  }
  return lines;
}

std::shared_ptr<torch::jit::Graph> readable_graph(const torch::jit::Graph& graph) {
  auto copy = inlined(graph);
  torch::jit::EraseShapeInformation(copy);
  if (!copy->inputs().empty() && copy->inputs()[0]->type()->cast<c10::ClassType>() && !copy->inputs()[0]->hasUses()) {
    copy->eraseInput(0);
  }
  return torch::jit::Canonicalize(copy, /*keep_unique_names=*/true);
}

std::vector<std::string> readable_lines(const torch::jit::Graph& readable) {
  return lines_of(without_mangled_names(readable.toString()));
}

std::vector<std::string> readable_lines(const torch::jit::Node& node) {
  std::ostringstream text;
  text << node;
  return lines_of(without_mangled_names(text.str()));
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
