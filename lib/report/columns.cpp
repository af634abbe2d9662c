#include "report/columns.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace bertjit {

namespace {

constexpr size_t kLineWidth = 100;

}  // namespace

std::string grouped(uint64_t number) {
  std::string text = std::to_string(number);
  for (int64_t i = static_cast<int64_t>(text.size()) - 3; i > 0; i -= 3) {
    text.insert(static_cast<size_t>(i), ",");
  }
  return text;
}

std::string number_text(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string rounded_text(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

std::string grouped_count(uint64_t number, const std::string& noun) {
  return grouped(number) + " " + noun + (number == 1 ? "" : "s");
}

void print_columns(const std::vector<std::vector<std::string>>& rows, const std::vector<Align>& aligns,
                   const std::string& indent, std::ostream& out) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  for (const auto& row : rows) {
    std::string line = indent;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool is_right = i < aligns.size() && aligns[i] == Align::kRight;
      line += (i == 0 ? "" : "  ") + (is_right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out << line << "\n";
  }
}

void print_wrapped(const std::string& head, const std::vector<std::string>& words, std::ostream& out) {
  std::string line = head;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i] + (i + 1 < words.size() ? "," : "");
    const bool is_first = line.size() == head.size();
    if (!is_first && line.size() + 1 + word.size() > kLineWidth) {
      out << line << "\n";
      line = std::string(head.size(), ' ') + word;
    } else {
      line += (is_first ? "" : " ") + word;
    }
  }
  out << line << "\n";
}

}  // namespace bertjit
