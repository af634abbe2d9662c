// A part of the work in a process of its own, so that its crash, its hunger for memory and its endless loops end there.
//
// The program forks before it has loaded or started anything: that takes a fraction of a millisecond. The child is the
// program, and goes on with the work; the parent waits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace bertjit {

struct ChildLimits {
  std::optional<double> timeout_s;
  /// Of resident memory, as `top` shows it, mapped files included. It is looked at a hundred times a second: a process
  /// may pass it by what it touches in between.
  std::optional<uint64_t> max_memory_bytes;
};

/// How a child ended.
struct ChildEnd {
  enum class Kind {
    kExited,     ///< by itself, with `exit_code`
    kSignalled,  ///< by `signal`, whoever sent it
    kTimedOut,   ///< stopped at the limit
    kOverMemory,
  };
  Kind kind = Kind::kExited;
  int exit_code = 0;
  int signal = 0;
  /// A signal that asked the parent to end (interrupt, hang-up, quit, terminate), passed on to the child; 0: none came.
  int asked_to_end_by = 0;
  double seconds = 0;
  uint64_t peak_memory_bytes = 0;
};

/// Forks. Returns twice: at once in the child, with nothing; and in the parent when the child has ended.
///
/// The child has the parent's descriptors, ends when the parent is killed, and writes no core file. A signal that ends
/// processes ends the child first. Only for a process that has one thread: locks that another one holds stay locked in
/// the child for ever. Whoever has buffered output flushes it before, or both write it.
/// Throws Error(kIo) where the system starts no process.
std::optional<ChildEnd> continue_in_child(const ChildLimits& limits);

/// Ends this process as that signal ends one, for who waits for it: a shell stops a loop whose program was interrupted.
[[noreturn]] void end_by_signal(int signal);

/// "SIGSEGV"; "signal 35" for one that has no name.
std::string signal_name(int signal);

}  // namespace bertjit
