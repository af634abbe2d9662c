#include "checksum/hash_queue.h"

#include <sys/stat.h>

#include <algorithm>
#include <exception>
#include <system_error>

namespace bertjit {

namespace {

/// Answers that wait for an earlier one. Enough for the other threads to stay busy beside one very large file.
constexpr size_t kWindow = 4096;
/// Starting a thread takes as long as hashing some 50 kB.
constexpr uint64_t kBytesWorthThreads = 1u << 20;
constexpr size_t kFilesWorthThreads = 64;

struct FileSize {
  bool alone = false;
  uint64_t bytes = 0;
};

/// What does not exist or cannot be read costs nothing, and any thread can find that out.
FileSize size_up(const std::string& name) {
  struct stat status;
  if (name == "-") {
    return {.alone = true};
  }
  if (::stat(name.c_str(), &status) != 0 || S_ISDIR(status.st_mode)) {
    return {};
  }
  return {.alone = !S_ISREG(status.st_mode), .bytes = static_cast<uint64_t>(status.st_size)};
}

}  // namespace

HashOutcome hash_named_file(const std::string& name, const CountBytes& count) {
  std::error_code error;
  HashOutcome outcome{.digest = hash_file(name, error, count)};
  if (error) {
    outcome.problem = error.message();
    outcome.absent = error == std::errc::no_such_file_or_directory;
  }
  return outcome;
}

HashQueue::HashQueue(Options options, std::istream& standard_input, Progress& progress)
    : options_(std::move(options)), standard_input_(standard_input), progress_(progress) {
  if (progress.shown()) {
    count_ = [&progress](uint64_t bytes) { progress.advance(bytes); };
  }
}

HashQueue::~HashQueue() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  given_.notify_all();
  for (std::thread& thread : threads_) {
    thread.join();
  }
}

void HashQueue::hash(std::string name, std::function<void(const HashOutcome&)> deliver) {
  auto job = std::make_shared<Job>();
  job->name = std::move(name);
  job->deliver = std::move(deliver);
  if (options_.threads > 1) {
    const FileSize size = size_up(job->name);
    job->alone = size.alone;
    if (!size.alone) {
      ++hashable_;
      hashable_bytes_ += size.bytes;
    }
  }
  add(std::move(job));
}

void HashQueue::pass(std::function<void()> deliver) {
  auto job = std::make_shared<Job>();
  job->deliver = [deliver = std::move(deliver)](const HashOutcome&) { deliver(); };
  job->alone = true;
  job->done = true;
  add(std::move(job));
}

void HashQueue::add(std::shared_ptr<Job> job) {
  jobs_.push_back(job);
  if (!job->alone) {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(job));
  }
  if (options_.threads == 1) {
    drain();
    return;
  }
  if (worth_threads()) {
    start_threads();
  }
  given_.notify_one();
  while (!jobs_.empty() && (jobs_.size() >= kWindow || front_is_ready())) {
    deliver_front();
  }
}

bool HashQueue::worth_threads() const {
  return hashable_ >= kFilesWorthThreads || (hashable_ >= 2 && hashable_bytes_ >= kBytesWorthThreads);
}

/// One more for each file that waits and finds nobody, up to the number allowed, or to what the system allows.
void HashQueue::start_threads() {
  for (;;) {
    {
      const std::lock_guard lock(mutex_);
      if (threads_.size() >= static_cast<size_t>(options_.threads) || waiting_.size() <= idle_) {
        return;
      }
      ++idle_;
    }
    try {
      threads_.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      const std::lock_guard lock(mutex_);
      --idle_;
      options_.threads = std::max<int>(1, static_cast<int>(threads_.size()));
      return;
    }
  }
}

void HashQueue::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    given_.wait(lock, [this] { return stopping_ || !waiting_.empty(); });
    if (stopping_) {
      return;
    }
    const std::shared_ptr<Job> job = std::move(waiting_.front());
    waiting_.pop_front();
    --idle_;
    lock.unlock();
    HashOutcome outcome = hash_now(job->name);
    lock.lock();
    job->outcome = std::move(outcome);
    job->done = true;
    ++idle_;
    done_.notify_one();
  }
}

HashOutcome HashQueue::hash_now(const std::string& name) {
  if (name == "-") {
    std::error_code error;
    HashOutcome outcome{.digest = hash_stream(standard_input_, error, count_)};
    outcome.problem = error ? error.message() : "";
    return outcome;
  }
  try {
    return options_.hash(name, count_);
  } catch (const std::exception& error) {
    return {.problem = error.what()};
  }
}

bool HashQueue::front_is_ready() {
  if (jobs_.front()->alone) {
    return true;
  }
  const std::lock_guard lock(mutex_);
  return jobs_.front()->done;
}

void HashQueue::deliver_front() {
  const std::shared_ptr<Job> job = std::move(jobs_.front());
  jobs_.pop_front();
  bool mine = job->alone && !job->done;
  if (!job->alone) {
    std::unique_lock lock(mutex_);
    // Nobody else will do it if there are no threads; then it stands in front there too.
    if (threads_.empty()) {
      waiting_.pop_front();
      mine = true;
    } else {
      done_.wait(lock, [&] { return job->done; });
    }
  }
  if (mine) {
    job->outcome = hash_now(job->name);
  }
  job->deliver(job->outcome);
}

void HashQueue::drain() {
  while (!jobs_.empty()) {
    deliver_front();
  }
}

}  // namespace bertjit
