// Two TorchScript graphs: are they the same operators in the same order?
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// The graph of `forward` as lines of text that do not depend on value names, source locations, recorded shapes or
/// mangled class names: submodule calls inlined, values numbered in order, one operator a line.
std::vector<std::string> canonical_graph(const torch::jit::Module& module);

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
