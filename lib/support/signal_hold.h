// Putting off signals that end the process for the length of a scope.
#pragma once

#include <array>
#include <csignal>
#include <mutex>

namespace bertjit {

/// While it lives, SIGINT, SIGTERM and SIGHUP wait, whichever thread they come to; at the end of the scope they come.
/// For moments between two system calls that belong together. Signals that are ignored stay ignored.
///
/// One at a time in a process: another waits for it.
class SignalHold {
 public:
  SignalHold();
  ~SignalHold();
  SignalHold(const SignalHold&) = delete;
  SignalHold& operator=(const SignalHold&) = delete;

 private:
  static constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

  std::lock_guard<std::mutex> lock_;
  std::array<struct sigaction, kSignals.size()> before_{};
};

}  // namespace bertjit
