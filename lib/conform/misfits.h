// What in the code and the weights of a module does not fit a target.
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "target/target.h"

namespace bertjit {

/// One kind of fault in one module.
struct Misfit {
  std::string rule;    ///< "operator", "device", "shape", "dtype", "interpreter"
  std::string what;    ///< "aten::scaled_dot_product_attention", a parameter, an argument
  std::string module;  ///< path in the file; "" the root
  std::string record;  ///< that holds the code, with the line in a file: "code/__torch__/….py:95"; empty if none does
  std::string line;    ///< of the source, "modeling_bert.py:355:4"; empty if the file does not say
  std::string why;     ///< reads on from `what`: "is not among the operators of mobile"
  int64_t times = 1;
};

/// An operator that is taken under a condition.
struct ConditionalUse {
  std::string op;
  std::string note;
  std::string module;  ///< the first that uses it
  int64_t times = 1;
};

struct CodeFit {
  std::vector<Misfit> misfits;  ///< in the order of the code, those of weights at the end
  std::vector<ConditionalUse> conditional;
  int64_t operators = 0;
  /// An operator that asks for a size of its input, so that the code takes other shapes too; empty `what` if none does.
  Misfit size_read;
};

/// Looks at all code that forward runs, and at all parameters and buffers. Nothing is run. Throws Error(kUnsupported)
/// where the code cannot be seen (visit_called_code).
CodeFit find_misfits(const torch::jit::Module& module, const Target& target);

}  // namespace bertjit
