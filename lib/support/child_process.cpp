#include "support/child_process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "support/child_signals.h"
#include "support/error.h"
#include "support/stopwatch.h"

namespace bertjit {

namespace {

constexpr double kBetweenLooksAtMemory_s = 0.01;
/// Longest wait at a time, so that no deadline, however far, is too large for the system.
constexpr double kLongestWait_s = 3600;
/// What a process may map beyond the limit on what it uses: the stack of 4 GiB that an operation gets, and what
/// libtorch and its threads reserve.
constexpr uint64_t kReservedBytes = uint64_t{6} << 30;

/// One of the numbers of /proc/PID/statm, in bytes; 0 if it is not to be had.
uint64_t memory_of(const std::string& process, int column) {
  const int fd = ::open(("/proc/" + process + "/statm").c_str(), O_RDONLY | O_CLOEXEC);
  char text[256] = {};
  const ssize_t size = fd < 0 ? 0 : ::read(fd, text, sizeof text - 1);
  if (fd >= 0) {
    ::close(fd);
  }
  const char* at = text;
  for (int i = 0; i < column && size > 0; ++i) {
    at = std::strchr(at, ' ');
    if (at == nullptr) {
      return 0;
    }
    ++at;
  }
  return std::strtoull(at, nullptr, 10) * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
}

constexpr int kResident = 1;
constexpr int kWritable = 5;

/// In the child: the limits that the system keeps by itself, and an end with the parent's.
void settle_in(const ChildLimits& limits, pid_t parent) {
  end_with_parent(parent);
  if (limits.max_memory_bytes) {
    // The backstop: what asks for far more than it may ever use gets an error at once.
    rlimit data{};
    ::getrlimit(RLIMIT_DATA, &data);
    const uint64_t allowed = memory_of("self", kWritable) + *limits.max_memory_bytes + kReservedBytes;
    data.rlim_cur = std::min<rlim_t>(data.rlim_cur, allowed);
    ::setrlimit(RLIMIT_DATA, &data);
  }
}

/// In the parent: waits for one child.
class Watch {
 public:
  Watch(pid_t child, const ChildLimits& limits, const sigset_t& signals)
      : child_(child), limits_(limits), signals_(signals) {}

  ChildEnd wait() {
    while (!collect()) {
      const int signal = next_signal();
      if (signal > 0 && signal != SIGCHLD) {
        end_.asked_to_end_by = signal;
        ::kill(child_, signal);
      }
      enforce_limits();
    }
    return end_;
  }

 private:
  /// Whether the child has ended; then end_ says how.
  bool collect() {
    int status = 0;
    rusage usage{};
    const pid_t ended = ::wait4(child_, &status, WNOHANG, &usage);
    if (ended == 0 || (ended < 0 && errno == EINTR)) {
      return false;
    }
    if (ended < 0) {
      throw system_error("cannot wait for the child process");
    }
    end_.seconds = watch_.seconds();
    end_.peak_memory_bytes = std::max(end_.peak_memory_bytes, static_cast<uint64_t>(usage.ru_maxrss) * 1024);
    if (WIFEXITED(status)) {
      end_.kind = ChildEnd::Kind::kExited;
      end_.exit_code = WEXITSTATUS(status);
      return true;
    }
    end_.signal = WTERMSIG(status);
    end_.kind = stopped_ && end_.signal == SIGKILL ? *stopped_ : ChildEnd::Kind::kSignalled;
    return true;
  }

  /// The next signal, or a value below 1 if there is something else to do first.
  int next_signal() const {
    double wait_s = limits_.max_memory_bytes ? kBetweenLooksAtMemory_s : kLongestWait_s;
    if (limits_.timeout_s && !stopped_) {
      wait_s = std::clamp(*limits_.timeout_s - watch_.seconds(), 0.0, wait_s);
    }
    const double whole = std::floor(wait_s);
    const timespec time{static_cast<time_t>(whole), static_cast<long>((wait_s - whole) * 1e9)};
    return ::sigtimedwait(&signals_, nullptr, &time);
  }

  void enforce_limits() {
    if (stopped_) {
      return;
    }
    if (limits_.timeout_s && watch_.seconds() >= *limits_.timeout_s) {
      stop(ChildEnd::Kind::kTimedOut);
    } else if (limits_.max_memory_bytes) {
      const uint64_t used = memory_of(std::to_string(child_), kResident);
      end_.peak_memory_bytes = std::max(end_.peak_memory_bytes, used);
      if (used > *limits_.max_memory_bytes) {
        stop(ChildEnd::Kind::kOverMemory);
      }
    }
  }

  void stop(ChildEnd::Kind why) {
    stopped_ = why;
    ::kill(child_, SIGKILL);
  }

  pid_t child_;
  const ChildLimits& limits_;
  const sigset_t& signals_;
  Stopwatch watch_;
  std::optional<ChildEnd::Kind> stopped_;
  ChildEnd end_;
};

}  // namespace

std::optional<ChildEnd> continue_in_child(const ChildLimits& limits) {
  const sigset_t signals = awaited_signals();
  const BlockedSignals blocked(signals);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) {
    throw system_error("cannot start a process for the model (--no-isolate does without)");
  }
  if (child == 0) {
    settle_in(limits, parent);
    return std::nullopt;
  }
  return Watch(child, limits, signals).wait();
}

void end_by_signal(int signal) {
  const rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  std::signal(signal, SIG_DFL);
  sigset_t this_one;
  sigemptyset(&this_one);
  sigaddset(&this_one, signal);
  ::sigprocmask(SIG_UNBLOCK, &this_one, nullptr);
  ::raise(signal);
  ::_exit(128 + signal);  // for one that does not end processes
}

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? std::string("SIG") + name : "signal " + std::to_string(signal);
}

}  // namespace bertjit
