#include "support/child_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "support/child_process.h"
#include "support/error.h"

namespace bertjit {

ChildPool::ChildPool(size_t at_once) : at_once_(at_once), signals_(awaited_signals()), blocked_(signals_) {}

ChildPool::~ChildPool() {
  for (const auto& [child, id] : running_) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
}

void ChildPool::start(size_t id, const std::function<int()>& work) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw system_error("cannot start a process (fewer --jobs need fewer)");
  }
  if (child > 0) {
    running_[child] = id;
    return;
  }
  int exit_code = EXIT_FAILURE;
  try {
    end_with_parent(parent);
    blocked_.restore();
    exit_code = work();
  } catch (...) {
    // There is nobody to tell it to: what the work says it says by its exit code.
  }
  ::_exit(exit_code);
}

ChildPool::Ended ChildPool::wait() {
  Ended ended;
  while (!collect(ended)) {
    int signal = 0;
    if (::sigwait(&signals_, &signal) == 0 && signal != SIGCHLD) {
      end_all(signal);
    }
  }
  return ended;
}

/// Whether a child has ended; then `ended` says which and how.
bool ChildPool::collect(Ended& ended) {
  for (const auto& [child, id] : running_) {
    int status = 0;
    const pid_t which = ::waitpid(child, &status, WNOHANG);
    if (which == 0 || (which < 0 && errno == EINTR)) {
      continue;
    }
    if (which < 0) {
      throw system_error("cannot wait for a child process");
    }
    ended = {id, WIFEXITED(status) ? WEXITSTATUS(status) : 0, WIFSIGNALED(status) ? WTERMSIG(status) : 0};
    running_.erase(child);
    return true;
  }
  return false;
}

void ChildPool::end_all(int signal) {
  for (const auto& [child, id] : running_) {
    ::kill(child, signal);
  }
  for (const auto& [child, id] : running_) {
    ::waitpid(child, nullptr, 0);
  }
  end_by_signal(signal);
}

}  // namespace bertjit
