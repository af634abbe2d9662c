// Operators of a graph that draw random numbers: what makes two runs on the same inputs differ.
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

struct RandomNode {
  std::string name;   ///< "aten::rand"
  std::string node;   ///< as the graph prints it
  std::string where;  ///< "loop.py:4:13"; "" if not known
};

/// All of them, in order, calls inlined and blocks entered.
///
/// An operator is random if PyTorch's own list says so (the tag nondeterministic_seeded), unless its arguments turn it
/// off: dropout with train=False, or a probability of zero. A flag that is computed counts as on.
std::vector<RandomNode> random_nodes(const torch::jit::Graph& graph);

}  // namespace bertjit
