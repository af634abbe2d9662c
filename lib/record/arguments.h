// The arguments of a program's function from the inputs of a call.
#pragma once

#include <string>
#include <vector>

#include "record/program.h"

namespace bertjit {

/// An argument that is given with each call: neither self nor one of Program::fixed.
struct ProgramInput {
  std::string name;
  size_t position;  ///< in the function's schema, self counted
  c10::TypePtr type;
};

/// In call order.
std::vector<ProgramInput> program_inputs(const Program& program);

/// Whether libtorch's tracer takes `value` as an input: a tensor, or a tuple, list or dict of such.
bool is_traceable(const c10::IValue& value);

/// All arguments of program.function: self, the inputs in call order, those that are fixed, and defaults for inputs
/// that are left out at the end.
///
/// Throws Error(kInvalidArgument) naming the program for too few or too many inputs, or one of another type.
std::vector<c10::IValue> call_arguments(const Program& program, const torch::jit::Stack& inputs);

}  // namespace bertjit
