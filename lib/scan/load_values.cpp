#include "scan/load_values.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "container/bytes.h"
#include "scan/code_limits.h"

namespace bertjit {

namespace {

constexpr const char* kWhy = "libtorch evaluates defaults and the values of classes when the file is loaded";

/// "(" behind a name or an expression, but for annotate(…) and torch.device(…).
bool is_call(const CodeRecord& record, size_t i) {
  const std::string_view before = record.token(i - 1);
  const bool calls = record.token(i) == "(" && (record.is_name(i - 1) || before == ")" || before == "]");
  const bool is_device = before == "device" && record.token(i - 2) == "." && record.token(i - 3) == "torch" &&
                         record.token(i - 4) != ".";
  return calls && !is_device && !(before == "annotate" && record.token(i - 2) != ".");
}

/// Of the signs, arithmetic is more than a literal needs; of the words, those that choose and repeat.
bool computes(const CodeRecord& record, size_t i) {
  constexpr std::string_view kSigns = "()[]{},.:=";
  constexpr std::string_view kWords[] = {"and", "else", "for", "if", "in", "is", "lambda", "not", "or", "while"};
  const std::string_view token = record.token(i);
  switch (record.tokens[i].kind) {
    case CodeToken::Kind::kName:
      return std::ranges::find(kWords, token) != std::end(kWords);
    case CodeToken::Kind::kOperator: {
      const bool is_sign = token == "-";  // of a number, or of "->"
      const bool is_arrow = token == ">" && record.token(i - 1) == "-";
      const bool is_mark = token == "*" && record.token(i + 1) == ",";  // "def f(x, *, y)"
      return kSigns.find(token) == std::string_view::npos && !is_sign && !is_arrow && !is_mark;
    }
    default:
      return false;
  }
}

/// One finding for each piece is enough.
void check_tokens(const CodeRecord& record, size_t begin, size_t end, ScanFindings& findings) {
  for (size_t i = begin; i < end; ++i) {
    if (is_call(record, i)) {
      findings.add(code_finding(record, i - 1, "load-value",
                                "calls " + in_quotes(record.token(i - 1)) + " in a default or a class's value", kWhy));
      return;
    }
    if (computes(record, i)) {
      findings.add(code_finding(record, i, "load-value",
                                "computes a default or a class's value by " + in_quotes(record.token(i)), kWhy));
      return;
    }
  }
}

/// The first token of the next line, brackets closed.
size_t end_of_line(const CodeRecord& record, size_t i) {
  do {
    ++i;
  } while (i < record.tokens.size() && !record.tokens[i].first);
  return i;
}

}  // namespace

void check_load_values(const CodeRecord& record, ScanFindings& findings) {
  for (const CodeFunction& function : record.functions) {
    check_tokens(record, function.begin + 3, function.body, findings);  // behind "def name ("
  }
  for (const size_t line : record.class_lines) {
    check_tokens(record, line + 1, end_of_line(record, line), findings);
  }
}

}  // namespace bertjit
