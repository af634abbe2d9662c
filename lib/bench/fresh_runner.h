// TorchScript's executor from its first run on, as often as wanted.
//
// A function of a module keeps one executor for ever. It profiles the first run, compiles in the second, and after two
// sets of shapes compiles for any: what it does with a third depends on the two before. So rows of a measurement would
// depend on their order, and only one of them had a first run. A clone of the module has fresh executors too, but it
// stays in memory as long as the module does, some MB for each.
#pragma once

#include <string>
#include <vector>

#include <torch/csrc/jit/runtime/graph_executor.h>

#include "infer/runner.h"

namespace bertjit {

/// Runs forward of a module by an executor of its own, which goes when this goes. All state is the module's.
class FreshRunner : public Runner {
 public:
  /// `module` must outlive this.
  explicit FreshRunner(ModuleRunner& module);

  const Signature& signature() const override {
    return module_.signature();
  }
  const std::vector<std::string>& output_names() const override {
    return module_.output_names();
  }
  c10::IValue run(const BoundBatch& batch, GradMode grad) override;

 private:
  ModuleRunner& module_;
  torch::jit::GraphExecutor executor_;
};

}  // namespace bertjit
