// The method and the module that were named.
#pragma once

#include <string>

#include <torch/csrc/jit/api/function_impl.h>
#include <torch/csrc/jit/api/module.h>

namespace bertjit {

/// "bert.encoder" -> that module; empty -> the module itself. `owner` stands in messages.
/// Throws Error(kInvalidArgument) that names the last module there is on the way, and its children.
torch::jit::Module find_submodule(const torch::jit::Module& module, const std::string& path, const std::string& owner);

/// The method of that name, nullptr if there is none. Only methods with a graph count.
torch::jit::GraphFunction* find_graph(const torch::jit::Module& module, const std::string& method);

/// Throws Error(kInvalidArgument) that lists the methods there are.
torch::jit::GraphFunction& require_graph(const torch::jit::Module& module, const std::string& method,
                                         const std::string& owner);

}  // namespace bertjit
