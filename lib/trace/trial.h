// Running a program and its trace side by side so that what differs is the trace's doing: each run has inputs of its
// own, the same random numbers, and buffers as they were.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "infer/random_state.h"
#include "infer/signature.h"

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
  /// `module` is the trace; its buffers are watched and put back after each run. The program shares them with it.
  explicit Trial(const torch::jit::Module& module, const RandomState& state = {});

  /// Calls `call` on a copy of `batch`. What it throws is an outcome, too.
  Outcome run(const BoundBatch& batch, const std::function<c10::IValue(const BoundBatch&)>& call);

  /// Whether the last run drew random numbers.
  bool drew() const {
    return drew_;
  }

 private:
  struct Kept {
    at::Tensor buffer;
    at::Tensor copy;
    int64_t version;
  };
  void put_back_buffers();

  RandomStateGuard guard_;
  RandomState state_;
  std::vector<Kept> buffers_;
  bool drew_ = false;
};

}  // namespace bertjit
