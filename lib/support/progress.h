// A bar for work that takes a while: how much is done, how fast, and how long it will still take.
//
//   [########--------------------]  29%  1.3 GB of 4.5 GB  812 MB/s  4 s left
//
// It is for people at a terminal. Whoever makes one decides whether there is a terminal (progress_wanted), and work
// that would be over within a second gets none.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <ostream>
#include <string>

namespace bertjit {

/// What a bar shows at one moment.
struct ProgressState {
  uint64_t done = 0;
  uint64_t total = 0;     ///< 0: unknown; then there is neither a bar nor a time left
  double per_second = 0;  ///< 0: unknown
  std::string unit;       ///< a noun in the plural ("pairs"); empty for bytes
};

/// One line of at most `width` columns, without a line end; what does not fit is left out from the right, the bar
/// first.
std::string render_progress(const ProgressState& state, size_t width);

/// Bytes in three digits: "999 B", "1.02 kB", "812 MB", "4.50 GB" (powers of 1000).
std::string format_byte_count(double bytes);

/// Whether a person watches standard error: a terminal that can redraw a line.
bool progress_wanted();

/// Counts from any thread; draws at most ten times a second, from whichever thread counts.
class Progress {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    bool shown = false;  ///< false: nothing is ever drawn, and counting costs next to nothing
    std::string unit;    ///< as in ProgressState
    /// Columns of the terminal; 0 asks the terminal behind standard error, and takes 80 if it does not say.
    size_t width = 0;
    /// Tests turn the clock by hand.
    std::function<Clock::time_point()> now = [] { return Clock::now(); };
  };

  /// `err` must outlive this.
  Progress(std::ostream& err, Options options);
  /// Takes the bar off.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  bool shown() const {
    return options_.shown;
  }
  /// More work is known of.
  void add_total(uint64_t amount);
  /// That much more is done.
  void advance(uint64_t amount);

  /// While it lives there is no bar on the terminal, so that lines can be written to it.
  class Pause {
   public:
    explicit Pause(Progress& progress);

   private:
    std::unique_lock<std::mutex> lock_;
  };

 private:
  struct Sample {
    Clock::time_point at;
    uint64_t done;
  };

  void draw(Clock::time_point now);
  void erase();
  double rate(Clock::time_point now) const;

  std::ostream& err_;
  Options options_;
  Clock::time_point begin_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<uint64_t> total_ = 0;
  std::atomic<Clock::rep> next_draw_;
  std::mutex mutex_;            ///< guards all below, and the terminal
  std::deque<Sample> samples_;  ///< of the last seconds, for the rate
  bool begun_ = false;          ///< the work has turned out to be long
  bool drawn_ = false;          ///< the bar is on the terminal now
};

}  // namespace bertjit
