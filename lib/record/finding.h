// What a recording does not keep of the program, found while it is made. Plain data.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bertjit {

/// The pitfalls of tracing that the TorchScript reference names, and those beside them.
enum class FindingKind {
  kLoopUnrolled,       ///< a loop whose number of turns depends on an input's size or values
  kBranchFlattened,    ///< a branch that depends on an input's size or values
  kValueConstant,      ///< a tensor's value became a Python number, and with it a constant
  kSizeConstant,       ///< a size became a constant where the tracer could not follow it
  kNewTensorConstant,  ///< torch.tensor(…) of values that depend on an input
  kInplaceView,        ///< an in-place operator on a view of a tensor that lives on
  kInputMutated,       ///< an input is changed in place
  kCapturedTensor,     ///< a tensor that is neither input nor parameter, stored as a constant
  kDeviceConstant,     ///< a new tensor's device is written into the trace
  kNondeterministic,   ///< a random operator
  kStateNotRecorded,   ///< an attribute was assigned: not part of a trace
  kContainerOutput,    ///< a list or dict is returned: its length is the example's
  kOutputConstant,     ///< an output that does not depend on any input
};

/// A place in a source file.
struct SourceLocation {
  std::string file;    ///< as it was given to the parser; empty if not known
  int64_t line = 0;    ///< 1-based
  int64_t column = 0;  ///< 0-based, as TorchScript counts
  std::string function;
  std::string text;  ///< the line
};

struct Finding {
  FindingKind kind;
  SourceLocation where;
  std::string detail;  ///< what was found: "4 turns on the example", "aten::rand", "self.count"
  int64_t times = 1;   ///< the same at the same place
};

/// "loop-unrolled", "branch-flattened", …: frozen names.
const char* finding_name(FindingKind kind);

/// "loop.py:4:13"; "" if not known.
std::string location_text(const SourceLocation& location);

}  // namespace bertjit
