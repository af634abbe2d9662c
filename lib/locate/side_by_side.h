// One run of two models beside each other.
#pragma once

#include <string>
#include <vector>

#include "locate/alignment.h"
#include "locate/measure.h"
#include "locate/stepped_run.h"

namespace bertjit {

/// What the module goes on with after a value was compared.
enum class GoOnWith {
  kOwn,
  kReferenceWhereGood,  ///< its own where the value is wrong; the reference's times the factor where it is rescaled
  kReference,           ///< the same, but the reference's also where the value is wrong
};

struct RunSide {
  const torch::jit::Module& module;
  const BoundBatch& inputs;
};

struct Manner {
  GoOnWith go_on_with = GoOnWith::kOwn;
  std::vector<double> slack;  ///< for each point what may be added to its limit
};

struct SideBySide {
  std::vector<Measure> measures;  ///< for each point but the outputs
  c10::IValue outputs;            ///< of the module
  std::string failure;            ///< why its run broke off; empty if it did not
  int64_t most_held = 0;          ///< values of the reference at once
};

/// Runs the reference on a thread of its own, the module on this one, and compares them at each point of `alignment`.
///
/// Unless the module goes on with its own values its int8 linear layers are computed in float32: what rounding the
/// activations costs is no fault, and would hide one.
SideBySide run_side_by_side(const RunSide& module, const RunSide& reference, const Alignment& alignment,
                            const Manner& manner);

}  // namespace bertjit
