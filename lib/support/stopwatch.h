// Elapsed time, by the clock that nobody sets.
#pragma once

#include <chrono>

namespace bertjit {

/// Runs from its making on.
class Stopwatch {
 public:
  double seconds() const {
    return std::chrono::duration<double>(Clock::now() - begin_).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point begin_ = Clock::now();
};

}  // namespace bertjit
