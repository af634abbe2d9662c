#include "script/python_precedence.h"

#include <algorithm>
#include <cctype>
#include <initializer_list>
#include <set>
#include <string>

#include "script/python_rewrite.h"
#include "support/deep_stack.h"

namespace bertjit {

namespace {

using Kind = PythonToken::Kind;

class Grammar {
 public:
  Grammar(std::string_view text, std::span<const PythonToken> tokens)
      : text_(text), tokens_(tokens), limit_(16 * tokens.size() + 1000), most_(stack_left() / kStackPerPart) {
    match_brackets();
  }

  std::vector<PythonToken> write() {
    level(0, tokens_.size());
    return std::move(out_);
  }

 private:
  std::string_view word(size_t i) const {
    return tokens_[i].kind == Kind::kString ? std::string_view() : token_text(text_, tokens_[i]);
  }

  void match_brackets() {
    partner_.resize(tokens_.size());
    std::vector<size_t> open;
    size_t in_a_row = 0;
    for (size_t i = 0; i < tokens_.size(); ++i) {
      partner_[i] = i;
      const auto text = word(i);
      in_a_row = text == "-" || text == "+" || text == "~" || text == "not" ? in_a_row + 1 : 0;
      if (in_a_row > kMaxInARow) {
        throw TextFault(tokens_[i], "more than " + std::to_string(kMaxInARow) + " operators in a row");
      }
      if (tokens_[i].kind == Kind::kBad) {
        throw TextFault(tokens_[i], tokens_[i].fault);
      }
      if (opens_bracket(text)) {
        open.push_back(i);
        if (open.size() > kMaxBrackets) {
          throw TextFault(tokens_[i], "too many nested parentheses");
        }
      } else if (closes_bracket(text)) {
        if (open.empty() || std::string_view("([{").find(word(open.back())) != std::string_view(")]}").find(text)) {
          throw TextFault(tokens_[i], "unmatched '" + std::string(text) + "'");
        }
        partner_[open.back()] = i;
        open.pop_back();
      }
    }
    if (!open.empty()) {
      throw TextFault(tokens_[open.back()], "'" + std::string(word(open.back())) + "' was never closed");
    }
  }

  // The first token of [i, end) outside brackets for which `test` holds; `end` if none.
  template <typename Test>
  size_t find(size_t i, size_t end, Test test) const {
    for (; i < end; ++i) {
      if (opens_bracket(word(i))) {
        i = partner_[i];
      } else if (test(i)) {
        return i;
      }
    }
    return end;
  }
  size_t find_word(size_t i, size_t end, std::string_view wanted) const {
    return find(i, end, [&](size_t at) { return word(at) == wanted; });
  }
  // Where the next clause of a comprehension begins.
  size_t find_clause(size_t i, size_t end) const {
    return find(i, end, [this](size_t at) { return word(at) == "for" || word(at) == "if"; });
  }

  void copy(size_t i) {
    if (out_.size() > limit_) {
      throw TextFault(tokens_[i], "comparisons and comprehensions nested this deep are outside the subset");
    }
    out_.push_back(tokens_[i]);
  }
  void add(const char* written, size_t at) {
    PythonToken token = tokens_[at];
    const bool name = std::isalpha(static_cast<unsigned char>(*written)) != 0 || *written == '_';
    token.kind = name ? Kind::kName : Kind::kOperator;
    token.written = written;
    out_.push_back(token);
  }
  void add_all(std::initializer_list<const char*> words, size_t at) {
    for (const char* written : words) {
      add(written, at);
    }
  }

  // What stands between expressions.
  bool separates(size_t i) const {
    static const std::set<std::string_view> kWords = {
        ",",      ":",     "=",      "+=",  "-=",   "*=",   "/=", "%=",     "&=",    "|=",     "^=",   "@=",
        "**=",    "//=",   ">>=",    "<<=", "->",   ":=",   "if", "elif",   "else",  "while",  "for",  "def",
        "return", "raise", "assert", "del", "from", "with", "as", "lambda", "yield", "import", "class"};
    return kWords.count(word(i)) != 0;
  }

