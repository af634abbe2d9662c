// The process's numeric settings, changed for a scope: gradient mode, threads. Nothing outside infer/ sets them.
#pragma once

#include <optional>

#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <c10/core/InferenceMode.h>

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

}  // namespace bertjit
