// Logical lines to statements, and what each binds and changes, by its tokens alone.
#include <algorithm>
#include <iterator>

#include "script/python_file.h"

namespace bertjit {

namespace {

using Kind = PythonToken::Kind;

class Reader {
 public:
  Reader(std::string_view text, PythonStatement& statement) : text_(text), statement_(statement) {}

  void read() {
    for (const auto& line : statement_.lines) {
      read_line(line);
    }
    // `for m in model.modules(): m.reset()` changes the model.
    const bool loop_changes = std::any_of(statement_.changes.begin(), statement_.changes.end(),
                                          [this](const auto& name) { return statement_.binds.count(name) != 0; });
    if (loop_changes) {
      statement_.changes.insert(iterated_.begin(), iterated_.end());
    }
  }

  void read_line(const LogicalLine& line) {
    const auto& tokens = line.tokens;
    for (const auto& token : tokens) {
      statement_.draws = statement_.draws || draws(word(token));
      statement_.calls = statement_.calls || word(token) == "(";
    }
    const auto first = word(tokens[0]);
    if (first == "def" || first == "class") {
      bind(tokens, 1);
    } else if (first == "import" || first == "from") {
      read_import(tokens);
    } else if (first == "for") {
      const size_t in = find(tokens, "in");
      targets(tokens, 1, in);
      names(tokens, in, tokens.size(), iterated_);
    } else if (first == "with") {
      for (size_t i = 0; i + 1 < tokens.size(); ++i) {
        if (word(tokens[i]) == "as") {
          bind(tokens, i + 1);
        }
      }
    } else if (first == "del") {
      names(tokens, 1, tokens.size(), statement_.changes);
    } else if (!line.head) {
      read_simple(tokens);
    }
  }

 private:
  std::string_view word(const PythonToken& token) const {
    return token.kind == Kind::kString ? std::string_view() : token_text(text_, token);
  }

  static bool draws(std::string_view name) {
    static const std::set<std::string_view> kNames = {
        "rand",          "randn",       "randint",          "randperm",        "rand_like",       "randn_like",
        "randint_like",  "normal",      "bernoulli",        "multinomial",     "poisson",         "normal_",
        "uniform_",      "random_",     "kaiming_uniform_", "kaiming_normal_", "xavier_uniform_", "xavier_normal_",
        "trunc_normal_", "orthogonal_", "bernoulli_",       "exponential_"};
    return kNames.count(name) != 0;
  }

  void bind(const std::vector<PythonToken>& tokens, size_t i) {
    if (i < tokens.size() && tokens[i].kind == Kind::kName) {
      statement_.binds.emplace(word(tokens[i]));
    }
  }

  size_t find(const std::vector<PythonToken>& tokens, std::string_view wanted) const {
    const auto it = std::find_if(tokens.begin(), tokens.end(), [&](const auto& t) { return word(t) == wanted; });
    return static_cast<size_t>(it - tokens.begin());
  }

  bool attribute(const std::vector<PythonToken>& tokens, size_t i) const {
    return i > 0 && word(tokens[i - 1]) == ".";
  }

  void names(const std::vector<PythonToken>& tokens, size_t from, size_t to, std::set<std::string>& into) const {
    for (size_t i = from; i < to && i < tokens.size(); ++i) {
      if (tokens[i].kind == Kind::kName && !attribute(tokens, i)) {
        into.emplace(word(tokens[i]));
      }
    }
  }

  void read_import(const std::vector<PythonToken>& tokens) {
    size_t i = word(tokens[0]) == "from" ? find(tokens, "import") + 1 : 1;
    for (; i < tokens.size(); ++i) {
      const bool renamed = i + 1 < tokens.size() && word(tokens[i + 1]) == "as";
      if (tokens[i].kind == Kind::kName && !attribute(tokens, i) && !renamed && word(tokens[i]) != "as") {
        bind(tokens, i);
      }
      i += renamed ? 1 : 0;
    }
  }

