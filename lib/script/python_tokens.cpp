#include "script/python_tokens.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>
#include <utility>

namespace bertjit {

namespace {

bool starts_name(char c) {
  return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}

bool continues_name(char c) {
  return starts_name(c) || std::isdigit(static_cast<unsigned char>(c)) != 0;
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

// Longest first, so that `**=` is not `*` and `*=`.
constexpr std::array<std::string_view, 24> kOperators = {
    "**=", "//=", ">>=", "<<=", "...", "->", ":=", "==", "!=", "<=", ">=", "+=",
    "-=",  "*=",  "/=",  "%=",  "&=",  "|=", "^=", "@=", "**", "//", "<<", ">>"};

class Splitter {
 public:
  explicit Splitter(std::string_view text) : text_(text) {}

  std::vector<LogicalLine> split() {
    if (text_.substr(0, 3) == "\xEF\xBB\xBF") {
      at_ = 3;
    }
    start_line();
    while (at_ < text_.size()) {
      step();
    }
    end_line();
    return std::move(lines_);
  }

 private:
  char here(size_t ahead = 0) const {
    return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0';
  }

  void start_line() {
    indent_ = 0;
    characters_ = 0;
    while (here() == ' ' || here() == '\t' || here() == '\f') {
      indent_ = here() == '\t' ? (indent_ / 8 + 1) * 8 : here() == '\f' ? 0 : indent_ + 1;
      characters_ = here() == '\f' ? 0 : characters_ + 1;
      ++at_;
    }
  }

  void end_line() {
    if (!tokens_.empty()) {
      lines_.push_back({indent_, std::move(tokens_), false, check_indent()});
    }
    tokens_.clear();
  }

  // Python's rule: a line is deeper than another whatever a tab is worth, or the two are mixed inconsistently.
  const char* check_indent() {
    while (blocks_.size() > 1 && blocks_.back().first > indent_) {
      blocks_.pop_back();
    }
    const auto [columns, characters] = blocks_.back();
    const bool consistent = indent_ == columns ? characters_ == characters : characters_ > characters;
    if (indent_ > columns) {
      if (blocks_.size() >= kMaxBlocks) {
        return "too many levels of indentation";
      }
      blocks_.emplace_back(indent_, characters_);
    }
    return consistent ? "" : "TabError: inconsistent use of tabs and spaces in indentation";
  }

  void step() {
    const char c = here();
    if (c == '\n' || c == '\r') {
      ++at_;
      if (depth_ == 0) {
        end_line();
        start_line();
      }
    } else if (c == ' ' || c == '\t' || c == '\f') {
      ++at_;
    } else if (c == '\\' && (here(1) == '\n' || (here(1) == '\r' && here(2) == '\n'))) {
      at_ += here(1) == '\n' ? 2 : 3;
    } else if (c == '#') {
      comment();
    } else if (starts_string()) {
      string();
    } else if (starts_name(c)) {
      take(PythonToken::Kind::kName, [this] { return continues_name(here()); });
    } else if (is_digit(c) || (c == '.' && is_digit(here(1)))) {
      number();
    } else {
      operator_();
    }
  }

  template <typename More>
  void take(PythonToken::Kind kind, More more) {
    const size_t begin = at_;
    while (at_ < text_.size() && more()) {
      ++at_;
    }
    tokens_.push_back({kind, begin, at_});
  }

  void comment() {
    const size_t begin = at_;
    while (at_ < text_.size() && here() != '\n' && here() != '\r') {
      ++at_;
    }
    // Only the comment that types a function's arguments means anything: `# type: (int, Tensor) -> Tensor`.
    const auto body = text_.substr(begin, at_ - begin);
    if (body.substr(0, 7) != "# type:") {
      return;
    }
    const size_t first = body.find_first_not_of(" \t", 7);
    if (first != std::string_view::npos && body[first] == '(' && body.find("->") != std::string_view::npos) {
      if (depth_ == 0 && tokens_.empty()) {
        lines_.push_back({indent_, {{PythonToken::Kind::kTypeComment, begin, at_}}, false, ""});
      } else if (depth_ == 0) {
        tokens_.push_back({PythonToken::Kind::kTypeComment, begin, at_});
      }
    }
  }

  bool starts_string() const {
    size_t ahead = 0;
    while (ahead < 3 && std::string_view("rRbBuUfF").find(here(ahead)) != std::string_view::npos && here(ahead) != 0) {
      ++ahead;
    }
    return ahead < 3 && (here(ahead) == '"' || here(ahead) == '\'');
  }

  void string() {
    const size_t begin = at_;
    while (here() != '"' && here() != '\'') {
      ++at_;
    }
    const char quote = here();
    const bool triple = here(1) == quote && here(2) == quote;
    at_ += triple ? 3 : 1;
    while (at_ < text_.size()) {
      if (here() == '\\') {
        at_ += 2;
      } else if (here() == quote && (!triple || (here(1) == quote && here(2) == quote))) {
        at_ += triple ? 3 : 1;
        tokens_.push_back({PythonToken::Kind::kString, begin, at_});
        return;
      } else if (!triple && here() == '\n') {
        break;
      } else {
        ++at_;
      }
    }
    at_ = std::min(at_, text_.size());
    tokens_.push_back({PythonToken::Kind::kBad, begin, at_, "a string that does not end"});
  }

  void number() {
    char previous = '\0';
    take(PythonToken::Kind::kNumber, [&, hex = here() == '0' && (here(1) == 'x' || here(1) == 'X')] {
      const char c = here();
      const bool sign = (c == '+' || c == '-') && !hex && (previous == 'e' || previous == 'E');
      previous = c;
      return sign || c == '.' || continues_name(c);
    });
  }

  void operator_() {
    for (const auto candidate : kOperators) {
      if (text_.substr(at_, candidate.size()) == candidate) {
        tokens_.push_back({PythonToken::Kind::kOperator, at_, at_ + candidate.size()});
        at_ += candidate.size();
        return;
      }
    }
    const char c = here();
    if (std::string_view("()[]{}").find(c) != std::string_view::npos) {
      depth_ += std::string_view("([{").find(c) != std::string_view::npos ? 1 : depth_ > 0 ? -1 : 0;
    } else if (c == ';' && depth_ == 0) {
      ++at_;
      end_line();
      return;
    }
    const bool known = std::string_view("+-*/%@()[]{}:,=><.&|^~").find(c) != std::string_view::npos && c != '\0';
    tokens_.push_back({known ? PythonToken::Kind::kOperator : PythonToken::Kind::kBad, at_, at_ + 1,
                       known ? "" : "a character that means nothing in Python"});
    ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
  int depth_ = 0;
  static constexpr size_t kMaxBlocks = 100;  ///< as in Python

  size_t indent_ = 0;
  size_t characters_ = 0;  ///< of the indentation
  std::vector<std::pair<size_t, size_t>> blocks_ = {{0, 0}};
  std::vector<PythonToken> tokens_;
  std::vector<LogicalLine> lines_;
};

// Where the colon that opens a block stands; the number of tokens if the line opens none.
size_t block_colon(std::string_view text, const LogicalLine& line) {
  static const std::set<std::string_view> kHeads = {"if",  "elif",  "else", "for",    "while",   "with",
                                                    "def", "class", "try",  "except", "finally", "async"};
  if (kHeads.count(token_text(text, line.tokens.front())) == 0) {
    return line.tokens.size();
  }
  int depth = 0;
  bool in_lambda = false;
  for (size_t i = 0; i < line.tokens.size(); ++i) {
    const auto token = token_text(text, line.tokens[i]);
    if (opens_bracket(token)) {
      ++depth;
    } else if (closes_bracket(token)) {
      --depth;
    } else if (token == "lambda" && depth == 0) {
      in_lambda = true;
    } else if (token == ":" && depth == 0) {
      if (!in_lambda) {
        return i;
      }
      in_lambda = false;
    }
  }
  return line.tokens.size();
}

bool same_text_line(std::string_view text, const PythonToken& left, const PythonToken& right) {
  return text.substr(left.end, right.begin - left.end).find('\n') == std::string_view::npos;
}

}  // namespace

bool opens_bracket(std::string_view token) {
  return token == "(" || token == "[" || token == "{";
}

bool closes_bracket(std::string_view token) {
  return token == ")" || token == "]" || token == "}";
}

std::string_view token_text(std::string_view text, const PythonToken& token) {
  return token.written != nullptr ? std::string_view(token.written) : text.substr(token.begin, token.end - token.begin);
}

std::vector<LogicalLine> split_logical_lines(std::string_view text) {
  std::vector<LogicalLine> result;
  bool inline_body = false;  // after `if x: a;`, what follows the semicolon belongs to the body
  for (auto& line : Splitter(text).split()) {
    if (inline_body && same_text_line(text, result.back().tokens.back(), line.tokens.front())) {
      line.indent = result.back().indent;
      result.push_back(std::move(line));
      continue;
    }
    inline_body = false;
    const size_t colon = block_colon(text, line);
    if (colon + 1 >= line.tokens.size()) {
      line.head = colon < line.tokens.size();
      result.push_back(std::move(line));
      continue;
    }
    std::vector<PythonToken> rest(line.tokens.begin() + static_cast<std::ptrdiff_t>(colon) + 1, line.tokens.end());
    line.tokens.resize(colon + 1, line.tokens.front());
    line.head = true;
    const size_t indent = line.indent;
    result.push_back(std::move(line));
    const bool comment = rest.front().kind == PythonToken::Kind::kTypeComment;
    result.push_back({indent + 1, std::move(rest), false, ""});
    inline_body = !comment;
  }
  return result;
}

}  // namespace bertjit
