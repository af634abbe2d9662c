// Two TorchScript graphs: are they the same operators in the same order?
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// The graph of `forward` as lines of text that do not depend on value names, source locations, recorded shapes or
/// mangled class names: submodule calls inlined, values numbered in order, one operator a line.
std::vector<std::string> canonical_graph(const torch::jit::Module& module);
std::vector<std::string> canonical_graph(const torch::jit::Graph& graph);

/// A copy with calls inlined and values numbered in order, as people read it: names of values kept, and recorded shapes
/// left out. A `self` that nothing uses, which a traced function has when it stands in a file, is left out too.
std::shared_ptr<torch::jit::Graph> readable_graph(const torch::jit::Graph& graph);

/// Such a graph as lines: `  %y : Tensor = aten::mul(%x, %2) # loop.py:4:17`.
std::vector<std::string> readable_lines(const torch::jit::Graph& readable);

/// One operator of such a graph, with its blocks.
std::vector<std::string> readable_lines(const torch::jit::Node& node);

struct GraphComparison {
  bool matches = false;
  size_t nodes = 0;            ///< lines compared, those of the longer graph
  size_t different_lines = 0;  ///< lines that differ at the same place
  size_t first_line = 0;       ///< 1-based; 0 if they match
  std::string expected_line;   ///< empty if `expected` is shorter
  std::string actual_line;
};

/// Compares line by line. Empty graphs do not match: nothing was compared.
GraphComparison compare_graphs(const std::vector<std::string>& expected, const std::vector<std::string>& actual);

}  // namespace bertjit
