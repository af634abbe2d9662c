#include "scan/code_outline.h"

#include <algorithm>

namespace bertjit {

namespace {

constexpr std::string_view kDef = "def";
constexpr std::string_view kClass = "class";

/// Goes over the first tokens of lines.
class Outliner {
 public:
  explicit Outliner(CodeRecord& record) : record_(record) {}

  void run() {
    for (size_t i = 0; i < record_.tokens.size(); ++i) {
      if (record_.tokens[i].first) {
        begin_line(i);
      }
    }
    close_function(record_.tokens.size());
  }

 private:
  void begin_line(size_t i) {
    const size_t indent = record_.tokens[i].indent;
    if (open_ && indent <= function_indent_) {
      close_function(i);
    }
    if (indent == 0) {
      const bool defines = record_.token(i) == kClass || record_.token(i) == kDef;
      class_name_ = record_.token(i) == kClass ? record_.token(i + 1) : std::string_view();
      if (defines) {
        record_.definitions.insert(record_.token(i + 1));
      }
    }
    if (open_) {
      return;
    }
    if (record_.token(i) == kDef) {
      open_ = true;
      function_indent_ = indent;
      record_.functions.push_back(
          {.name = record_.token(i + 1), .class_name = class_name_, .begin = i, .body = end_of_head(i)});
      record_.methods.insert(std::string(class_name_).append(".").append(record_.token(i + 1)));
    } else if (!class_name_.empty() && indent > 0) {
      record_.class_lines.push_back(i);
      declare(i);
    }
  }

  /// Behind the ":" outside all brackets, on the line that begins at `i`.
  size_t end_of_head(size_t i) const {
    size_t depth = 0;
    for (++i; i < record_.tokens.size() && !record_.tokens[i].first; ++i) {
      const std::string_view token = record_.token(i);
      depth += token == "(" || token == "[" || token == "{";
      depth -= (token == ")" || token == "]" || token == "}") && depth > 0;
      if (token == ":" && depth == 0) {
        return i + 1;
      }
    }
    return i;
  }

  void close_function(size_t end) {
    if (open_) {
      record_.functions.back().end = end;
      open_ = false;
    }
  }

  /// "weight : Tensor", "RED = 1", and for names that are no identifiers `__annotations__["0"] = …`
  void declare(size_t i) {
    const std::string_view next = record_.token(i + 1);
    std::string_view name;
    if (record_.is_name(i) && (next == ":" || next == "=")) {
      name = record_.token(i);
    } else if (record_.token(i) == "__annotations__" && next == "[") {
      name = string_contents(record_.token(i + 2));
    }
    if (!name.empty()) {
      record_.attributes.insert(std::string(class_name_).append(".").append(name));
    }
  }

  CodeRecord& record_;
  std::string_view class_name_;
  size_t function_indent_ = 0;
  bool open_ = false;
};

}  // namespace

size_t line_of(const CodeRecord& record, size_t token) {
  const auto next = std::ranges::upper_bound(record.line_starts, record.tokens[token].begin);
  return static_cast<size_t>(next - record.line_starts.begin());
}

void outline_code(CodeRecord& record) {
  record.line_starts = {0};
  for (size_t i = 0; i < record.text.size(); ++i) {
    if (record.text[i] == '\n') {
      record.line_starts.push_back(static_cast<uint32_t>(i + 1));
    }
  }
  record.tokens = split_code_tokens(record.text);
  Outliner(record).run();
}

}  // namespace bertjit