  // What is inside one pair of brackets, or a whole line: expressions and what stands between them.
  void level(size_t i, size_t end) {
    bool in_for = false;
    while (i < end) {
      size_t length = 0;
      const size_t stop = find(i, end, [&](size_t at) {
        ++length;
        return separates(at) || (in_for && word(at) == "in");
      });
      if (length > most_) {
        throw TextFault(tokens_[i], "an expression of more than " + std::to_string(most_) +
                                        " parts: store some of it in a variable");
      }
      disjunction(i, stop);
      i = stop;
      if (i < end) {
        in_for = word(i) == "for" || (in_for && word(i) == ",");
        copy(i++);
      }
    }
  }

  void disjunction(size_t i, size_t end) {
    const bool several = find_word(i, end, "or") < end;
    while (true) {
      const size_t stop = find_word(i, end, "or");
      const bool wrap = several && find_word(i, stop, "and") < stop;
      wrapped(wrap, i, stop, [&] { conjunction(i, stop); });
      if (stop == end) {
        return;
      }
      copy(stop);
      i = stop + 1;
    }
  }

  void conjunction(size_t i, size_t end) {
    while (true) {
      const size_t stop = find_word(i, end, "and");
      size_t operand = i;
      while (operand < stop && word(operand) == "not") {
        copy(operand++);
      }
      comparison(operand, stop);
      if (stop == end) {
        return;
      }
      copy(stop);
      i = stop + 1;
    }
  }

  template <typename Write>
  void wrapped(bool wrap, size_t begin, size_t end, Write write) {
    if (wrap) {
      add("(", begin);
    }
    write();
    if (wrap) {
      add(")", end - 1);
    }
  }

  bool compares(size_t i) const {
    static const std::set<std::string_view> kWords = {"<", ">", "<=", ">=", "==", "!=", "in", "is", "not"};
    return kWords.count(word(i)) != 0;
  }
  // `not in` and `is not` are one.
  size_t comparison_end(size_t i, size_t end) const {
    const bool two =
        i + 1 < end && ((word(i) == "not" && word(i + 1) == "in") || (word(i) == "is" && word(i + 1) == "not"));
    return i + (two ? 2 : 1);
  }
  size_t find_comparison(size_t i, size_t end) const {
    return find(i, end, [this](size_t at) { return compares(at); });
  }

  void comparison(size_t i, size_t end) {
    size_t at = find_comparison(i, end);
    const bool chain = at < end && find_comparison(comparison_end(at, end), end) < end;
    wrapped(chain, i, end, [&] {
      arithmetic(i, at);
      while (at < end) {
        const size_t operand = comparison_end(at, end);
        for (; at < operand; ++at) {
          copy(at);
        }
        at = find_comparison(operand, end);
        arithmetic(operand, at);
        if (at < end) {
          add("and", at);
          arithmetic(operand, at);
        }
      }
    });
  }

  void arithmetic(size_t i, size_t end) {
    while (i < end) {
      if (opens_bracket(word(i))) {
        brackets(i);
        i = partner_[i] + 1;
      } else if (word(i) == "~") {
        const size_t stop = unary_end(i, end);
        wrapped(true, i, stop, [&] {
          copy(i);
          arithmetic(i + 1, stop);
        });
        i = stop;
      } else if (word(i) == "-" && is_unary(i) && negates_literal(i + 1, end)) {
        const size_t stop = unary_end(i, end);
        wrapped(true, i, stop, [&] {
          add("0", i);
          copy(i);
          arithmetic(i + 1, stop);
        });
        i = stop;
      } else if (word(i) == "+" && is_unary(i)) {
        ++i;  // the parser has none, and it changes nothing
      } else {
        copy(i++);
      }
    }
  }

  // The second minus of `- -1`: the parser joins each with the number and reads "--1" as one.
  bool negates_literal(size_t i, size_t end) const {
    const auto skip = [&] {
      while (i < end && (word(i) == "(" || word(i) == "+")) {
        ++i;
      }
    };
    skip();
    if (i >= end || word(i) != "-" || !is_unary(i)) {
      return false;
    }
    while (i < end && word(i) == "-") {
      ++i;
      skip();
    }
    return i < end && tokens_[i].kind == Kind::kNumber;
  }

