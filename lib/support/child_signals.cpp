#include "support/child_signals.h"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace bertjit {

namespace {

/// Signals that ask a process to end.
constexpr std::array kEndings = {SIGHUP, SIGINT, SIGQUIT, SIGTERM};

bool is_default(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
         action.sa_handler == SIG_DFL;
}

}  // namespace

sigset_t awaited_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGCHLD);
  for (const int ending : kEndings) {
    if (is_default(ending)) {
      sigaddset(&signals, ending);
    }
  }
  return signals;
}

BlockedSignals::BlockedSignals(const sigset_t& signals) {
  // Where SIGCHLD is ignored, as some starters leave it, no ended child can be waited for.
  std::signal(SIGCHLD, SIG_DFL);
  ::sigprocmask(SIG_BLOCK, &signals, &before_);
}

BlockedSignals::~BlockedSignals() {
  restore();
}

void BlockedSignals::restore() const {
  ::sigprocmask(SIG_SETMASK, &before_, nullptr);
}

void end_with_parent(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) {
    ::_exit(EXIT_FAILURE);  // it was killed before
  }
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
}

}  // namespace bertjit
