#include "support/deep_stack.h"

#include <stdexcept>
#include <thread>

#include "testing/testing.h"

using namespace bertjit;

namespace {

// Each level keeps a kilobyte of its own.
size_t descend(size_t levels) {
  volatile char kept[1024] = {};
  kept[levels % sizeof kept] = 1;
  return levels == 0 ? 0 : descend(levels - 1) + static_cast<size_t>(kept[levels % sizeof kept]);
}

}  // namespace

TEST_CASE("deep stack: recursion that the process's own stack does not hold") {
  size_t reached = 0;
  run_with_stack(size_t{1} << 30, [&] { reached = descend(200'000); });
  CHECK(reached == 200'000);
}

TEST_CASE("deep stack: work is done before it returns, on a thread of its own, with the room it was given") {
  std::thread::id other;
  size_t room = 0;
  run_with_stack(size_t{64} << 20, [&] {
    other = std::this_thread::get_id();
    room = stack_left();
  });
  CHECK(other != std::this_thread::get_id());
  CHECK(room > size_t{63} << 20);
  CHECK(room <= size_t{64} << 20);
  CHECK(stack_left() > size_t{64} << 10);
}

TEST_CASE("deep stack: what the work throws is thrown here") {
  CHECK_THROWS_WITH(run_with_stack(size_t{1} << 20, [] { throw std::runtime_error("from below"); }), "from below");
}

TEST_CASE("deep stack: without room for the stack the work is done in place") {
  std::thread::id other;
  run_with_stack(size_t{1} << 62, [&] { other = std::this_thread::get_id(); });
  CHECK(other == std::this_thread::get_id());
}
