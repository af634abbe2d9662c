// Work on several threads whose results come back in the order in which it was given.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace bertjit {

/// With one thread the work is done by submit() itself. All member functions are for one thread, the owner's.
template <typename Task, typename Result>
class OrderedWorkers {
 public:
  /// `work` is called from several threads at once.
  OrderedWorkers(int threads, std::function<Result(const Task&)> work) : work_(std::move(work)) {
    for (int i = 0; threads > 1 && i < threads; ++i) {
      threads_.emplace_back([this] { run(); });
    }
  }

  /// Waits for what is being worked on; what was not begun is dropped.
  ~OrderedWorkers() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    given_.notify_all();
    for (std::thread& thread : threads_) {
      thread.join();
    }
  }
  OrderedWorkers(const OrderedWorkers&) = delete;
  OrderedWorkers& operator=(const OrderedWorkers&) = delete;

  void submit(Task task) {
    auto job = std::make_shared<Job>();
    job->task = std::move(task);
    jobs_.push_back(job);
    if (threads_.empty()) {
      perform(*job);
      return;
    }
    {
      const std::lock_guard lock(mutex_);
      waiting_.push_back(job);
    }
    given_.notify_one();
  }

  /// Tasks whose results were not taken.
  size_t size() const {
    return jobs_.size();
  }

  /// The result of the oldest task; waits for it. Throws what `work` threw. There must be one.
  Result take() {
    const std::shared_ptr<Job> job = std::move(jobs_.front());
    jobs_.pop_front();
    {
      std::unique_lock lock(mutex_);
      done_.wait(lock, [&] { return job->done; });
    }
    if (job->error) {
      std::rethrow_exception(job->error);
    }
    return std::move(job->result);
  }

 private:
  struct Job {
    Task task;
    Result result;
    std::exception_ptr error;
    bool done = false;  ///< guarded by mutex_
  };

  void perform(Job& job) {
    try {
      job.result = work_(job.task);
    } catch (...) {
      job.error = std::current_exception();
    }
    {
      const std::lock_guard lock(mutex_);
      job.done = true;
    }
    done_.notify_one();
  }

  void run() {
    for (;;) {
      std::shared_ptr<Job> job;
      {
        std::unique_lock lock(mutex_);
        given_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
        if (stopping_) {
          return;
        }
        job = std::move(waiting_.front());
        waiting_.pop_front();
      }
      perform(*job);
    }
  }

  std::function<Result(const Task&)> work_;
  std::deque<std::shared_ptr<Job>> jobs_;  ///< in order; the owner's alone
  std::mutex mutex_;
  std::condition_variable given_;
  std::condition_variable done_;
  std::deque<std::shared_ptr<Job>> waiting_;  ///< guarded by mutex_, as is stopping_
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace bertjit
