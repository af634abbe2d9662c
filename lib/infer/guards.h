// The process's settings, changed for a scope: gradient mode, threads, TorchScript's executor. Nothing outside infer/
// sets them.
#pragma once

#include <optional>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>
#include <torch/csrc/jit/runtime/graph_executor.h>

#include "infer/executor.h"
#include "infer/grad_mode.h"

namespace bertjit {

/// Sets the gradient mode of the current thread until the end of the scope.
class GradGuard {
 public:
  explicit GradGuard(GradMode mode) : grad_(mode == GradMode::kOn) {
    if (mode == GradMode::kInference) {
      inference_.emplace(true);
    }
  }

 private:
  c10::AutoGradMode grad_;
  std::optional<c10::InferenceMode> inference_;
};

/// Sets the number of threads inside one operator until the end of the scope; 0 leaves it as it is (one per core).
class ThreadGuard {
 public:
  explicit ThreadGuard(int threads) : previous_(at::get_num_threads()) {
    if (threads > 0) {
      at::set_num_threads(threads);
    }
  }
  ~ThreadGuard() {
    at::set_num_threads(previous_);
  }
  ThreadGuard(const ThreadGuard&) = delete;
  ThreadGuard& operator=(const ThreadGuard&) = delete;

 private:
  int previous_;
};

/// Chooses what runs TorchScript functions that run for the first time in the scope; a function keeps the executor of
/// its first run. kEager is no executor of libtorch's: nothing changes.
class ExecutorGuard {
 public:
  explicit ExecutorGuard(Executor executor)
      : profiles_(torch::jit::getProfilingMode()), is_new_(torch::jit::getExecutorMode()) {
    if (executor != Executor::kEager) {
      torch::jit::getProfilingMode() = executor == Executor::kProfiling;
      torch::jit::getExecutorMode() = true;
    }
  }
  ~ExecutorGuard() {
    torch::jit::getProfilingMode() = profiles_;
    torch::jit::getExecutorMode() = is_new_;
  }
  ExecutorGuard(const ExecutorGuard&) = delete;
  ExecutorGuard& operator=(const ExecutorGuard&) = delete;

 private:
  bool profiles_;
  bool is_new_;
};

}  // namespace bertjit
