#include "scan/code_tokens.h"

#include <algorithm>

namespace bertjit {

namespace {

constexpr std::string_view kTypeComment = "# type:";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool begins_name(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

size_t quotes_of(std::string_view text) {
  return text.size() >= 3 && text[1] == text[0] && text[2] == text[0] ? 3 : 1;
}

/// Bytes of the string that `text` begins with; 0 if it does not end.
size_t string_size(std::string_view text) {
  const size_t quotes = quotes_of(text);
  const std::string_view closing = text.substr(0, quotes);
  for (size_t i = quotes; i + quotes <= text.size(); ++i) {
    if (text.substr(i, quotes) == closing) {
      return i + quotes;
    }
    if (text[i] == '\n' && quotes == 1) {
      return 0;
    }
    i += text[i] == '\\';
  }
  return 0;
}

/// No more than strtod takes: what it leaves is looked at as a name.
size_t number_size(std::string_view text) {
  size_t i = 0;
  while (i < text.size() && is_digit(text[i])) {
    ++i;
  }
  if (i < text.size() && text[i] == '.') {
    ++i;
    while (i < text.size() && is_digit(text[i])) {
      ++i;
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    size_t end = i + 1;
    end += end < text.size() && (text[end] == '+' || text[end] == '-');
    if (end < text.size() && is_digit(text[end])) {
      while (end < text.size() && is_digit(text[end])) {
        ++end;
      }
      i = end;
    }
  }
  return i;
}

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<CodeToken> run() {
    while (position_ < text_.size()) {
      step(text_[position_]);
    }
    return std::move(tokens_);
  }

 private:
  void step(char c) {
    const std::string_view rest = text_.substr(position_);
    if (c == '\n') {
      ++position_;
      if (depth_ == 0) {
        line_begins_ = true;
        line_start_ = position_;
      }
    } else if (is_blank(c) || (c == '\\' && rest.size() > 1 && rest[1] == '\n')) {
      position_ += c == '\\' ? 2 : 1;
    } else if (c == '#') {
      position_ += rest.starts_with(kTypeComment) ? kTypeComment.size() : std::min(rest.find('\n'), rest.size());
    } else if (begins_name(c)) {
      const auto end = std::ranges::find_if_not(rest, [](char n) { return begins_name(n) || is_digit(n); });
      add(CodeToken::Kind::kName, static_cast<size_t>(end - rest.begin()));
    } else if (is_digit(c) || (c == '.' && rest.size() > 1 && is_digit(rest[1]))) {
      add(CodeToken::Kind::kNumber, number_size(rest));
    } else if (const size_t size = c == '"' || c == '\'' ? string_size(rest) : 0; size > 0) {
      add(CodeToken::Kind::kString, size);
    } else {
      add(CodeToken::Kind::kOperator, 1);
      const bool opens = c == '(' || c == '[' || c == '{';
      const bool closes = c == ')' || c == ']' || c == '}';
      depth_ += opens;
      depth_ -= closes && depth_ > 0;
    }
  }

  void add(CodeToken::Kind kind, size_t size) {
    tokens_.push_back({.kind = kind,
                       .first = line_begins_,
                       .begin = static_cast<uint32_t>(position_),
                       .size = static_cast<uint32_t>(size),
                       .indent = static_cast<uint32_t>(position_ - line_start_)});
    line_begins_ = false;
    position_ += size;
  }

  std::string_view text_;
  std::vector<CodeToken> tokens_;
  size_t position_ = 0;
  size_t line_start_ = 0;
  bool line_begins_ = true;
  size_t depth_ = 0;
};

}  // namespace

std::vector<CodeToken> split_code_tokens(std::string_view text) {
  return Splitter(text).run();
}

std::string_view string_contents(std::string_view token) {
  const size_t quotes = quotes_of(token);
  return token.size() < 2 * quotes ? std::string_view() : token.substr(quotes, token.size() - 2 * quotes);
}

}  // namespace bertjit
