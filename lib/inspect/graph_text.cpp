#include "inspect/graph_text.h"

#include <torch/csrc/jit/frontend/source_range.h>
#include <torch/csrc/jit/passes/inliner.h>
#include <torch/csrc/jit/serialization/python_print.h>

#include "inspect/members.h"

namespace bertjit {

namespace jit = torch::jit;

CodeText code_text(const jit::GraphFunction& method) {
  std::vector<c10::IValue> constants;
  jit::PrintDepsTable types;
  jit::PythonPrint printer(constants, types);
  printer.printMethod(method);
  CodeText code{method.name(), printer.str(), {}};
  SeenStorages seen;
  for (size_t i = 0; i < constants.size(); ++i) {
    if (constants[i].isTensor()) {
      code.constants.push_back(describe_member(
          {"CONSTANTS.c" + std::to_string(i), DescribedTensor::Kind::kAttribute, constants[i].toTensor()}, seen));
    }
  }
  return code;
}

std::shared_ptr<jit::Graph> graph_of(jit::GraphFunction& function, Inlined inlined) {
  auto graph = function.graph();
  if (inlined == Inlined::kYes) {
    graph = graph->copy();
    jit::Inline(*graph);
  }
  return graph;
}

GraphText graph_text(jit::GraphFunction& function, Inlined inlined) {
  return {function.name(), inlined == Inlined::kYes, graph_of(function, inlined)->toString()};
}

std::string node_location(const jit::Node& node) {
  const jit::SourceRange range = node.sourceRange();
  const auto original = range.findSourceRangeThatGenerated();
  const auto place = (original ? *original : range).file_line_col();
  if (!place || std::get<0>(*place).empty()) {
    return "";
  }
  const auto& [file, line, column] = *place;
  return file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

}  // namespace bertjit
