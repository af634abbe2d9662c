#include "diff/code_diff.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "diff/line_diff.h"

namespace bertjit {

namespace {

enum class TokenKind { kName, kNumber, kText, kMark };

struct Token {
  TokenKind kind;
  std::string_view text;
};

bool is_name(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool is_digit(char c) {
  return std::isdigit(static_cast<unsigned char>(c)) != 0;
}

size_t number_length(std::string_view text) {
  size_t end = 1;
  while (end < text.size() &&
         (is_name(text[end]) || text[end] == '.' ||
          ((text[end] == '-' || text[end] == '+') && (text[end - 1] == 'e' || text[end - 1] == 'E')))) {
    ++end;
  }
  return end;
}

size_t string_length(std::string_view text) {
  size_t end = 1;
  while (end < text.size() && text[end] != text[0]) {
    end += text[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, text.size());
}

/// TorchScript's printer writes plain Python; line ends and blanks do not count.
std::vector<Token> tokenize(std::string_view text) {
  std::vector<Token> tokens;
  while (!text.empty()) {
    const char c = text[0];
    size_t length = 1;
    TokenKind kind = TokenKind::kMark;
    if (is_digit(c)) {
      length = number_length(text);
      kind = TokenKind::kNumber;
    } else if (is_name(c)) {
      length = static_cast<size_t>(std::ranges::find_if_not(text, is_name) - text.begin());
      kind = TokenKind::kName;
    } else if (c == '"' || c == '\'') {
      length = string_length(text);
      kind = TokenKind::kText;
    }
    if (std::isspace(static_cast<unsigned char>(c)) == 0) {
      tokens.push_back({kind, text.substr(0, length)});
    }
    text.remove_prefix(length);
  }
  return tokens;
}

bool is_word_of_the_language(std::string_view text) {
  constexpr std::array kWords{"True",          "False",     "None",  "self",     "torch", "ops",   "def",
                              "return",        "if",        "else",  "for",      "while", "in",    "range",
                              "and",           "or",        "not",   "with",     "as",    "class", "is",
                              "uninitialized", "CONSTANTS", "break", "continue", "pass"};
  return std::ranges::find(kWords, text) != kWords.end();
}

bool is_flag(std::string_view text) {
  return text == "True" || text == "False";
}

/// Local variables: no attribute, no function that is called, no word of the language.
bool is_variable(const std::vector<Token>& tokens, size_t i) {
  return tokens[i].kind == TokenKind::kName && !is_word_of_the_language(tokens[i].text) &&
         (i == 0 || tokens[i - 1].text != ".") && (i + 1 == tokens.size() || tokens[i + 1].text != "(");
}

bool only_names_differ(const std::vector<Token>& a, const std::vector<Token>& b) {
  std::map<std::string_view, std::string_view> to_b;
  std::map<std::string_view, std::string_view> to_a;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i].text == "def" && a[i].kind == TokenKind::kName) {
      to_b.clear();
      to_a.clear();
    }
    if (is_variable(a, i) && is_variable(b, i)) {
      const auto forward = to_b.try_emplace(a[i].text, b[i].text).first;
      const auto back = to_a.try_emplace(b[i].text, a[i].text).first;
      if (forward->second != b[i].text || back->second != a[i].text) {
        return false;
      }
    } else if (a[i].text != b[i].text) {
      return false;
    }
  }
  return true;
}

DiffCode describe(const std::string& name, const std::string& a, const std::string& b) {
  DiffCode code{.name = name};
  LineDiff lines = diff_texts(a, b);
  code.removed = lines.removed;
  code.added = lines.added;
  code.text = std::move(lines.text);
  code.nature = code_nature(a, b);
  return code;
}

DiffCode describe_lone(const std::string& name, bool in_a, const std::string& text) {
  DiffCode code{.name = name, .in_a = in_a, .in_b = !in_a};
  (in_a ? code.removed : code.added) = static_cast<uint64_t>(std::ranges::count(text, '\n'));
  return code;
}

using NamePair = std::pair<std::string, std::string>;

class Comparison {
 public:
  Comparison(const ScriptCode& a, const ScriptCode& b) : a_(a), b_(b) {}

