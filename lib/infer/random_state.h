// The default CPU generator's state: what the next random numbers will be.
#pragma once

#include <mutex>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

namespace bertjit {

/// The state at the time of construction, to go back to: two runs that begin with one state draw the same numbers.
/// A program that is random then differs from its trace only if the trace is wrong. Other devices have generators of
/// their own, which this leaves alone.
class RandomState {
 public:
  RandomState() : state_(current()) {}

  /// The state that torch.manual_seed(seed) sets.
  static RandomState seeded(uint64_t seed) {
    RandomState state;
    at::Generator generator = at::detail::createCPUGenerator(seed);
    state.state_ = generator.get_state();
    return state;
  }

  void restore() const {
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(state_);
  }

  /// Whether the generator is as it was: no random number was drawn since.
  bool is_current() const {
    return at::equal(state_, current());
  }

 private:
  static at::Tensor current() {
    at::Generator generator = at::detail::getDefaultCPUGenerator();
    const std::lock_guard<std::mutex> lock(generator.mutex());
    return generator.get_state();
  }

  at::Tensor state_;
};

/// Puts the generator back at the end of the scope.
class RandomStateGuard {
 public:
  RandomStateGuard() = default;
  ~RandomStateGuard() {
    state_.restore();
  }
  RandomStateGuard(const RandomStateGuard&) = delete;
  RandomStateGuard& operator=(const RandomStateGuard&) = delete;

  const RandomState& state() const {
    return state_;
  }

 private:
  RandomState state_;
};

}  // namespace bertjit
