// When a value of a graph is used for the last time, so that running it holds no more memory than needed.
#pragma once

#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/ir/ir.h>

namespace bertjit {

/// For each node: the values that nothing needs once it has run, of those defined in the node's own block.
using LastUses = std::unordered_map<const torch::jit::Node*, std::vector<const torch::jit::Value*>>;

LastUses last_uses(const torch::jit::Graph& graph);

}  // namespace bertjit
