#include "script/python_file.h"

#include <algorithm>
#include <sstream>

#include <torch/csrc/jit/frontend/parser.h>

#include "script/python_error.h"
#include "script/python_text.h"
#include "support/deep_stack.h"
#include "support/file.h"

namespace bertjit {

using torch::jit::Compound;
using torch::jit::Def;
using torch::jit::Expr;
using torch::jit::SourceRange;
using torch::jit::Stmt;
using torch::jit::TreeList;
using torch::jit::TreeRef;

namespace {

std::string normalised(std::string text) {
  if (text.compare(0, 3, "\xEF\xBB\xBF") == 0) {
    text.erase(0, 3);
  }
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  return text;
}

// The parser says where it gave up only in words: `File "…", line N`, the line, and `~~~` under the place.
size_t offset_of_fault(const std::string& message, const std::string& text) {
  const size_t at = message.find("\", line ");
  if (at == std::string::npos) {
    return 0;
  }
  const size_t line = std::stoul(message.substr(at + 8));
  size_t column = 0;
  const size_t mark = message.find(" <--- HERE");
  if (mark != std::string::npos) {
    const size_t start = message.rfind('\n', mark) + 1;
    const size_t first = message.find('~', start);
    column = first < mark ? first - start : 0;
  }
  size_t offset = 0;
  for (size_t i = 0; i < line && offset != std::string::npos; ++i) {
    offset = text.find('\n', offset);
    offset = offset == std::string::npos ? offset : offset + 1;
  }
  return offset == std::string::npos ? text.size() : offset + column;
}

std::string first_line(const std::string& message) {
  std::string line = message.substr(0, message.find('\n') == 0 ? message.find('\n', 1) : message.find('\n'));
  line.erase(std::remove(line.begin(), line.end(), '\n'), line.end());
  while (!line.empty() && line.back() == ':') {
    line.pop_back();
  }
  if (line.size() > 5 && line.compare(line.size() - 5, 5, " here") == 0) {
    line.resize(line.size() - 5);
  }
  return line;
}

// libtorch's compiler and the walks over a tree here are recursive; so much of the stack they need for one level.
constexpr size_t kStackPerLevel = 16384;

size_t depth_of(const TreeRef& tree) {
  size_t depth = 0;
  std::vector<std::pair<const torch::jit::Tree*, size_t>> waiting = {{tree.get(), 1}};
  while (!waiting.empty()) {
    const auto [node, level] = waiting.back();
    waiting.pop_back();
    depth = std::max(depth, level);
    for (const auto& child : node->trees()) {
      waiting.emplace_back(child.get(), level + 1);
    }
  }
  return depth;
}

// The parser's tree with ranges in the file.
class Placer {
 public:
  Placer(const RewrittenText& rewritten, std::shared_ptr<torch::jit::Source> source)
      : rewritten_(rewritten), source_(std::move(source)) {}

  TreeRef place(const TreeRef& tree) const {
    if (tree->isAtom()) {
      return named(tree);
    }
    TreeList children;
    for (const auto& child : tree->trees()) {
      children.push_back(place(child));
    }
    return Compound::create(tree->kind(), range(tree->range()), std::move(children));
  }

  SourceRange range(const SourceRange& parsed) const {
    if (rewritten_.origin.empty()) {
      return SourceRange(source_, 0, 0);
    }
    const size_t last = rewritten_.origin.size() - 1;
    const size_t begin = rewritten_.origin[std::min(parsed.start(), last)];
    const size_t end = rewritten_.origin[std::min(parsed.end() > 0 ? parsed.end() - 1 : 0, last)] + 1;
    return SourceRange(source_, begin, std::max(begin + 1, end));
  }

 private:
  TreeRef named(const TreeRef& tree) const {
    if (tree->kind() != torch::jit::TK_STRING) {
      return tree;
    }
    const auto& name = tree->stringValue();
    if (name.compare(0, kStarPrefix.size(), kStarPrefix) == 0) {
      return torch::jit::String::create("*" + name.substr(kStarPrefix.size()));
    }
    if (name.compare(0, kDoubleStarPrefix.size(), kDoubleStarPrefix) == 0) {
      return torch::jit::String::create("**" + name.substr(kDoubleStarPrefix.size()));
    }
    return tree;
  }

