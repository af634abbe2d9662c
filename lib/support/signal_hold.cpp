#include "support/signal_hold.h"

#include <unistd.h>

#include <atomic>

namespace bertjit {

namespace {

std::mutex& only_one() {
  static std::mutex mutex;
  return mutex;
}

/// Signals that came, as bits. A handler may touch it, since it needs no lock.
std::atomic<unsigned> came{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);

extern "C" void note_signal(int signal) {
  came |= 1u << signal;
}

}  // namespace

SignalHold::SignalHold() : lock_(only_one()) {
  came = 0;
  struct sigaction hold {};
  hold.sa_handler = note_signal;
  hold.sa_flags = SA_RESTART;
  sigemptyset(&hold.sa_mask);
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) {
      ::sigaction(kSignals[i], &hold, nullptr);
    }
  }
}

SignalHold::~SignalHold() {
  for (size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], &before_[i], nullptr);
  }
  for (const int signal : kSignals) {
    if ((came & 1u << signal) != 0) {
      ::kill(::getpid(), signal);
    }
  }
}

}  // namespace bertjit
