#include "script/python_rewrite.h"

#include <algorithm>
#include <cstdint>
#include <map>
#include <stdexcept>

#include "script/python_precedence.h"

namespace bertjit {

namespace {

using Kind = PythonToken::Kind;

const std::map<std::string_view, std::string_view>& outside_subset() {
  static const std::map<std::string_view, std::string_view> kWords = {
      {"lambda", "write a function with def"},
      {"yield", "return a list"},
      {"await", "TorchScript has no coroutines"},
      {"async", "TorchScript has no coroutines"},
      {"try", "TorchScript does not catch exceptions"},
      {"except", "TorchScript does not catch exceptions"},
      {"finally", "TorchScript does not catch exceptions"},
      {"nonlocal", "return the value instead"},
      {"global", "return the value instead"},
      {":=", "assign in a statement of its own"},
      {"class", "define classes at the top of the file"},
      {"import", "import at the top of the file"},
      {"from", "import at the top of the file"}};
  return kWords;
}

class Rewriter {
 public:
  explicit Rewriter(std::string_view text) : text_(text) {}

  RewrittenText lines(std::span<const LogicalLine> lines, Nesting nesting) {
    const size_t extra = nesting == Nesting::kInFunction ? 1 : 0;
    if (extra == 1) {
      put("def __bertjit_statement():\n", lines.front().tokens.front().begin, lines.front().tokens.front().begin);
    }
    for (size_t i = 0; i < lines.size(); ++i) {
      const auto& first = lines[i].tokens.front();
      if (first.kind == Kind::kTypeComment) {
        continue;  // written behind the head of its function
      }
      check_line(lines[i]);
      put(std::string(lines[i].indent + extra, ' '), first.begin, first.begin);
      line(lines[i].tokens);
      if (is(first, "def") && lines[i].head) {
        type_comment(lines.subspan(i + 1), extra);
      }
    }
    return std::move(out_);
  }

  RewrittenText expression(std::span<const PythonToken> tokens) {
    this->tokens(with_python_precedence(text_, tokens), false);
    return std::move(out_);
  }

 private:
  std::string_view word(const PythonToken& token) const {
    return token_text(text_, token);
  }
  bool is(const PythonToken& token, std::string_view expected) const {
    return token.kind != Kind::kString && word(token) == expected;
  }

  void put(std::string_view written, size_t begin, size_t end) {
    out_.text += written;
    for (size_t i = 0; i < written.size(); ++i) {
      out_.origin.push_back(std::min(begin + i, end > begin ? end - 1 : begin));
    }
  }
  void put(std::string_view written, const PythonToken& at) {
    put(written, at.begin, at.end);
  }

  // The comment that types a function's arguments goes right behind its head, where the parser looks for it. Python
  // takes it from anywhere in the body.
  void type_comment(std::span<const LogicalLine> body, size_t extra) {
    size_t indent = 0;
    const PythonToken* comment = nullptr;
    for (const auto& candidate : body) {
      const auto& first = candidate.tokens.front();
      if (first.kind == Kind::kTypeComment && comment == nullptr) {
        comment = &first;
      } else if (is(first, "def")) {
        indent = indent == 0 ? candidate.indent : indent;
        break;
      } else if (first.kind != Kind::kTypeComment && indent == 0) {
        indent = candidate.indent;
      }
    }
    if (comment != nullptr && indent > 0) {
      put(std::string(indent + extra, ' '), comment->begin, comment->begin);
      put(word(*comment), *comment);
      put("\n", comment->end, comment->end);
    }
  }

