// What a process that waits for children does about signals, and what such a child does first.
#pragma once

#include <csignal>

#include <sys/types.h>

namespace bertjit {

/// What a parent waits for: the end of a child, and whatever asks the parent to end (interrupt, hang-up, quit,
/// terminate), unless that is ignored (nohup) or handled.
sigset_t awaited_signals();

/// Signals that are blocked for a scope, so that they can be waited for.
class BlockedSignals {
 public:
  explicit BlockedSignals(const sigset_t& signals);
  ~BlockedSignals();
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

  /// In a child, which begins with its parent's: as they were before.
  void restore() const;

 private:
  sigset_t before_;
};

/// In a child: it ends with its parent, and leaves no core file. `parent` is from before the fork.
void end_with_parent(pid_t parent);

}  // namespace bertjit
