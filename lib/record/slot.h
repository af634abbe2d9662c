// A value while a graph is run.
#pragma once

#include <vector>

#include <ATen/core/ivalue.h>

namespace bertjit {

/// An IValue, and what a recording knows of a number: which traced tensor stands for it (symbols.h). 0: nothing.
struct Slot {
  c10::IValue value;
  int64_t symbol = 0;
};

using Slots = std::vector<Slot>;

}  // namespace bertjit