  const RewrittenText& rewritten_;
  std::shared_ptr<torch::jit::Source> source_;
};

}  // namespace

std::shared_ptr<PythonFile> PythonFile::open(const std::filesystem::path& path) {
  const std::string text = read_text_file(path);
  for (size_t at = 0; const auto& character : characters_of(text)) {
    const bool stray = character.size() == 1 && static_cast<unsigned char>(character[0]) >= 0x80;
    if (stray || character[0] == '\0') {
      throw Error(ErrorKind::kInvalidArgument, path.string() + ": no Python source: byte " + std::to_string(at) +
                                                   (stray ? " is no UTF-8" : " is zero, which text does not have"));
    }
    at += character.size();
  }
  return std::make_shared<PythonFile>(path.string(), text);
}

PythonFile::PythonFile(std::string name, std::string text)
    : name_(std::move(name)),
      text_(normalised(std::move(text))),
      source_(std::make_shared<torch::jit::Source>(text_, name_, 1)),
      statements_(group_statements(text_, split_logical_lines(text_))) {}

SourceRange PythonFile::range(size_t begin, size_t end) const {
  return SourceRange(source_, begin, std::max(begin + 1, end));
}

SourceRange PythonFile::range(const PythonStatement& statement) const {
  const auto& tokens = statement.lines.front().tokens;
  return range(tokens.front().begin, tokens.back().end);
}

std::vector<PythonStatement> PythonFile::members(const PythonStatement& statement) const {
  const std::vector<LogicalLine> body(statement.lines.begin() + 1, statement.lines.end());
  return group_statements(text_, body);
}

TreeRef PythonFile::parse(const RewrittenText& rewritten, bool expression, bool is_method) const {
  const Placer placer(rewritten, source_);
  const auto parsed = std::make_shared<torch::jit::Source>(rewritten.text, "f", 0);
  try {
    torch::jit::Parser parser(parsed);
    TreeRef tree = expression ? parser.parseExp().tree() : parser.parseFunction(is_method);
    const auto& left = parser.lexer().cur();
    if (expression && left.kind != torch::jit::TK_EOF && left.kind != torch::jit::TK_NEWLINE) {
      refuse(placer.range(left.range), "this is no expression that TorchScript's parser knows");
    }
    const size_t depth = depth_of(tree);
    if (const size_t most = stack_left() / kStackPerLevel; depth > most) {
      refuse(placer.range(tree->range()), "nested " + std::to_string(depth) + " deep; up to " + std::to_string(most) +
                                              " can be read: store parts of long expressions in variables");
    }
    return placer.place(tree);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& error) {
    const size_t offset = offset_of_fault(error.what(), rewritten.text);
    refuse(placer.range(SourceRange(parsed, std::min(offset, rewritten.text.size()), offset + 1)),
           "syntax error, or syntax that TorchScript's parser does not know: " + first_line(error.what()));
  }
}

Def PythonFile::parse_function(const PythonStatement& statement, bool is_method) const {
  try {
    return Def(parse(rewrite_lines(text_, statement.lines, Nesting::kAsIs), false, is_method));
  } catch (const TextFault& fault) {
    refuse(range(fault.begin, fault.end), fault.what());
  }
}

torch::jit::List<Stmt> PythonFile::parse_statements(const PythonStatement& statement) const {
  try {
    return Def(parse(rewrite_lines(text_, statement.lines, Nesting::kInFunction), false, false)).statements();
  } catch (const TextFault& fault) {
    refuse(range(fault.begin, fault.end), fault.what());
  }
}

Expr PythonFile::parse_expression(const std::vector<PythonToken>& tokens) const {
  try {
    return Expr(parse(rewrite_expression(text_, tokens), true, false));
  } catch (const TextFault& fault) {
    refuse(range(fault.begin, fault.end), fault.what());
  }
}

std::vector<Expr> PythonFile::parse_bases(const PythonStatement& statement) const {
  const auto& tokens = statement.lines.front().tokens;
  std::vector<Expr> bases;
  std::vector<PythonToken> base;
  int depth = 0;
  for (size_t i = 2; i < tokens.size(); ++i) {
    const auto word = token_text(text_, tokens[i]);
    const bool closing = word == ")" || word == "]";
    const bool ends = depth == 1 && (closing || word == ",");
    if (ends && !base.empty()) {
      bases.push_back(parse_expression(base));
      base.clear();
    } else if (depth >= 1 && !ends) {
      base.push_back(tokens[i]);
    }
    depth += word == "(" || word == "[" ? 1 : closing ? -1 : 0;
  }
  return bases;
}

std::vector<PythonImport> PythonFile::parse_imports(const PythonStatement& statement) const {
  std::vector<PythonImport> imports;
  for (const auto& line : statement.lines) {
    const auto& tokens = line.tokens;
    const bool from = token_text(text_, tokens[0]) == "from";
    std::string module;
    size_t i = 1;
    const auto dotted = [&] {
      std::string path;
      for (; i < tokens.size(); ++i) {
        const auto word = token_text(text_, tokens[i]);
        if (word == "import" || word == "as" || word == "," || word == "(" || word == ")") {
          break;
        }
        path += word;
      }
      return path;
    };
    if (from) {
      module = dotted();
      ++i;  // import
    }
    while (i < tokens.size()) {
      const size_t first = i;
      const std::string path = dotted();
      if (path.empty()) {
        ++i;
        continue;
      }
      PythonImport import{from ? module : path, from ? path : "", from ? path : path.substr(0, path.find('.')),
                          range(tokens[first].begin, tokens[i - 1].end)};
      if (i + 1 < tokens.size() && token_text(text_, tokens[i]) == "as") {
        import.alias = token_text(text_, tokens[i + 1]);
        i += 2;
      }
      imports.push_back(std::move(import));
    }
    if (imports.empty()) {
      refuse(range(tokens.front().begin, tokens.back().end), "an import without a name");
    }
  }
  return imports;
}

}  // namespace bertjit
