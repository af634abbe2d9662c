// Keeping mapped weights from piling up in memory.
#pragma once

#include <ATen/record_function.h>

namespace bertjit {

/// Until the end of the scope, gives the memory of a large mapped weight back after each operator that used it.
///
/// A checkpoint's weights are mapped from its file, so the next use finds them in the page cache: some 30 ms a pass for
/// a BERT-base, for which the process never holds more than a few weights at once. For work that passes over a model a
/// few times (tracing it), not for work that runs it again and again.
class ResidencyGuard {
 public:
  ResidencyGuard();
  ~ResidencyGuard();
  ResidencyGuard(const ResidencyGuard&) = delete;
  ResidencyGuard& operator=(const ResidencyGuard&) = delete;

 private:
  at::CallbackHandle handle_;
};

}  // namespace bertjit