  void line(std::span<const PythonToken> read) {
    check_statement(read);
    const auto written = with_python_precedence(text_, read);
    const std::span<const PythonToken> tokens(written);
    const auto& first = tokens.front();
    const bool text_only = std::all_of(tokens.begin(), tokens.end(), [this](const auto& token) {
      return token.kind == Kind::kString && word(token).find_first_of("fFbB") > word(token).find_first_of("'\"");
    });
    if (text_only || stops_for_debugger(tokens)) {
      put("pass", first);  // a docstring, which does nothing, and what nobody sits before
    } else if (const size_t at = unknown_assignment(tokens); at < tokens.size()) {
      const std::string operation(word(tokens[at]).substr(0, word(tokens[at]).size() - 1));
      this->tokens(tokens.subspan(0, at), false);
      put(" = ", tokens[at]);
      this->tokens(tokens.subspan(0, at), false);
      put(" " + operation + " (", tokens[at]);
      this->tokens(tokens.subspan(at + 1), false);
      put(")", tokens.back());
    } else {
      this->tokens(tokens, is(first, "def"));
    }
    put("\n", tokens.back().end, tokens.back().end);
  }

  void check_line(const LogicalLine& line) {
    const auto& first = line.tokens.front();
    if (*line.fault != '\0') {
      throw TextFault(first, line.fault);
    }
    if (is(first, "else") && (heads_[line.indent] == "for" || heads_[line.indent] == "while")) {
      throw TextFault(first, "'else' of a loop is outside the subset: note in a variable whether the loop was left");
    }
    if (is(first, "elif") && ++branches_ > kMaxBranches) {
      throw TextFault(first,
                      "more than " + std::to_string(kMaxBranches) + " 'elif' in one definition: use a dict or a table");
    }
    heads_[line.indent] = word(first);
  }

  // A statement that the parser would not name when it fails.
  void check_statement(std::span<const PythonToken> tokens) const {
    if (tokens.size() > 2 && is(tokens.front(), "match") && is(tokens.back(), ":")) {
      throw TextFault(tokens.front(), "'match' is outside the subset: write if and elif");
    }
  }

  // `import pdb; pdb.set_trace()`, a line at a time: functions are run, and compiled, without a stop.
  bool stops_for_debugger(std::span<const PythonToken> tokens) const {
    std::string joined;
    for (const auto& token : tokens) {
      joined += word(token);
    }
    return joined == "importpdb" || joined == "pdb.set_trace()" || joined == "breakpoint()";
  }

  // Where a `//=` or `@=`, which the parser does not know, stands.
  size_t unknown_assignment(std::span<const PythonToken> tokens) const {
    const auto found = std::find_if(tokens.begin(), tokens.end(),
                                    [this](const auto& token) { return is(token, "//=") || is(token, "@="); });
    return static_cast<size_t>(found - tokens.begin());
  }

  void tokens(std::span<const PythonToken> tokens, bool in_def) {
    std::vector<std::string_view> open;
    std::vector<bool> generator;
    for (size_t i = 0; i < tokens.size();) {
      check(tokens[i]);
      if (i > 0 && (tokens[i].begin != tokens[i - 1].end || tokens[i].written != nullptr)) {
        put(" ", tokens[i - 1].end, tokens[i].begin);
      }
      const auto token = word(tokens[i]);
      if (token == "for" && !open.empty() && tokens[i].kind == Kind::kName) {
        i = comprehension_target(tokens, i);
        continue;
      }
      if (tokens[i].kind == Kind::kString) {
        i = strings(tokens, i);
        continue;
      }
      const bool argument =
          i > 0 && !open.empty() && open.back() == "(" && (is(tokens[i - 1], "(") || is(tokens[i - 1], ","));
      if (argument && in_def && open.size() == 1 && (token == "*" || token == "**") && i + 1 < tokens.size() &&
          tokens[i + 1].kind == Kind::kName) {
        put(token == "*" ? kStarPrefix : kDoubleStarPrefix, tokens[i]);
        put(word(tokens[i + 1]), tokens[i + 1]);
        put(token == "*" ? ", *" : "", tokens[i + 1]);
        i += 2;
        continue;
      }
      if (token == "**" && i > 0 && (argument || is(tokens[i - 1], "{") || is(tokens[i - 1], ","))) {
        if (!argument) {
          throw TextFault(tokens[i], "'**' in a dict is outside the subset: use update()");
        }
        put(std::string(kDoubleStarPrefix) + "=", tokens[i]);
        ++i;
        continue;
      }
      plain(tokens, i, open, generator);
      ++i;
    }
  }

