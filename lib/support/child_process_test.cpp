#include "support/child_process.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <thread>
#include <vector>

#include "testing/testing.h"

namespace bertjit {

namespace {

using Kind = ChildEnd::Kind;

/// Does `work` in a child, which then ends with that exit code.
ChildEnd end_of(const std::function<int()>& work, const ChildLimits& limits = {}) {
  const auto end = continue_in_child(limits);
  if (!end) {
    ::_exit(work());
  }
  return *end;
}

void sleep_s(double seconds) {
  std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

int loop() {
  for (;;) {
    sleep_s(1);
  }
}

/// Touches that many bytes, a little at a time.
int use_memory(size_t bytes) {
  constexpr size_t kStep = 1 << 20;
  std::vector<std::vector<char>> parts;
  for (size_t used = 0; used < bytes; used += kStep) {
    parts.emplace_back(kStep, 'x');
    sleep_s(0.0005);
  }
  return 0;
}

bool is_running(pid_t process) {
  return ::kill(process, 0) == 0;
}

}  // namespace

TEST_CASE("child process: its exit code is told") {
  const ChildEnd end = end_of([] { return 7; });
  CHECK(end.kind == Kind::kExited);
  CHECK(end.exit_code == 7);
  CHECK(end.asked_to_end_by == 0);
  CHECK(end.peak_memory_bytes > 0);
}

TEST_CASE("child process: a crash is told by its signal") {
  for (const int signal : {SIGSEGV, SIGABRT, SIGFPE, SIGKILL}) {
    const ChildEnd end = end_of([signal] {
      std::signal(signal, SIG_DFL);  // Catch2 has handlers of its own
      return ::raise(signal);
    });
    CHECK(end.kind == Kind::kSignalled);
    CHECK(end.signal == signal);
  }
}

TEST_CASE("child process: it is stopped when its time is up, and not before") {
  const ChildEnd end = end_of(loop, {.timeout_s = 0.2});
  CHECK(end.kind == Kind::kTimedOut);
  CHECK(end.seconds >= 0.2);
  CHECK(end.seconds < 5);
  CHECK(end_of([] { return 0; }, {.timeout_s = 60}).kind == Kind::kExited);
  CHECK(end_of([] { return 0; }, {.timeout_s = 1e300}).kind == Kind::kExited);
}

TEST_CASE("child process: it is stopped when it takes more memory than allowed, and not before") {
  const size_t own = end_of([] { return 0; }).peak_memory_bytes;
  const ChildEnd end = end_of([] { return use_memory(size_t{400} << 20); }, {.max_memory_bytes = own + (100u << 20)});
  CHECK(end.kind == Kind::kOverMemory);
  CHECK(end.peak_memory_bytes > own + (100u << 20));
  CHECK(end.peak_memory_bytes < own + (200u << 20));
  CHECK(end_of([] { return use_memory(size_t{50} << 20); }, {.max_memory_bytes = own + (100u << 20)}).kind ==
        Kind::kExited);
}

TEST_CASE("child process: what is asked to end passes that on, and waits for it") {
  for (const int signal : {SIGHUP, SIGINT, SIGTERM}) {
    const pid_t asked = ::getpid();
    const auto before = std::signal(signal, SIG_DFL);
    const ChildEnd end = end_of([&] {
      sleep_s(0.05);
      ::kill(asked, signal);
      return loop();
    });
    std::signal(signal, before);
    CHECK(end.asked_to_end_by == signal);
    CHECK(end.kind == Kind::kSignalled);
    CHECK(end.signal == signal);
  }
}

TEST_CASE("child process: a signal that is ignored, as under nohup, stays ignored") {
  const pid_t asked = ::getpid();
  const auto before = std::signal(SIGHUP, SIG_IGN);
  const ChildEnd end = end_of([&] {
    ::kill(asked, SIGHUP);
    ::raise(SIGHUP);
    return 3;
  });
  std::signal(SIGHUP, before);
  CHECK(end.exit_code == 3);
  CHECK(end.asked_to_end_by == 0);
}

TEST_CASE("child process: it does not outlive a parent that is killed") {
  int channel[2];
  REQUIRE(::pipe(channel) == 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    if (!continue_in_child({})) {
      const pid_t self = ::getpid();
      ::_exit(::write(channel[1], &self, sizeof self) == sizeof self ? loop() : 1);
    }
    ::_exit(0);
  }
  pid_t child = 0;
  REQUIRE(::read(channel[0], &child, sizeof child) == sizeof child);
  CHECK(is_running(child));
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  for (int i = 0; i < 500 && is_running(child); ++i) {
    sleep_s(0.01);
  }
  CHECK_FALSE(is_running(child));
  ::close(channel[0]);
  ::close(channel[1]);
}

TEST_CASE("child process: it writes no core file") {
  const ChildEnd end = end_of([] {
    rlimit core{1, 1};
    ::getrlimit(RLIMIT_CORE, &core);
    return static_cast<int>(core.rlim_cur);
  });
  CHECK(end.exit_code == 0);
}

TEST_CASE("child process: it works where whoever started the program had SIGCHLD ignored") {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  CHECK(end_of([] { return 5; }).exit_code == 5);
  std::signal(SIGCHLD, before);
}

TEST_CASE("child process: signals have names") {
  CHECK(signal_name(SIGSEGV) == "SIGSEGV");
  CHECK(signal_name(SIGKILL) == "SIGKILL");
  CHECK(signal_name(200) == "signal 200");
}

}  // namespace bertjit
