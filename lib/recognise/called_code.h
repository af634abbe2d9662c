// The code that a module's `forward` runs, call by call, with the path of the module whose code it is.
//
// Unlike ModuleCode nothing is inlined or copied: a node knows its class and its line.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "recognise/module_code.h"

namespace bertjit {

/// Paths of modules and attributes in the file, "encoder.layer.0", by the values of one graph that they are.
using CodePaths = std::unordered_map<const CodeValue*, std::string>;

/// `path`: of the module whose code the node is part of; "" the root. A function's code is that of who calls it.
using NodeVisitor = std::function<void(const CodeNode& node, const std::string& path, const CodePaths& paths)>;

/// Calls `visitor` for every operator in the order of the code, those of branches and loops after what they hang on,
/// those of what is called after the call; as often as it is called.
///
/// Nothing is run. Throws Error(kUnsupported) if there is no forward in TorchScript, or it has more than a million
/// operators: a file may be made to be expensive.
void visit_called_code(const torch::jit::Module& module, const NodeVisitor& visitor);

}  // namespace bertjit
