// What a name of a Python file is to the compiler: libtorch's Resolver over the PythonScope a function was defined in.
#pragma once

#include <map>
#include <memory>
#include <string>

#include <torch/csrc/jit/frontend/resolver.h>

#include "script/compile_context.h"

namespace bertjit {

/// Parameters that are no arguments, since their value is known.
using Constants = std::map<std::string, c10::IValue>;

/// Resolves the free names of `callee`. Borrows `compilation`, which outlives the definition of the function.
torch::jit::ResolverPtr make_resolver(Compilation& compilation, const Callee& callee, Constants constants);

}  // namespace bertjit
