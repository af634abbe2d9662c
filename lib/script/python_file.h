// A Python file as statements, each parsed only when somebody needs it.
//
// TorchScript's parser (torch/csrc/jit/frontend/parser.h) reads one function or one expression at a time and fails on
// the first thing it does not know. A file that defines a model also trains it, prints and plots; so the file is split
// into statements by its tokens, and only those that are needed reach the parser. Trees that it gives have ranges in
// the whole file's text: file, line and column are right whatever was rewritten for the parser.
#pragma once

#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <torch/csrc/jit/frontend/tree_views.h>

#include "script/python_rewrite.h"
#include "script/python_tokens.h"
#include "support/error.h"

namespace bertjit {

struct PythonStatement {
  enum class Kind { kImport, kFunction, kClass, kMain, kOther };
  Kind kind = Kind::kOther;
  std::string name;                                  ///< of a function or class
  std::vector<std::vector<PythonToken>> decorators;  ///< without the @
  std::vector<LogicalLine> lines;                    ///< without decorators
  std::set<std::string> binds;                       ///< names it assigns, defines or imports
  std::set<std::string> changes;                     ///< names whose object it changes: model.eval(), x[0] = 1
  bool seeds = false;                                ///< torch.manual_seed(…)
  bool draws = false;                                ///< torch.rand(…), randn, …: by the words alone
  bool calls = false;                                ///< anything at all
};

/// `import module as alias`; with a name, `from module import name as alias`.
struct PythonImport {
  std::string module;  ///< with the dots of a relative import
  std::string name;
  std::string alias;  ///< the name that is bound; for `import a.b` it is "a"
  torch::jit::SourceRange where;
};

class PythonFile {
 public:
  /// Throws Error(kNotFound, kIo).
  static std::shared_ptr<PythonFile> open(const std::filesystem::path& path);
  /// `name` stands in messages and in the source ranges.
  PythonFile(std::string name, std::string text);

  const std::string& name() const {
    return name_;
  }
  const std::vector<PythonStatement>& statements() const {
    return statements_;
  }
  /// The statements of a class's body.
  std::vector<PythonStatement> members(const PythonStatement& statement) const;

  // Each throws Error(kInvalidArgument), "FILE:LINE:COLUMN: …", for what the parser does not take.
  torch::jit::Def parse_function(const PythonStatement& statement, bool is_method) const;
  torch::jit::List<torch::jit::Stmt> parse_statements(const PythonStatement& statement) const;
  torch::jit::Expr parse_expression(const std::vector<PythonToken>& tokens) const;
  std::vector<PythonImport> parse_imports(const PythonStatement& statement) const;
  /// What stands in the parentheses of `class X(…)`.
  std::vector<torch::jit::Expr> parse_bases(const PythonStatement& statement) const;

  /// Of the statement's first line, without decorators.
  torch::jit::SourceRange range(const PythonStatement& statement) const;

 private:
  torch::jit::SourceRange range(size_t begin, size_t end) const;
  torch::jit::TreeRef parse(const RewrittenText& rewritten, bool expression, bool is_method) const;

  std::string name_;
  std::string text_;
  std::shared_ptr<torch::jit::Source> source_;
  std::vector<PythonStatement> statements_;
};

/// Groups logical lines of one indentation into statements.
std::vector<PythonStatement> group_statements(std::string_view text, const std::vector<LogicalLine>& lines);

/// Names that a statement's tree reads and does not itself bind as a local of a function: what has to be there.
std::set<std::string> free_names(const torch::jit::TreeRef& tree);

}  // namespace bertjit
