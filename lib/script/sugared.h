// Python objects as the compiler's SugaredValues: things that have no value in a graph, but attributes and calls.
#pragma once

#include <optional>
#include <string>

#include <torch/csrc/jit/frontend/sugared_value.h>

#include "script/compile_context.h"

namespace bertjit {

/// The object as the compiler takes it. Numbers, strings, dtypes, devices and containers of them become constants;
/// tensors and modules do in kTrace, where Python would record them so. `name` is what messages call it.
torch::jit::SugaredValuePtr sugar(Compilation& compilation, const Object& object, const std::string& name,
                                  torch::jit::GraphFunction& caller, const torch::jit::SourceRange& where);

/// A value of the graph.
torch::jit::SugaredValuePtr simple(torch::jit::Value* value);

/// What a dotted name of torch, math or another namespace stands for: "torch.nn.functional.relu".
torch::jit::SugaredValuePtr sugar_path(Compilation& compilation, const std::string& path,
                                       torch::jit::GraphFunction& caller, const torch::jit::SourceRange& where);

torch::jit::SugaredValuePtr namespace_value(Compilation& compilation, const NamespaceObject& space);

/// A function or method that is compiled when it is called. `self`: the module, of a method of the tree.
torch::jit::SugaredValuePtr callee_value(Compilation& compilation, const Callee& callee, torch::jit::Value* self);

/// A tensor that is neither input nor parameter as a constant. Throws libtorch's "Cannot insert a Tensor that requires
/// grad as a constant", with the way out.
torch::jit::Value* insert_tensor(const at::Tensor& tensor, const std::string& name, torch::jit::GraphFunction& caller,
                                 const torch::jit::SourceRange& where);

/// Python's exceptions by name; nullptr for other names.
torch::jit::SugaredValuePtr exception_value(const std::string& name);

/// `f(a, *b)`: `stars` has '1' for each starred argument. Lists of ints become one list, tuples are spread out.
torch::jit::SugaredValuePtr splat_value(const std::string& stars);
/// A comparison ("eq", "lt", …) that decides constants.
torch::jit::SugaredValuePtr compare_value(const std::string& comparison);
/// `len(…)`, known for modules that hold others.
torch::jit::SugaredValuePtr len_value(Compilation& compilation);
/// `range(…)` as its numbers, where they are known; libtorch's own otherwise.
torch::jit::SugaredValuePtr unrolled_range_value();

/// `torch.jit.is_tracing()`, or `is_scripting()`.
torch::jit::SugaredValuePtr is_mode_value(const Compilation& compilation, bool tracing);

/// The number, string or bool that a value is sure to have: a constant, or arithmetic of constants.
std::optional<c10::IValue> constant_of(const torch::jit::Value* value);

}  // namespace bertjit
