// Running a program and its trace side by side so that what differs is the trace's doing: each run has inputs of its
// own, the same random numbers, and the state as it was.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "infer/random_state.h"
#include "infer/signature.h"
#include "trial/module_state.h"

namespace bertjit {

/// What came of one run.
struct Outcome {
  std::optional<c10::IValue> outputs;  ///< absent if it raised
  std::string error;                   ///< what it raised
  std::vector<c10::IValue> inputs;     ///< as they were afterwards
  std::vector<bool> changed;           ///< for each input, whether it may have been changed in place

  bool raised() const {
    return !outputs.has_value();
  }
};

/// A copy that shares no tensor with `batch`.
BoundBatch copy_batch(const BoundBatch& batch);

/// The state that runs share. Puts the random generator back at the end of the scope.
class Trial {
 public:
  /// `module` is the trace; its state is put back after each run. A program that was just recorded shares its buffers.
  explicit Trial(const torch::jit::Module& module, const RandomState& state = {});

  /// Puts back the state of `module` too: for a program that has its own.
  void watch(const torch::jit::Module& module);

  /// Calls `call` on a copy of `batch`. What it throws is an outcome, too.
  Outcome run(const BoundBatch& batch, const std::function<c10::IValue(const BoundBatch&)>& call);

  /// Whether the last run drew random numbers.
  bool drew() const {
    return drew_;
  }

 private:
  RandomStateGuard guard_;
  RandomState state_;
  std::vector<ModuleState> modules_;
  bool drew_ = false;
};

}  // namespace bertjit
