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

/// Where a file stands for what it imports and what is imported from it.
struct ImportPlace {
  std::string module;                          ///< what Python calls it: "pkg.blocks"; "" for the file that is run
  std::vector<std::filesystem::path> folders;  ///< where `import x` looks, in order
  std::filesystem::path folder;                ///< where `from .x import y` looks
  std::string package;      ///< what Python calls that folder: "pkg"; "" for that of the file that is run
  bool is_package = false;  ///< __init__.py, or a folder without one
};

/// The places of a file that is run: its own folder, then, if that is part of a package, the folder of the package.
ImportPlace place_of_program(const std::filesystem::path& file);

/// What `import.module` of a file at `place` names: a file, a package or a folder; nullptr if there is none, which for
/// a relative import is an error. Each file is read once in an evaluation.
std::shared_ptr<ScriptFile> find_module(const ImportPlace& place, const PythonImport& import);

class ScriptFile {
 public:
  /// `module` is what Python calls the file: "torch.nn.modules.linear"; "" for `__main__`, whose classes are
  /// `__torch__.MyCell`. It imports no files.
  ScriptFile(std::shared_ptr<PythonFile> file, std::string module);
  /// A file that may import others.
  ScriptFile(std::shared_ptr<PythonFile> file, ImportPlace place);

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

  /// The same as Python finds it in a file that draws random numbers: statements before the last that `name` needs are
  /// run too, since each draw moves those that follow. Those that the subset does not have are passed over, with a
  /// note.
  const Object* require_in_order(const std::string& name, std::vector<std::string>& notes);

  /// `package.name`: what the file defines, or the file or folder of that name beside it if it is a package's.
  std::optional<Object> member(const std::string& name);

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
  /// Statements that move the random numbers of those in `needed`, with what they need themselves.
  std::set<size_t> drawing_statements(const std::set<size_t>& needed);
  /// Runs a statement that may be outside the subset; what it says if it is.
  std::optional<std::string> try_run(size_t index);
  void run_imports(const PythonStatement& statement);
  Object imported_name(const std::shared_ptr<ScriptFile>& file, const PythonImport& import);
  Object imported(const PythonImport& import);
  void run_class(const PythonStatement& statement, const Parsed& parsed);
  std::shared_ptr<ClassObject> base_of(const PythonStatement& statement, const Parsed& parsed);
  void add_member(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                  const std::shared_ptr<PythonScope>& closure);
  void add_method(ClassObject& type, const Member& member, const std::shared_ptr<PythonScope>& body,
                  const std::shared_ptr<PythonScope>& closure);

  std::shared_ptr<PythonFile> file_;
  ImportPlace place_;
  std::shared_ptr<PythonScope> scope_;
  std::map<size_t, Parsed> parsed_;
  std::set<size_t> evaluated_;
  std::set<std::string> imports_;
};

/// `@torch.no_grad()` above a function is `with torch.no_grad():` around its body.
torch::jit::Def in_context(const torch::jit::Def& def, const torch::jit::Expr& context);

}  // namespace bertjit
