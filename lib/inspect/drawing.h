// A graph as boxes and arrows.
//
// A BERT's graph has three nodes for every one that computes: constants, lists of them, and the attributes that lead to
// a weight. Drawn as they are they hide what a reader looks for. So constants are written into the nodes that use them,
// and the way to a weight is its name.
#pragma once

#include <string>

#include <torch/csrc/jit/ir/ir.h>

#include "inspect/inspect_result.h"

namespace bertjit {

/// Borrows nothing. `method` names the drawing.
DrawnGraph draw_graph(const torch::jit::Graph& graph, const std::string& method, bool inlined);

}  // namespace bertjit