  // `for i, v in` inside brackets: the parser wants the targets in parentheses.
  size_t comprehension_target(std::span<const PythonToken> tokens, size_t i) {
    put("for ", tokens[i]);
    const size_t first = ++i;
    while (i < tokens.size() && !is(tokens[i], "in")) {
      ++i;
    }
    const auto target = tokens.subspan(first, i - first);
    const bool several =
        std::any_of(target.begin(), target.end(), [this](const auto& token) { return is(token, ","); });
    const bool wrapped = !target.empty() && is(target.front(), "(") && is(target.back(), ")");
    const bool wrap = several && !wrapped && i < tokens.size();
    put(wrap ? "(" : "", tokens[first - 1]);
    this->tokens(target, false);
    put(wrap ? ")" : "", tokens[i - 1]);
    return i;
  }

  void plain(std::span<const PythonToken> tokens, size_t i, std::vector<std::string_view>& open,
             std::vector<bool>& generator) {
    const auto token = word(tokens[i]);
    if (opens_bracket(token)) {
      put(token, tokens[i]);
      open.push_back(token);
      generator.push_back(token == "(" && is_generator(tokens.subspan(i + 1)));
      if (generator.back()) {
        put("[", tokens[i]);
      }
    } else if (closes_bracket(token) && !open.empty()) {
      if (generator.back()) {
        put("]", tokens[i]);
      }
      open.pop_back();
      generator.pop_back();
      put(token, tokens[i]);
    } else if (tokens[i].kind == Kind::kNumber) {
      number(tokens[i]);
    } else if (tokens[i].kind != Kind::kTypeComment) {
      put(token, tokens[i]);
    }
  }

  // Whether what follows an opening parenthesis is `expression for …`.
  bool is_generator(std::span<const PythonToken> tokens) const {
    int depth = 0;
    for (const auto& token : tokens) {
      const auto text = word(token);
      depth += token.kind != Kind::kString && opens_bracket(text) ? 1 : 0;
      if (depth == 0 && token.kind == Kind::kName && text == "for") {
        return true;
      }
      if (depth == 0 && (is(token, ",") || closes_bracket(text))) {
        return false;
      }
      depth -= token.kind != Kind::kString && closes_bracket(text) ? 1 : 0;
    }
    return false;
  }

  void check(const PythonToken& token) const {
    const bool ascii = std::all_of(word(token).begin(), word(token).end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x80; });
    if (token.kind == Kind::kName && !ascii) {
      throw TextFault(token, "a name with letters beyond a to z is outside the subset");
    }
    const auto found = outside_subset().find(word(token));
    if (token.kind != Kind::kString && found != outside_subset().end()) {
      throw TextFault(token,
                      "'" + std::string(found->first) + "' is outside the subset: " + std::string(found->second));
    }
  }

  // Adjacent literals are one; with an f-string among them the whole becomes a template and its arguments.
  size_t strings(std::span<const PythonToken> tokens, size_t i) {
    const size_t begin = tokens[i].begin;
    std::vector<StringPart> parts;
    for (; i < tokens.size() && tokens[i].kind == Kind::kString; ++i) {
      for (auto& part : string_parts(text_, tokens[i])) {
        parts.push_back(std::move(part));
      }
    }
    text_template(parts, begin, tokens[i - 1].end);
    return i;
  }

