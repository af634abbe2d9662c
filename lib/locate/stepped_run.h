// A module's forward, run operator by operator, with somebody who watches each step.
#pragma once

#include <string>
#include <unordered_map>
#include <vector>

#include <torch/csrc/jit/api/module.h>

#include "infer/signature.h"
#include "locate/tape.h"
#include "locate/weight_names.h"
#include "record/execution.h"

namespace bertjit {

class StepWatcher {
 public:
  virtual ~StepWatcher() = default;
  /// Before step `id`; `inputs` may be changed.
  virtual void entering(int64_t /*id*/, const torch::jit::Node& /*node*/, const std::string& /*module*/,
                        Slots& /*inputs*/) {}
  /// After it; `outputs` may be changed.
  virtual void left(int64_t /*id*/, Slots& /*outputs*/) {}
};

/// How int8 linear layers are computed.
enum class QuantizedLinear {
  kAsWritten,
  kInFloat32,  ///< with the file's int8 weights, but without rounding the activations
};

class SteppedRun : public Execution {
 public:
  /// Borrows `watcher`.
  SteppedRun(const torch::jit::Module& module, StepWatcher& watcher, QuantizedLinear linear);

  /// Runs forward on `inputs`, in call order. Throws Error(kInvalidArgument) as interpret() does.
  Slot run(const BoundBatch& inputs);

 protected:
  Slots apply(const torch::jit::Node& node, Slots inputs) override;
  Slot call_method(const std::string& name, Slots arguments) override;

 private:
  Slots compute(const torch::jit::Node& node, Slots inputs);
  void name_makers(const torch::jit::Node& node, int64_t id, const std::vector<int64_t>& makers, Slots& outputs);

  torch::jit::Module module_;
  StepWatcher& watcher_;
  QuantizedLinear linear_;
  std::unordered_map<const c10::ivalue::Object*, std::string> paths_;
  std::vector<std::string> modules_;                            ///< paths of those at work, outermost first
  std::unordered_map<int64_t, std::vector<int64_t>> elements_;  ///< of each tuple that was made, which steps made them
  int64_t count_ = 0;
};

/// What a run did, and what it answered. The tape points into the module's graphs.
struct TapedRun {
  Tape tape;
  c10::IValue outputs;
};
TapedRun run_taped(const torch::jit::Module& module, const BoundBatch& inputs, const WeightNames& names);

}  // namespace bertjit
