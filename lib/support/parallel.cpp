#include "support/parallel.h"

#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace bertjit {

int count_threads(int asked) {
  if (asked > 0) {
    return asked;
  }
  cpu_set_t cores;
  CPU_ZERO(&cores);
  return std::max(1, ::sched_getaffinity(0, sizeof cores, &cores) == 0
                         ? CPU_COUNT(&cores)
                         : static_cast<int>(std::thread::hardware_concurrency()));
}

void for_each_index(size_t count, int threads, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  size_t failed_at = count;
  std::exception_ptr failure;
  const auto run = [&] {
    for (size_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < failed_at) {
          failed_at = i;
          failure = std::current_exception();
        }
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> helpers;
    for (size_t i = 1; i < count && i < static_cast<size_t>(threads); ++i) {
      helpers.emplace_back(run);
    }
    run();
  }
  if (failure) {
    std::rethrow_exception(failure);
  }
}

}  // namespace bertjit
