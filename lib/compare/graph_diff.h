// How a trace differs from a second one, in the form in which torch.jit.trace reports it (_check_trace): the graphs
// side by side, the first operators that differ with the source lines they come from, and tensors that were stored as
// constants with other values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

#include "compare/graphs.h"
#include "compare/text_diff.h"

namespace bertjit {

/// The first two operators at the same place that do not read the same. Where one graph ends and the other goes on, it
/// is what that graph returns, with the source of its last operator.
struct NodeDifference {
  std::vector<std::string> lines;  ///< as diff_lines makes them
  std::string expected_source;     ///< stack of source lines, innermost first; empty if not known
  std::string actual_source;
};

/// A tensor that both graphs hold as a constant, with other contents.
struct ConstantDifference {
  std::string node;     ///< of the first graph
  std::string source;   ///< stack of source lines
  std::string message;  ///< in assert_close's words
};

struct GraphDiff {
  GraphComparison comparison;
  TextDiff text;                             ///< empty if the comparison matches
  std::optional<NodeDifference> first_node;  ///< none if the comparison matches
  std::vector<ConstantDifference> constants;

  bool matches() const {
    return comparison.matches && constants.empty();
  }
};

/// Compares two graphs after inlining. Verdict and line numbers come from canonical_graph(): names of values, source
/// lines and recorded shapes do not count. The texts for people have the names, and so `first_node` may show two
/// operators that do the same and whose results are called otherwise, because the program goes on otherwise.
///
/// Constants are compared up to the first place where the kinds of operators part, with assert_close's tolerances; NaN
/// equals NaN, as in torch.jit.trace.
GraphDiff diff_graphs(const torch::jit::Graph& expected, const torch::jit::Graph& actual);

/// The source lines a node comes from; "" if it does not know.
std::string source_text(const torch::jit::Node& node);

}  // namespace bertjit