  // "characters {}".format(expression). A brace of the text itself is an argument too: to the compiler `{}` alone has a
  // meaning, to Python every brace.
  void text_template(const std::vector<StringPart>& parts, size_t begin, size_t end) {
    const bool formats = std::any_of(parts.begin(), parts.end(), [](const auto& part) { return part.is_expression; });
    std::string characters;
    std::vector<StringPart> arguments;
    for (const auto& part : parts) {
      if (part.is_expression) {
        characters += "{}";
        arguments.push_back(part);
        continue;
      }
      for (const char c : part.text) {
        const bool brace = formats && (c == '{' || c == '}');
        characters += brace ? "{}" : std::string(1, c);
        if (brace) {
          arguments.push_back({false, std::string(1, c), begin, end, "", {}});
        }
      }
    }
    put(quote_string(characters), begin, end);
    for (size_t a = 0; a < arguments.size(); ++a) {
      put(a == 0 ? ".format(" : ", ", arguments[a].begin, arguments[a].begin);
      template_argument(arguments[a]);
      put(a + 1 == arguments.size() ? ")" : "", arguments[a].end, arguments[a].end);
    }
  }

  void template_argument(const StringPart& argument) {
    if (!argument.is_expression) {
      put(quote_string(argument.text), argument.begin, argument.end);
      return;
    }
    const bool plain = argument.conversion.empty() && argument.spec.empty();
    put(plain ? "(" : std::string(kFormatName) + "((", argument.begin, argument.begin);
    inner_expression(argument.begin, argument.end);
    put(")", argument.end, argument.end);
    if (!plain) {
      put(", " + quote_string(argument.conversion) + ", ", argument.end, argument.end);
      text_template(argument.spec, argument.end, argument.end + 1);
      put(")", argument.end, argument.end);
    }
  }

  // The expression between an f-string's braces.
  void inner_expression(size_t begin, size_t end) {
    std::vector<PythonToken> inner;
    for (const auto& line : split_logical_lines("(" + std::string(text_.substr(begin, end - begin)) + ")")) {
      for (auto token : line.tokens) {
        token.begin += begin - 1;
        token.end += begin - 1;
        inner.push_back(token);
      }
    }
    if (inner.size() > 2) {
      tokens(with_python_precedence(text_, std::span(inner).subspan(1, inner.size() - 2)), false);
    }
  }

  void number(const PythonToken& token) {
    std::string digits(word(token));
    digits.erase(std::remove(digits.begin(), digits.end(), '_'), digits.end());
    const char kind = digits.size() > 2 && digits[0] == '0' ? digits[1] : '\0';
    const int base = kind == 'x' || kind == 'X'   ? 16
                     : kind == 'o' || kind == 'O' ? 8
                     : kind == 'b' || kind == 'B' ? 2
                                                  : 0;
    const bool whole = digits.find_first_not_of("0123456789") == std::string::npos;
    if (base != 0 || whole) {
      try {
        // -9223372036854775808 is an integer; the parser joins the minus and the number.
        if (whole && std::stoull(digits) > uint64_t{1} << 63) {
          throw std::out_of_range(digits);
        }
        digits = whole ? digits : std::to_string(std::stoll(digits.substr(2), nullptr, base));
      } catch (const std::exception&) {
        throw TextFault(token, "an integer beyond 64 bits");
      }
    }
    put(digits, token);
  }

  std::string_view text_;
  RewrittenText out_;
  /// Each is an `if` in the `else` of the one before, which costs the compiler time with the square of their number.
  static constexpr size_t kMaxBranches = 3000;

  size_t branches_ = 0;
  std::map<size_t, std::string_view> heads_;  ///< the first word of the last line of each indentation
};

}  // namespace

RewrittenText rewrite_lines(std::string_view text, std::span<const LogicalLine> lines, Nesting nesting) {
  return Rewriter(text).lines(lines, nesting);
}

RewrittenText rewrite_expression(std::string_view text, std::span<const PythonToken> tokens) {
  return Rewriter(text).expression(tokens);
}

}  // namespace bertjit
