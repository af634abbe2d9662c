// Where in a module an error is raised, for what does not run on inputs that it should take.
#pragma once

#include <string>

#include "infer/runner.h"

namespace bertjit {

/// The path, in the file's own names, of the submodule whose code raises the error when `module` is run on `batch`.
///
/// libtorch's message has the lines of code on the way to it, by the names of their classes, of which a file has
/// several that read alike. So the code is run once more, operator by operator, and the submodule noted that was left
/// by the error. Empty if it is raised in the root's own code, as in a frozen module, or not at all this time.
std::string failing_module(ModuleRunner& module, const BoundBatch& batch);

}  // namespace bertjit