  CodeDifferences run() {
    compare_modules();
    compare_the_rest();
    if (result_.code.empty() && std::ranges::equal(a_.modules, b_.modules, {}, path_of, path_of)) {
      compare_references();
    }
    return std::move(result_);
  }

 private:
  static const std::string& path_of(const std::pair<const std::string, std::string>& module) {
    return module.first;
  }

  const CodeDefinition* find(const ScriptCode& code, const std::string& name) const {
    const auto found = code.definitions.find(name);
    return found == code.definitions.end() ? nullptr : &found->second;
  }

  void compare_modules() {
    for (const auto& [path, name_a] : a_.modules) {
      seen_a_.insert(name_a);
      if (const auto found = b_.modules.find(path); found != b_.modules.end()) {
        compare_pair({name_a, found->second}, path);
      }
    }
    for (const auto& [path, name_b] : b_.modules) {
      seen_b_.insert(name_b);
    }
  }

  void compare_pair(const NamePair& names, const std::string& path) {
    const CodeDefinition* a = find(a_, names.first);
    const CodeDefinition* b = find(b_, names.second);
    if (a == nullptr || b == nullptr) {
      return;
    }
    const auto [entry, is_new] = listed_.try_emplace(names, kNotListed);
    if (is_new) {
      ++result_.compared;
      result_.renamed |= a->original != b->original && a->unmangled == b->unmangled;
      if (a->shown != b->shown) {
        entry->second = result_.code.size();
        result_.code.push_back(describe(a->unmangled, a->shown, b->shown));
      }
    }
    if (entry->second != kNotListed) {
      result_.code[entry->second].modules.push_back(path);
    }
  }

  /// Functions, interfaces, named tuples, classes of objects that are no modules.
  void compare_the_rest() {
    for (const auto& [name, a] : a_.definitions) {
      if (seen_a_.contains(name)) {
        continue;
      }
      const CodeDefinition* b = find(b_, name);
      if (b == nullptr) {
        result_.code.push_back(describe_lone(name, true, a.shown));
        continue;
      }
      ++result_.compared;
      result_.renamed |= a.original != b->original;
      if (a.shown != b->shown) {
        result_.code.push_back(describe(name, a.shown, b->shown));
      }
    }
    for (const auto& [name, b] : b_.definitions) {
      if (!seen_b_.contains(name) && find(a_, name) == nullptr) {
        result_.code.push_back(describe_lone(name, false, b.shown));
      }
    }
  }

  /// Two texts that read the same may mean different classes of one unmangled name.
  void compare_references() {
    for (const auto& [name, a] : a_.definitions) {
      const CodeDefinition* b = find(b_, name);
      if (b != nullptr && a.text != b->text) {
        result_.code.push_back(describe(name, a.text, b->text));
      }
    }
  }

  static constexpr size_t kNotListed = static_cast<size_t>(-1);
  const ScriptCode& a_;
  const ScriptCode& b_;
  std::map<NamePair, size_t> listed_;
  std::set<std::string> seen_a_, seen_b_;  ///< classes of modules
  CodeDifferences result_;
};

}  // namespace

std::string code_nature(const std::string& a, const std::string& b) {
  const auto tokens_a = tokenize(a);
  const auto tokens_b = tokenize(b);
  if (tokens_a.size() != tokens_b.size()) {
    return "";
  }
  bool numbers = true;
  bool flags = true;
  for (size_t i = 0; i < tokens_a.size(); ++i) {
    if (tokens_a[i].text != tokens_b[i].text) {
      numbers = numbers && tokens_a[i].kind == TokenKind::kNumber && tokens_b[i].kind == TokenKind::kNumber;
      flags = flags && is_flag(tokens_a[i].text) && is_flag(tokens_b[i].text);
    }
  }
  return numbers                                 ? "only numbers"
         : flags                                 ? "only True and False"
         : only_names_differ(tokens_a, tokens_b) ? "only names of variables"
                                                 : "";
}

CodeDifferences diff_code(const ScriptCode& a, const ScriptCode& b) {
  return Comparison(a, b).run();
}

}  // namespace bertjit
