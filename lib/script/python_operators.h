// Functions of Python on numbers and text that libtorch has no operator for, as operators of our own: bertjit::…
//
// Only programs that are recorded call them, and what they give is a constant in the trace, as in Python's; so none
// gets into a file.
#pragma once

namespace bertjit {

/// Makes the operators known to libtorch, once.
void register_python_operators();

}  // namespace bertjit
