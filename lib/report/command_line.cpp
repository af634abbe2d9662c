#include "report/command_line.h"

#include <string_view>

namespace bertjit {

namespace {

/// What no POSIX shell gives a meaning, anywhere in a word.
bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("_@%+=:,./-").find(c) != std::string_view::npos;
}

std::string quoted(const std::string& word) {
  bool plain = !word.empty();
  std::string result = "'";
  for (const char c : word) {
    plain = plain && is_plain(c);
    result += c == '\'' ? "'\\''" : std::string(1, c);
  }
  return plain ? word : result + "'";
}

}  // namespace

std::string command_line(const std::vector<std::string>& arguments) {
  std::string line = "bertjit";
  for (const std::string& argument : arguments) {
    line += " " + quoted(argument);
  }
  return line;
}

}  // namespace bertjit
