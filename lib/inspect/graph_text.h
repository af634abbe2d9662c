// A function's code and graph as Python shows them.
#pragma once

#include <memory>
#include <string>

#include <torch/csrc/jit/api/function_impl.h>

#include "inspect/inspect_result.h"

namespace bertjit {

enum class Inlined { kNo, kYes };

/// Python's `.code` of a method.
CodeText code_text(const torch::jit::GraphFunction& method);

/// The function's graph, or a copy in which the called methods and functions take the place of their calls.
std::shared_ptr<torch::jit::Graph> graph_of(torch::jit::GraphFunction& function, Inlined inlined);

/// Python's `str(graph)`, with "# file.py:4:13" after each node whose source is known.
GraphText graph_text(torch::jit::GraphFunction& function, Inlined inlined);

/// "model.py:12:8" where the node comes from: of the source it was compiled or traced from, not of the archive's own
/// code, where that is known. Empty if it is not.
std::string node_location(const torch::jit::Node& node);

}  // namespace bertjit
