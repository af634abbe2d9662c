#include "diff/line_diff.h"

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

namespace bertjit {

namespace {

using Lines = std::vector<std::string_view>;

constexpr size_t kContext = 3;
constexpr int64_t kMaxDistance = 4000;  ///< memory is a number for each distance and each diagonal: 64 MB

Lines split_lines(std::string_view text) {
  Lines lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

/// What became of one line of either text.
struct Step {
  char mark;  ///< ' ', '-', '+'
  size_t a, b;
};

/// The farthest x on each diagonal k = x - y, for every number of changes; the last one reached the end.
std::vector<std::vector<int32_t>> forward_paths(const Lines& a, const Lines& b) {
  const auto n = static_cast<int64_t>(a.size());
  const auto m = static_cast<int64_t>(b.size());
  std::vector<std::vector<int32_t>> history;
  for (int64_t d = 0; d <= std::min(n + m, kMaxDistance); ++d) {
    std::vector<int32_t> reach(static_cast<size_t>(2 * d + 1), -1);
    for (int64_t k = -d; k <= d; k += 2) {
      const auto at = [&](int64_t diagonal) {
        const int64_t i = diagonal + d - 1;
        return d == 0 || i < 0 || i >= 2 * d - 1 ? int64_t{-1} : int64_t{history.back()[static_cast<size_t>(i)]};
      };
      const bool down = d > 0 && (k == -d || (k != d && at(k - 1) < at(k + 1)));
      const int64_t from = d == 0 ? 0 : at(down ? k + 1 : k - 1);
      int64_t x = from + (d == 0 || down ? 0 : 1);
      int64_t y = x - k;
      if (from < 0 || x > n || y > m) {
        continue;
      }
      while (x < n && y < m && a[static_cast<size_t>(x)] == b[static_cast<size_t>(y)]) {
        ++x;
        ++y;
      }
      reach[static_cast<size_t>(k + d)] = static_cast<int32_t>(x);
      if (x == n && y == m) {
        history.push_back(std::move(reach));
        return history;
      }
    }
    history.push_back(std::move(reach));
  }
  return {};
}

/// Walks back from the end.
std::vector<Step> backtrack(const std::vector<std::vector<int32_t>>& history, const Lines& a, const Lines& b) {
  std::vector<Step> steps;
  auto x = static_cast<int64_t>(a.size());
  auto y = static_cast<int64_t>(b.size());
  for (auto d = static_cast<int64_t>(history.size()) - 1; d >= 0; --d) {
    const int64_t k = x - y;
    int64_t from_x = 0;
    bool down = false;
    if (d > 0) {
      const auto& before = history[static_cast<size_t>(d - 1)];
      const auto at = [&](int64_t diagonal) {
        const int64_t i = diagonal + d - 1;
        return i < 0 || i >= 2 * d - 1 ? int64_t{-1} : int64_t{before[static_cast<size_t>(i)]};
      };
      down = k == -d || (k != d && at(k - 1) < at(k + 1));
      from_x = down ? at(k + 1) : at(k - 1) + 1;
    }
    while (x > from_x) {
      --x;
      --y;
      steps.push_back({' ', static_cast<size_t>(x), static_cast<size_t>(y)});
    }
    if (d > 0) {
      down ? --y : --x;
      steps.push_back({down ? '+' : '-', static_cast<size_t>(x), static_cast<size_t>(y)});
    }
  }
  std::reverse(steps.begin(), steps.end());
  return steps;
}

std::vector<Step> replace_all(const Lines& a, const Lines& b) {
  std::vector<Step> steps;
  for (size_t i = 0; i < a.size(); ++i) {
    steps.push_back({'-', i, 0});
  }
  for (size_t i = 0; i < b.size(); ++i) {
    steps.push_back({'+', a.size(), i});
  }
  return steps;
}

/// All steps from the first line to the last.
std::vector<Step> edit_script(const Lines& a, const Lines& b) {
  size_t head = 0;
  while (head < a.size() && head < b.size() && a[head] == b[head]) {
    ++head;
  }
  size_t tail = 0;
  while (head + tail < a.size() && head + tail < b.size() && a[a.size() - 1 - tail] == b[b.size() - 1 - tail]) {
    ++tail;
  }
  const Lines inner_a(a.begin() + static_cast<std::ptrdiff_t>(head), a.end() - static_cast<std::ptrdiff_t>(tail));
  const Lines inner_b(b.begin() + static_cast<std::ptrdiff_t>(head), b.end() - static_cast<std::ptrdiff_t>(tail));
  std::vector<Step> steps;
  for (size_t i = 0; i < head; ++i) {
    steps.push_back({' ', i, i});
  }
  const auto history = forward_paths(inner_a, inner_b);
  for (const Step& step : history.empty() ? replace_all(inner_a, inner_b) : backtrack(history, inner_a, inner_b)) {
    steps.push_back({step.mark, step.a + head, step.b + head});
  }
  for (size_t i = tail; i > 0; --i) {
    steps.push_back({' ', a.size() - i, b.size() - i});
  }
  return steps;
}

/// "3,4"; diff leaves out a count of 1, and names the line before where there is none.
std::string range_text(size_t first, size_t count) {
  const size_t line = count == 0 ? first : first + 1;
  return std::to_string(line) + (count == 1 ? "" : "," + std::to_string(count));
}

std::string hunk_text(const std::vector<Step>& steps, size_t begin, size_t end, const Lines& a, const Lines& b) {
  size_t count_a = 0;
  size_t count_b = 0;
  std::string body;
  for (size_t i = begin; i < end; ++i) {
    const Step& step = steps[i];
    count_a += step.mark != '+';
    count_b += step.mark != '-';
    body += step.mark;
    body += step.mark == '+' ? b[step.b] : a[step.a];
    body += '\n';
  }
  return "@@ -" + range_text(steps[begin].a, count_a) + " +" + range_text(steps[begin].b, count_b) + " @@\n" + body;
}

}  // namespace

LineDiff diff_texts(const std::string& first, const std::string& second) {
  const Lines a = split_lines(first);
  const Lines b = split_lines(second);
  const auto steps = edit_script(a, b);
  LineDiff result;
  size_t written = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    if (steps[i].mark == ' ') {
      continue;
    }
    // The hunk ends where more equal lines follow than two contexts hold.
    const size_t begin = std::max(written, i < kContext ? 0 : i - kContext);
    size_t last = i;
    for (size_t j = i; j < steps.size() && j <= last + 2 * kContext; ++j) {
      if (steps[j].mark != ' ') {
        last = j;
        result.removed += steps[j].mark == '-';
        result.added += steps[j].mark == '+';
      }
    }
    const size_t end = std::min(steps.size(), last + kContext + 1);
    result.text += hunk_text(steps, begin, end, a, b);
    written = end;
    i = end - 1;
  }
  return result;
}

}  // namespace bertjit
