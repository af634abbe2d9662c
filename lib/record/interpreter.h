// Running a TorchScript graph one operator at a time: with no optimizer between the text and what is done, and, under
// libtorch's tracer, as the thing that is recorded.
//
// libtorch has an interpreter of its own. Under the tracer it turns every aten::size into a constant and forgets where
// in the source an operator stands; torch::jit::TraceGraph loses what a loop carries from turn to turn. This one
// decides branches and turns loops as Python does while torch.jit.trace runs, keeps numbers that come from sizes
// symbolic as Python's tracer does (a size is a traced tensor; arithmetic with it is recorded), and knows its place.
#pragma once

#include <cstddef>

#include <torch/csrc/jit/api/module.h>

#include "record/program.h"

namespace bertjit {

struct InterpreterLimits {
  /// Nodes of the IR that may be executed; beyond, Error(kInvalidArgument) names the source line that is being run.
  size_t max_steps = 100'000'000;
};

/// Runs `program` on `inputs` (call order, without self) -> what it returns. Every call is entered, also of whole
/// functions. Nothing is optimized, fused or recorded; gradient mode and threads are the caller's.
///
/// Throws Error(kInvalidArgument) with libtorch's words and the stack of source lines where an operator refuses.
c10::IValue interpret(const Program& program, torch::jit::Stack inputs, const InterpreterLimits& limits = {});

}  // namespace bertjit
