// A module as the compiler sees it: `self`, its submodules, and modules that a program captures.
#pragma once

#include <memory>
#include <string>

#include <torch/csrc/jit/frontend/sugared_value.h>

#include "script/compile_context.h"

namespace bertjit {

/// A module of the tree that is compiled; `self` is its value in the graph.
torch::jit::SugaredValuePtr module_value(Compilation& compilation, ModuleInfo& info, torch::jit::Value* self);

/// A module that is not part of the tree: tensors are constants, methods are compiled as functions. kTrace only.
torch::jit::SugaredValuePtr captured_module_value(Compilation& compilation, std::shared_ptr<InstanceObject> instance);

/// A module that was compiled, traced or loaded, as a submodule; `self` is its value in the graph.
torch::jit::SugaredValuePtr compiled_module_value(torch::jit::Value* self);

/// `super()` in a method of `callee`.
torch::jit::SugaredValuePtr super_value(Compilation& compilation, const Callee& callee);

/// A slice of the container `self.name`, for a method of `callee`.
torch::jit::SugaredValuePtr slice_value(Compilation& compilation, const Callee& callee, const std::string& name);

/// The first argument of the methods of `info`.
std::unique_ptr<torch::jit::Self> make_self(Compilation& compilation, ModuleInfo& info);

}  // namespace bertjit
