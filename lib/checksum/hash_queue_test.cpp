#include "checksum/hash_queue.h"

#include <sys/stat.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "testing/testing.h"

namespace bertjit {

namespace {

struct Fixture {
  testing::TempDir folder;
  std::istringstream standard_input;
  std::ostringstream err;
  Progress progress{err, {}};
  std::vector<std::string> delivered;

  std::string write(const std::string& name, size_t size) {
    testing::write_bytes(folder / name, std::string(size, name.back()));
    return folder / name;
  }
  void hash(HashQueue& queue, const std::string& name) {
    queue.hash(name, [this, name](const HashOutcome& outcome) {
      delivered.push_back(name + ": " + (outcome.problem.empty() ? to_hex(outcome.digest) : outcome.problem));
    });
  }
  std::string expected(const std::string& path) const {
    return path + ": " + to_hex(hash_file(path));
  }
};

/// Remembers which threads called it.
struct Spy {
  std::mutex mutex;
  std::set<std::thread::id> threads;

  HashFile function() {
    return [this](const std::string& name, const CountBytes& count) {
      {
        const std::lock_guard lock(mutex);
        threads.insert(std::this_thread::get_id());
      }
      return hash_named_file(name, count);
    };
  }
  bool only_here() const {
    return threads == std::set{std::this_thread::get_id()};
  }
};

}  // namespace

TEST_CASE_METHOD(Fixture, "hash queue: answers come in the order of the files, however their sizes differ") {
  std::vector<std::string> expected_all;
  for (const int threads : {1, 2, 5}) {
    delivered.clear();
    expected_all.clear();
    HashQueue queue({.threads = threads}, standard_input, progress);
    for (int i = 0; i < 60; ++i) {
      const std::string path = write("file" + std::to_string(i), i % 7 == 0 ? 3'000'000 : i);
      expected_all.push_back(expected(path));
      hash(queue, path);
      if (i % 10 == 0) {
        expected_all.push_back("between");
        queue.pass([this] { delivered.push_back("between"); });
      }
    }
    queue.drain();
    CHECK(delivered == expected_all);
  }
}

TEST_CASE_METHOD(Fixture, "hash queue: no thread is started for one file, nor for a few small ones") {
  Spy spy;
  {
    HashQueue queue({.threads = 4, .hash = spy.function()}, standard_input, progress);
    hash(queue, write("large", 3'000'000));
    queue.drain();
  }
  CHECK(spy.only_here());
  {
    HashQueue queue({.threads = 4, .hash = spy.function()}, standard_input, progress);
    for (int i = 0; i < 20; ++i) {
      hash(queue, write("small" + std::to_string(i), 1000));
    }
    queue.drain();
  }
  CHECK(spy.only_here());
}

TEST_CASE_METHOD(Fixture, "hash queue: large files and many files are hashed by as many threads as are allowed") {
  for (const size_t size : {2'000'000, 100}) {
    Spy spy;
    HashQueue queue({.threads = 3, .hash = spy.function()}, standard_input, progress);
    for (int i = 0; i < 200; ++i) {
      hash(queue, write("file" + std::to_string(i % 10), size));
    }
    queue.drain();
    CHECK(spy.threads.size() <= 3);
    CHECK_FALSE(spy.threads.contains(std::this_thread::get_id()));
  }
}

TEST_CASE_METHOD(Fixture, "hash queue: standard input is read when its turn comes, and only once") {
  standard_input.str("abc");
  HashQueue queue({.threads = 4}, standard_input, progress);
  const std::string first = write("a", 3'000'000);
  const std::string last = write("b", 3'000'000);
  hash(queue, first);
  hash(queue, "-");
  hash(queue, last);
  hash(queue, "-");
  queue.drain();
  const std::string abc = "abc";
  CHECK(delivered == std::vector{expected(first), "-: " + to_hex(hash_bytes(std::as_bytes(std::span(abc)))),
                                 expected(last), "-: " + to_hex(hash_bytes({}))});
}

TEST_CASE_METHOD(Fixture, "hash queue: pipes are read one after the other, in their order") {
  const std::string first = folder / "first";
  const std::string second = folder / "second";
  REQUIRE(::mkfifo(first.c_str(), 0600) == 0);
  REQUIRE(::mkfifo(second.c_str(), 0600) == 0);
  std::atomic<bool> first_closed = false;
  // This writer would wait for ever if the second were wanted first.
  std::thread writer([&] {
    std::ofstream(first) << std::string(200'000, 'x');
    first_closed = true;
    std::ofstream(second) << "y";
  });
  {
    HashQueue queue({.threads = 4}, standard_input, progress);
    hash(queue, first);
    hash(queue, second);
    queue.drain();
  }
  writer.join();
  CHECK(first_closed);
  const std::string text(200'000, 'x');
  CHECK(delivered.at(0) == first + ": " + to_hex(hash_bytes(std::as_bytes(std::span(text)))));
}

TEST_CASE_METHOD(Fixture, "hash queue: a file that cannot be read has its reason, and absent ones are told apart") {
  HashQueue queue({.threads = 2}, standard_input, progress);
  std::vector<bool> absent;
  for (const std::string& name : {(folder / "none").string(), folder.path().string()}) {
    queue.hash(name, [&](const HashOutcome& outcome) {
      absent.push_back(outcome.absent);
      delivered.push_back(outcome.problem);
    });
  }
  queue.drain();
  CHECK(delivered == std::vector<std::string>{"No such file or directory", "Is a directory"});
  CHECK(absent == std::vector{true, false});
}

TEST_CASE_METHOD(Fixture, "hash queue: what a digest throws is that file's problem") {
  const HashFile fails = [](const std::string&, const CountBytes&) -> HashOutcome {
    throw std::runtime_error("no digest");
  };
  HashQueue queue({.threads = 2, .hash = fails}, standard_input, progress);
  hash(queue, write("file", 10));
  queue.drain();
  CHECK(delivered == std::vector{(folder / "file").string() + ": no digest"});
}

TEST_CASE_METHOD(Fixture, "hash queue: what was not asked for is dropped") {
  {
    HashQueue queue({.threads = 2}, standard_input, progress);
    for (int i = 0; i < 100; ++i) {
      hash(queue, write("file", 100'000));
    }
  }
  CHECK(delivered.size() <= 100);
}

}  // namespace bertjit
