#include "support/child_pool.h"

#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <set>
#include <thread>

#include "support/child_process.h"
#include "testing/testing.h"

namespace bertjit {

namespace {

void sleep_ms(int ms) {
  std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

}  // namespace

TEST_CASE("child pool: every piece of work ends once, with its exit code or its signal") {
  ChildPool pool(3);
  std::set<size_t> seen;
  size_t started = 0;
  while (seen.size() < 12) {
    while (started < 12 && !pool.is_full()) {
      pool.start(started, [started] {
        if (started % 4 == 3) {
          ::raise(SIGKILL);
        }
        return static_cast<int>(started);
      });
      ++started;
    }
    const ChildPool::Ended ended = pool.wait();
    CHECK(seen.insert(ended.id).second);
    CHECK(ended.signal == (ended.id % 4 == 3 ? SIGKILL : 0));
    CHECK(ended.exit_code == (ended.id % 4 == 3 ? 0 : static_cast<int>(ended.id)));
  }
  CHECK(pool.is_empty());
}

TEST_CASE("child pool: work that throws ends with exit code 1, and signals reach it as they reached the program") {
  ChildPool pool(2);
  pool.start(0, []() -> int { throw 1; });
  CHECK(pool.wait().exit_code == 1);
  pool.start(1, [] {
    std::signal(SIGTERM, SIG_DFL);  // Catch2 handles it
    ::raise(SIGTERM);
    return 0;
  });
  CHECK(pool.wait().signal == SIGTERM);
}

TEST_CASE("child pool: a signal that asks the parent to end ends all children, then the parent") {
  int beat[2];
  REQUIRE(::pipe(beat) == 0);
  const auto begin = std::chrono::steady_clock::now();
  const auto end = continue_in_child({});
  if (!end) {
    std::signal(SIGTERM, SIG_DFL);  // Catch2 handles it
    ::close(beat[0]);
    ChildPool pool(2);
    for (const size_t id : {0, 1}) {
      pool.start(id, [] {
        sleep_ms(60000);
        return 0;
      });
    }
    ::close(beat[1]);
    ::kill(::getpid(), SIGTERM);
    pool.wait();
    ::_exit(0);
  }
  CHECK(end->kind == ChildEnd::Kind::kSignalled);
  CHECK(end->signal == SIGTERM);
  // The children held the pipe open; it ends with them.
  ::close(beat[1]);
  char byte = 0;
  CHECK(::read(beat[0], &byte, 1) == 0);
  ::close(beat[0]);
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(30));
}

}  // namespace bertjit
