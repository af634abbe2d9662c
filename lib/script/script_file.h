// A Python file whose names are evaluated when they are asked for, with the statements they need.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "script/objects.h"
#include "script/python_file.h"

namespace bertjit {

class ScriptFile {
 public:
  /// `module` is what Python calls the file: "torch.nn.modules.linear"; "" for the file that is run, `__main__`, whose
  /// classes are `__torch__.MyCell`. `folder`: where files that it imports are looked for; empty for none.
  ScriptFile(std::shared_ptr<PythonFile> file, std::string module, std::filesystem::path folder);

  bool defines(const std::string& name) const;
  /// The names it defines, in order; imported ones left out.
  std::vector<std::string> names() const;
  /// The names it imports, sorted.
  std::vector<std::string> imported_names() const {
    return {imports_.begin(), imports_.end()};
  }

  /// Evaluates what `name` needs, in the order of the file, and what was not yet evaluated. Throws Error as statements
  /// do. nullptr if, after that, the name is not there.
  const Object* require(const std::string& name);

  const std::string& name() const {
    return file_->name();
  }

 private:
  struct Member {
    PythonStatement statement;
    std::vector<torch::jit::Expr> decorators;
    std::optional<torch::jit::Def> def;
    std::optional<torch::jit::List<torch::jit::Stmt>> body;
    std::shared_ptr<const Error> outside;
  };
  struct Parsed {
    std::vector<torch::jit::Expr> decorators;
    std::optional<torch::jit::Def> def;
    std::optional<torch::jit::List<torch::jit::Stmt>> body;
    std::vector<torch::jit::Expr> bases;
    std::vector<Member> members;
    std::set<std::string> reads;
  };

  const Parsed& parsed(size_t index);
  Parsed parse(const PythonStatement& statement) const;
  Member parse_member(const PythonStatement& statement) const;
  void parse_class(const PythonStatement& statement, Parsed& result) const;
  std::vector<torch::jit::Expr> parse_decorators(const PythonStatement& statement) const;
  /// Statements that the names need, those that were evaluated already included.
  std::set<size_t> needed_statements(std::set<std::string> names);

  void run(size_t index);
  void run_imports(const PythonStatement& statement);
  Object imported(const PythonImport& import);
  void run_class(const PythonStatement& statement, const Parsed& parsed);
  std::shared_ptr<ClassObject> base_of(const PythonStatement& statement, const Parsed& parsed);
  void add_member(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                  const std::shared_ptr<PythonScope>& closure);
  void add_method(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                  const std::shared_ptr<PythonScope>& closure);

  std::shared_ptr<PythonFile> file_;
  std::string module_;
  std::filesystem::path folder_;
  std::shared_ptr<PythonScope> scope_;
  std::map<size_t, Parsed> parsed_;
  std::set<size_t> evaluated_;
  std::set<std::string> imports_;
};

/// `@torch.no_grad()` above a function is `with torch.no_grad():` around its body.
torch::jit::Def in_context(const torch::jit::Def& def, const torch::jit::Expr& context);

}  // namespace bertjit
