// Many pieces of work, each in a process of its own, several at a time.
//
// continue_in_child (support/child_process.h) waits for its child; here the parent goes on, and starts the next where
// one has ended. Limits on a piece of work are its own business.
#pragma once

#include <cstddef>
#include <functional>
#include <map>

#include <sys/types.h>

#include "support/child_signals.h"

namespace bertjit {

/// Only for a process that has one thread: locks that another one holds stay locked in a child for ever. Signals that
/// ask to end wait while it lives.
class ChildPool {
 public:
  explicit ChildPool(size_t at_once);
  /// Kills the children that are left.
  ~ChildPool();
  ChildPool(const ChildPool&) = delete;
  ChildPool& operator=(const ChildPool&) = delete;

  bool is_full() const {
    return running_.size() >= at_once_;
  }
  bool is_empty() const {
    return running_.empty();
  }

  /// Forks; the child does `work` and ends with the exit code that it returns, without anything that programs do at
  /// their end (destructors, flushing). It ends when the parent does, and writes no core file.
  ///
  /// Whoever has buffered output flushes it before, or both write it. Throws Error(kIo) where the system starts no
  /// process.
  void start(size_t id, const std::function<int()>& work);

  struct Ended {
    size_t id = 0;
    int exit_code = 0;
    int signal = 0;  ///< that ended it; 0: it ended by itself
  };
  /// Waits for any child to end. Not if there is none.
  ///
  /// A signal that asks this process to end is passed on to all children; when they have ended, it ends this process.
  Ended wait();

 private:
  bool collect(Ended& ended);
  [[noreturn]] void end_all(int signal);

  size_t at_once_;
  sigset_t signals_;
  BlockedSignals blocked_;
  std::map<pid_t, size_t> running_;
};

}  // namespace bertjit
