#include "support/deep_stack.h"

#include <pthread.h>

#include <cstdint>
#include <exception>

namespace bertjit {

namespace {

struct Task {
  const std::function<void()>* work;
  std::exception_ptr failure;
};

void* run_task(void* argument) {
  auto* const task = static_cast<Task*>(argument);
  try {
    (*task->work)();
  } catch (...) {
    task->failure = std::current_exception();
  }
  return nullptr;
}

}  // namespace

void run_with_stack(size_t size_bytes, const std::function<void()>& work) {
  Task task{&work, nullptr};
  pthread_attr_t attributes;
  pthread_t thread{};
  pthread_attr_init(&attributes);
  const bool started = pthread_attr_setstacksize(&attributes, size_bytes) == 0 &&
                       pthread_create(&thread, &attributes, run_task, &task) == 0;
  pthread_attr_destroy(&attributes);
  if (!started) {
    work();
    return;
  }
  pthread_join(thread, nullptr);
  if (task.failure) {
    std::rethrow_exception(task.failure);
  }
}

size_t stack_left() {
  pthread_attr_t attributes;
  if (pthread_getattr_np(pthread_self(), &attributes) != 0) {
    return 0;
  }
  void* lowest = nullptr;
  size_t size = 0;
  pthread_attr_getstack(&attributes, &lowest, &size);
  pthread_attr_destroy(&attributes);
  const char here = 0;
  return static_cast<size_t>(reinterpret_cast<uintptr_t>(&here) - reinterpret_cast<uintptr_t>(lowest));
}

}  // namespace bertjit
