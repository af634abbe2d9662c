#include "support/progress.h"

#include <sstream>
#include <thread>
#include <vector>

#include "testing/testing.h"

namespace bertjit {

namespace {

using namespace std::chrono_literals;

/// A bar on a terminal of 80 columns whose clock stands until it is turned.
struct Watch {
  Progress::Clock::time_point time{1h};
  std::ostringstream err;
  Progress progress{err, {.shown = true, .width = 80, .now = [this] { return time; }}};

  std::string after(std::chrono::milliseconds wait, uint64_t amount) {
    err.str("");
    time += wait;
    progress.advance(amount);
    return err.str();
  }
};

}  // namespace

TEST_CASE("progress: byte counts have three digits") {
  CHECK(format_byte_count(0) == "0 B");
  CHECK(format_byte_count(999) == "999 B");
  CHECK(format_byte_count(1000) == "1.00 kB");
  CHECK(format_byte_count(9994) == "9.99 kB");
  CHECK(format_byte_count(9999) == "10.0 kB");
  CHECK(format_byte_count(99949) == "99.9 kB");
  CHECK(format_byte_count(99960) == "100 kB");
  CHECK(format_byte_count(999'600) == "1.00 MB");
  CHECK(format_byte_count(440e6) == "440 MB");
  CHECK(format_byte_count(4.5e9) == "4.50 GB");
  CHECK(format_byte_count(2e20) == "200 EB");
}

TEST_CASE("progress: a line says how much, how fast and how long still") {
  const ProgressState state{.done = 1'300'000'000, .total = 4'500'000'000, .per_second = 812e6, .unit = ""};
  CHECK(render_progress(state, 79) == "[########----------------------]  28%  1.30 GB of 4.50 GB  812 MB/s  4 s left");
  CHECK(render_progress({.done = 30, .total = 408, .per_second = 2.5, .unit = "pairs"}, 79) ==
        "[##----------------------------]   7%  30 of 408 pairs  2.5/s  2:32 min left");
  CHECK(render_progress({.done = 1, .total = 1'000'000, .per_second = 100, .unit = "lines"}, 60) ==
        "[------------]   0%  1 of 1000000 lines  100/s  2:46 h left");
}

TEST_CASE("progress: without a total there is no bar, percentage or time left") {
  CHECK(render_progress({.done = 5'000'000, .per_second = 1e6}, 79) == "5.00 MB  1.00 MB/s");
  CHECK(render_progress({.done = 5'000'000}, 79) == "5.00 MB");
}

TEST_CASE("progress: on a narrow terminal the bar goes first, then what stands on the right") {
  const ProgressState state{.done = 1'300'000'000, .total = 4'500'000'000, .per_second = 812e6, .unit = ""};
  CHECK(render_progress(state, 50) == " 28%  1.30 GB of 4.50 GB  812 MB/s  4 s left");
  CHECK(render_progress(state, 38) == " 28%  1.30 GB of 4.50 GB  812 MB/s");
  CHECK(render_progress(state, 10) == " 28%");
  CHECK(render_progress(state, 3).empty());
}

TEST_CASE("progress: more than the total is still not more than all") {
  CHECK(render_progress({.done = 300, .total = 100, .per_second = 10, .unit = "lines"}, 44) ==
        "[############] 100%  300 of 100 lines  10/s");
}

TEST_CASE("progress: work that is over within a second gets no bar") {
  Watch watch;
  watch.progress.add_total(1000);
  CHECK(watch.after(600ms, 500).empty());
  CHECK(watch.after(200ms, 300).empty());
  CHECK(watch.after(200ms, 200).empty());
}

TEST_CASE("progress: long work gets one after half a second, at most ten times a second") {
  Watch watch;
  watch.progress.add_total(10'000);
  CHECK(watch.after(400ms, 400).empty());
  CHECK(watch.after(200ms, 200) ==
        "\r[#-----------------------------]   6%  600 B of 10.0 kB  1.00 kB/s  10 s left\x1b[K");
  CHECK(watch.after(50ms, 50).empty());
  CHECK(watch.after(50ms, 50).find("  7%") != std::string::npos);
}

TEST_CASE("progress: the rate is that of the last seconds") {
  Watch watch;
  watch.progress.add_total(1'000'000'000);
  for (int i = 0; i < 60; ++i) {
    watch.after(100ms, 100'000);
  }
  std::string last;
  for (int i = 0; i < 60; ++i) {
    last = watch.after(100ms, 500'000);
  }
  CHECK(last.find("5.00 MB/s") != std::string::npos);
}

TEST_CASE("progress: the bar is off the terminal while other lines are written, and at the end") {
  Watch watch;
  watch.progress.add_total(10'000);
  watch.after(600ms, 600);
  watch.err.str("");
  {
    const Progress::Pause pause(watch.progress);
    CHECK(watch.err.str() == "\r\x1b[K");
    // Nobody draws meanwhile, and nobody waits.
    CHECK(watch.after(200ms, 100).empty());
  }
  CHECK_FALSE(watch.after(200ms, 100).empty());

  std::ostringstream err;
  Progress::Clock::time_point time{1h};
  {
    Progress progress(err, {.shown = true, .width = 80, .now = [&] { return time; }});
    progress.add_total(100'000);
    time += 1s;
    progress.advance(1000);
    REQUIRE_FALSE(err.str().empty());
  }
  CHECK(err.str().ends_with("\r\x1b[K"));
}

TEST_CASE("progress: without a terminal nothing is written") {
  std::ostringstream err;
  Progress::Clock::time_point time{1h};
  {
    Progress progress(err, {.now = [&] { return time; }});
    progress.add_total(100'000);
    time += 10s;
    progress.advance(1000);
    const Progress::Pause pause(progress);
  }
  CHECK(err.str().empty());
}

TEST_CASE("progress: several threads count into one bar, and nothing they count is lost") {
  std::ostringstream err;
  std::atomic<Progress::Clock::rep> time = 0;
  const auto now = [&] { return Progress::Clock::time_point(Progress::Clock::duration(time.load())); };
  Progress progress(err, {.shown = true, .unit = "steps", .width = 80, .now = now});
  progress.add_total(4'000'000);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int step = 0; step < 10'000; ++step) {
        time += Progress::Clock::duration(100us).count();
        progress.advance(1);
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  err.str("");
  time += Progress::Clock::duration(1s).count();
  progress.advance(0);
  CHECK(err.str().find("40000 of 4000000 steps") != std::string::npos);
}

}  // namespace bertjit
