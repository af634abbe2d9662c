#include "support/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace bertjit {

namespace {

using std::chrono::milliseconds;

constexpr auto kBetweenDraws = milliseconds(100);
/// Before this much time nothing is known of the rate, and most work is over.
constexpr auto kBeforeFirst = milliseconds(500);
/// Work that has less than this left gets no bar.
constexpr double kWorthShowingSeconds = 1;
/// Short enough to follow a change, long enough for a steady figure.
constexpr auto kRateWindow = milliseconds(5000);
constexpr size_t kDefaultWidth = 80;
constexpr size_t kLongestBar = 30;
constexpr size_t kShortestBar = 10;

std::string format_amount(double amount, const std::string& unit) {
  if (unit.empty()) {
    return format_byte_count(amount);
  }
  char text[32];
  std::snprintf(text, sizeof text, amount < 10 && amount != std::floor(amount) ? "%.1f" : "%.0f", amount);
  return text;
}

std::string format_duration(double seconds) {
  const auto whole = static_cast<uint64_t>(std::ceil(seconds));
  char text[48];
  if (whole < 60) {
    std::snprintf(text, sizeof text, "%d s", static_cast<int>(whole));
  } else if (whole < 3600) {
    std::snprintf(text, sizeof text, "%d:%02d min", static_cast<int>(whole / 60), static_cast<int>(whole % 60));
  } else {
    std::snprintf(text, sizeof text, "%llu:%02d h", static_cast<unsigned long long>(whole / 3600),
                  static_cast<int>(whole / 60 % 60));
  }
  return text;
}

std::vector<std::string> describe(const ProgressState& state) {
  std::vector<std::string> parts;
  const std::string noun = state.unit.empty() ? "" : " " + state.unit;
  const auto done = static_cast<double>(state.done);
  const auto total = static_cast<double>(state.total);
  if (state.total > 0) {
    char percent[16];
    std::snprintf(percent, sizeof percent, "%3d%%", static_cast<int>(std::min(1.0, done / total) * 100));
    parts.push_back(percent);
    parts.push_back(format_amount(done, state.unit) + " of " + format_amount(total, state.unit) + noun);
  } else {
    parts.push_back(format_amount(done, state.unit) + noun);
  }
  if (state.per_second > 0) {
    parts.push_back(format_amount(state.per_second, state.unit) + "/s");
    if (state.total > state.done) {
      parts.push_back(format_duration((total - done) / state.per_second) + " left");
    }
  }
  return parts;
}

size_t terminal_width() {
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : kDefaultWidth;
}

}  // namespace

std::string format_byte_count(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  size_t unit = 0;
  // 999.5 would be written as 1000.
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  const int decimals = unit == 0 || bytes >= 99.95 ? 0 : bytes >= 9.995 ? 1 : 2;
  char text[48];
  std::snprintf(text, sizeof text, "%.*f %s", decimals, bytes, kUnits[unit]);
  return text;
}

std::string render_progress(const ProgressState& state, size_t width) {
  std::string line;
  for (const std::string& part : describe(state)) {
    const std::string more = (line.empty() ? "" : "  ") + part;
    if (line.size() + more.size() > width) {
      break;
    }
    line += more;
  }
  const size_t around_bar = std::string_view("[]  ").size();
  if (state.total == 0 || line.size() + around_bar + kShortestBar > width) {
    return line;
  }
  const size_t bar = std::min(kLongestBar, width - line.size() - around_bar);
  const double part = std::min(1.0, static_cast<double>(state.done) / static_cast<double>(state.total));
  const auto full = static_cast<size_t>(part * static_cast<double>(bar));
  return "[" + std::string(full, '#') + std::string(bar - full, '-') + "] " + line;
}

bool progress_wanted() {
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && !(terminal != nullptr && std::string_view(terminal) == "dumb");
}

Progress::Progress(std::ostream& err, Options options)
    : err_(err),
      options_(std::move(options)),
      begin_(options_.shown ? options_.now() : Clock::time_point()),
      next_draw_((begin_ + kBeforeFirst).time_since_epoch().count()) {
  if (options_.shown) {
    samples_.push_back({begin_, 0});
  }
}

Progress::~Progress() {
  erase();
}

void Progress::add_total(uint64_t amount) {
  total_.fetch_add(amount, std::memory_order_relaxed);
}

void Progress::advance(uint64_t amount) {
  if (!options_.shown) {
    return;
  }
  done_.fetch_add(amount, std::memory_order_relaxed);
  const Clock::time_point now = options_.now();
  auto due = next_draw_.load(std::memory_order_relaxed);
  if (now.time_since_epoch().count() < due) {
    return;
  }
  // One thread draws; the others, and one that meets a Pause, go on with their work.
  if (!next_draw_.compare_exchange_strong(due, (now + kBetweenDraws).time_since_epoch().count())) {
    return;
  }
  const std::unique_lock lock(mutex_, std::try_to_lock);
  if (lock) {
    draw(now);
  }
}

double Progress::rate(Clock::time_point now) const {
  const double seconds = std::chrono::duration<double>(now - samples_.front().at).count();
  const uint64_t done = done_.load(std::memory_order_relaxed) - samples_.front().done;
  return seconds > 0 ? static_cast<double>(done) / seconds : 0;
}

void Progress::draw(Clock::time_point now) {
  samples_.push_back({now, done_.load(std::memory_order_relaxed)});
  while (samples_.size() > 2 && samples_.front().at + kRateWindow < now) {
    samples_.pop_front();
  }
  const ProgressState state{.done = samples_.back().done,
                            .total = total_.load(std::memory_order_relaxed),
                            .per_second = rate(now),
                            .unit = options_.unit};
  if (!begun_) {
    const double left = static_cast<double>(state.total) - static_cast<double>(state.done);
    begun_ = state.total > 0 ? left >= kWorthShowingSeconds * state.per_second
                             : now - begin_ >= std::chrono::duration<double>(kWorthShowingSeconds);
  }
  if (!begun_) {
    return;
  }
  // The last column is left free: writing there moves some terminals to the next line.
  const size_t width = (options_.width > 0 ? options_.width : terminal_width()) - 1;
  err_ << '\r' << render_progress(state, width) << "\x1b[K" << std::flush;
  drawn_ = true;
}

void Progress::erase() {
  if (drawn_) {
    err_ << "\r\x1b[K" << std::flush;
    drawn_ = false;
  }
}

Progress::Pause::Pause(Progress& progress) {
  if (progress.options_.shown) {
    lock_ = std::unique_lock(progress.mutex_);
    progress.erase();
  }
}

}  // namespace bertjit