  bool is_unary(size_t i) const {
    if (i == 0) {
      return true;
    }
    const auto kind = tokens_[i - 1].kind;
    static const std::set<std::string_view> kBefore = {"in", "is", "not", "and", "or"};
    return kind == Kind::kOperator ? !closes_bracket(word(i - 1)) && word(i - 1) != "..."
                                   : kind == Kind::kName && (separates(i - 1) || kBefore.count(word(i - 1)) != 0);
  }

  // Behind the operand of the unary operator at `i`: u_expr ::= power | "-" u_expr | …; power ::= primary ["**"
  // u_expr].
  size_t unary_end(size_t i, size_t end) const {
    while (i < end) {
      while (i < end && (word(i) == "~" || word(i) == "-" || word(i) == "+")) {
        ++i;
      }
      i = primary_end(i, end);
      if (i >= end || word(i) != "**") {
        break;
      }
      ++i;
    }
    return std::min(i, end);
  }
  size_t primary_end(size_t i, size_t end) const {
    const bool text = i < end && tokens_[i].kind == Kind::kString;
    i = i < end ? partner_[i] + 1 : end;
    while (i < end) {
      if (text && tokens_[i].kind == Kind::kString) {
        ++i;
      } else if (word(i) == ".") {
        i += 2;
      } else if (word(i) == "(" || word(i) == "[") {
        i = partner_[i] + 1;
      } else {
        break;
      }
    }
    return std::min(i, end);
  }

  void brackets(size_t i) {
    const size_t end = partner_[i];
    const size_t first = find_word(i + 1, end, "for");
    const bool comprehension = first > i + 1 && first < end && find_word(i + 1, end, ",") >= first;
    const bool holds_pairs = end == i + 1 || find_word(i + 1, end, ":") < end || find_word(i + 1, end, "**") < end;
    if (word(i) == "{" && !holds_pairs) {
      throw TextFault(tokens_[i].begin, tokens_[end].end, "a set is outside the subset: use a list, or a dict's keys");
    }
    const bool plain = !comprehension || find_clause(first + 1, end) == end;
    if (plain) {
      copy(i);
      level(i + 1, end);
      copy(end);
      return;
    }
    const size_t colon = word(i) == "{" ? find_word(i + 1, first, ":") : first;
    if (word(i) == "(") {
      copy(i);
    } else if (word(i) == "{") {
      add_all({"dict", "("}, i);
    }
    clauses({i + 1, first, colon, i}, first, end);
    if (word(i) != "[") {
      add(")", end);
    }
  }

  // What a comprehension gathers; of a dict key and value, with the colon between them.
  struct Element {
    size_t begin;
    size_t end;
    size_t colon;
    size_t bracket;
  };

  void element(const Element& element) {
    wrapped(true, element.begin, element.end, [&] {
      level(element.begin, element.colon);
      if (element.colon < element.end) {
        add(",", element.colon);
        level(element.colon + 1, element.end);
      }
    });
  }

  // `for x in r if c for y in s …`, from the clause at `i`.
  void clauses(const Element& gathered, size_t i, size_t end) {
    if (i == end) {
      add("[", gathered.begin);
      element(gathered);
      add("]", gathered.end - 1);
      return;
    }
    const size_t next = find_clause(i + 1, end);
    if (word(i) == "if") {
      add("(", i);
      clauses(gathered, next, end);
      add("if", i);
      level(i + 1, next);
      add_all({"else", "[", "]", ")"}, next - 1);
      return;
    }
    const bool last = next == end;
    if (last) {
      add("[", i);
      element(gathered);
      level(i, next);
      add("]", next - 1);
      return;
    }
    add_all({kFlattenName.data(), "(", "["}, gathered.bracket);
    clauses(gathered, next, end);
    level(i, next);
    add_all({"]", ")"}, next - 1);
  }

  std::string_view text_;
  std::span<const PythonToken> tokens_;
  static constexpr size_t kMaxInARow = 1000;

  // An expression of n operators is a tree n deep, which libtorch makes, walks and frees recursively.
  static constexpr size_t kStackPerPart = 1024;

  size_t limit_;
  size_t most_;
  std::vector<size_t> partner_;  ///< of a bracket that opens, the one that closes; of anything else, itself
  std::vector<PythonToken> out_;
};

}  // namespace

std::vector<PythonToken> with_python_precedence(std::string_view text, std::span<const PythonToken> tokens) {
  return Grammar(text, tokens).write();
}

}  // namespace bertjit
