// Files hashed on several threads, with the answers in the order in which the files were given.
//
// The owner's thread gives files and receives answers; it also reads, itself and only when their turn has come, what
// must not be read beside anything else: standard input, pipes, devices. Memory does not grow with files or their
// number: a fixed number of answers waits, and each thread reads into one buffer of its own.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <istream>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "checksum/sha512.h"
#include "support/progress.h"

namespace bertjit {

/// What came of hashing one file.
struct HashOutcome {
  Sha512Digest digest{};           ///< meaningless if there is a problem
  std::string problem;             ///< why there is no digest, most often in the system's words; empty if there is one
  bool absent = false;             ///< the problem is that there is no such file
  std::vector<std::string> notes;  ///< what was left out of the digest, or chosen; none with SHA-512
};

/// Hashes the file of that name. Called from several threads at once.
using HashFile = std::function<HashOutcome(const std::string& name, const CountBytes& count)>;

/// SHA-512 of a file's bytes.
HashOutcome hash_named_file(const std::string& name, const CountBytes& count);

class HashQueue {
 public:
  struct Options {
    int threads = 1;  ///< at least 1; none is started for one file, or for little work
    HashFile hash = hash_named_file;
  };

  /// `standard_input` serves files called "-". Both it and `progress`, told of every byte, must outlive this.
  HashQueue(Options options, std::istream& standard_input, Progress& progress);
  /// Waits for what is being hashed; what was not answered is dropped.
  ~HashQueue();
  HashQueue(const HashQueue&) = delete;
  HashQueue& operator=(const HashQueue&) = delete;

  /// Hashes `name` sooner or later. `deliver` is called by a later call of hash(), pass() or drain(), or by this one,
  /// after all that were given before.
  void hash(std::string name, std::function<void(const HashOutcome&)> deliver);
  /// Calls `deliver` when it is its turn.
  void pass(std::function<void()> deliver);
  /// Calls everything that was not called yet.
  void drain();

 private:
  struct Job {
    std::string name;
    std::function<void(const HashOutcome&)> deliver;
    bool alone = false;  ///< only the owner may read it, when its turn has come
    bool done = false;   ///< guarded by mutex_ once threads run
    HashOutcome outcome;
  };

  void add(std::shared_ptr<Job> job);
  bool worth_threads() const;
  void start_threads();
  void work();
  void deliver_front();
  bool front_is_ready();
  HashOutcome hash_now(const std::string& name);

  Options options_;
  std::istream& standard_input_;
  Progress& progress_;
  CountBytes count_;
  std::deque<std::shared_ptr<Job>> jobs_;  ///< not delivered, in order; the owner's
  size_t hashable_ = 0;                    ///< of jobs_ so far, those that any thread may hash
  uint64_t hashable_bytes_ = 0;

  std::mutex mutex_;  ///< guards what follows
  std::condition_variable given_;
  std::condition_variable done_;
  std::deque<std::shared_ptr<Job>> waiting_;
  size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;  ///< the owner's
};

}  // namespace bertjit