  // Names before `=`: plain ones are bound, those with an attribute or index are changed.
  void targets(const std::vector<PythonToken>& tokens, size_t from, size_t to) {
    int index_depth = 0;
    for (size_t i = from; i < to && i < tokens.size(); ++i) {
      const auto text = word(tokens[i]);
      const auto next = i + 1 < tokens.size() ? word(tokens[i + 1]) : std::string_view();
      const bool after_value = i > from && (tokens[i - 1].kind == Kind::kName || word(tokens[i - 1]) == "]");
      if ((text == "[" || text == "(") && (index_depth > 0 || after_value)) {
        ++index_depth;
      } else if ((text == "]" || text == ")") && index_depth > 0) {
        --index_depth;
      } else if (tokens[i].kind == Kind::kName && index_depth == 0 && !attribute(tokens, i)) {
        (next == "." || next == "[" ? statement_.changes : statement_.binds).emplace(text);
      }
    }
  }

  static bool assigns(std::string_view text) {
    static const std::set<std::string_view> kAugmented = {
        "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "**=", "//=", "@="};
    return text == "=" || kAugmented.count(text) != 0;
  }

  void read_simple(const std::vector<PythonToken>& tokens) {
    int depth = 0;
    size_t from = 0;
    size_t annotation = tokens.size();
    bool assigned = false;
    for (size_t i = 0; i < tokens.size(); ++i) {
      const auto text = word(tokens[i]);
      depth += opens_bracket(text) ? 1 : closes_bracket(text) ? -1 : 0;
      if (depth == 0 && text == ":" && !assigned) {
        annotation = std::min(annotation, i);
      }
      if (depth == 0 && assigns(text)) {
        targets(tokens, from, std::min(i, annotation));
        from = i + 1;
        assigned = true;
      }
    }
    if (!assigned && annotation == tokens.size()) {
      read_call(tokens);
    }
  }

  // An expression by itself: `model.eval()` changes model, `init.zeros_(model.weight)` too; print(…) nothing.
  void read_call(const std::vector<PythonToken>& tokens) {
    const size_t open = find(tokens, "(");
    if (tokens[0].kind != Kind::kName || open < 1 || open >= tokens.size()) {
      return;
    }
    const auto method = word(tokens[open - 1]);
    if (method == "manual_seed") {
      statement_.seeds = true;
    } else if (!method.empty() && method.back() == '_') {
      names(tokens, 0, tokens.size(), statement_.changes);
    } else if (open > 1 && method != "save") {
      statement_.changes.emplace(word(tokens[0]));
    }
  }

  std::string_view text_;
  PythonStatement& statement_;
  std::set<std::string> iterated_;
};

bool continues_block(std::string_view word) {
  return word == "elif" || word == "else" || word == "except" || word == "finally";
}

void classify(std::string_view text, PythonStatement& statement) {
  const auto& tokens = statement.lines.front().tokens;
  const auto first = token_text(text, tokens[0]);
  if (first == "def" || first == "class") {
    statement.kind = first == "def" ? PythonStatement::Kind::kFunction : PythonStatement::Kind::kClass;
    statement.name = tokens.size() > 1 ? std::string(token_text(text, tokens[1])) : "";
    statement.binds = {statement.name};
    return;
  }
  if (first == "import" || first == "from") {
    statement.kind = PythonStatement::Kind::kImport;
  } else if (first == "if" && tokens.size() > 1 && token_text(text, tokens[1]) == "__name__") {
    statement.kind = PythonStatement::Kind::kMain;
    return;
  }
  Reader(text, statement).read();
}

}  // namespace

std::vector<PythonStatement> group_statements(std::string_view text, const std::vector<LogicalLine>& lines) {
  std::vector<PythonStatement> statements;
  std::vector<std::vector<PythonToken>> decorators;
  const size_t base = lines.empty() ? 0 : lines.front().indent;
  for (const auto& line : lines) {
    const auto first = token_text(text, line.tokens.front());
    const bool starts = line.indent <= base && !continues_block(first);
    if (starts && first == "@") {
      decorators.emplace_back(line.tokens.begin() + 1, line.tokens.end());
    } else if (starts || statements.empty()) {
      statements.emplace_back();
      statements.back().decorators = std::move(decorators);
      decorators.clear();
      statements.back().lines.push_back(line);
    } else {
      statements.back().lines.push_back(line);
    }
  }
  for (auto& statement : statements) {
    classify(text, statement);
  }
  return statements;
}

}  // namespace bertjit
