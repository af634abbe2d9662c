#include "script/variable_rewrite.h"

#include <functional>
#include <regex>

#include "script/expression_rewrite.h"

namespace bertjit {

using torch::jit::Assign;
using torch::jit::Compound;
using torch::jit::Expr;
using torch::jit::Ident;
using torch::jit::List;
using torch::jit::Maybe;
using torch::jit::SourceRange;
using torch::jit::TreeRef;
using torch::jit::Var;

namespace {

/// The variable that a statement assigns a value to, without an annotation.
std::optional<std::string> assigned_name(const TreeRef& tree) {
  if (tree->kind() != torch::jit::TK_ASSIGN) {
    return std::nullopt;
  }
  const Assign assign(tree);
  const bool one = assign.lhs_list().size() == 1 && assign.lhs_list()[0].kind() == torch::jit::TK_VAR;
  return one && assign.rhs().present() && !assign.type().present()
             ? std::make_optional(Var(assign.lhs_list()[0]).name().name())
             : std::nullopt;
}

bool is_number(const Expr& expr) {
  return expr.kind() == torch::jit::TK_CONST || expr.kind() == torch::jit::TK_TRUE ||
         expr.kind() == torch::jit::TK_FALSE ||
         (expr.kind() == torch::jit::TK_UNARY_MINUS && expr.tree()->trees()[0]->kind() == torch::jit::TK_CONST);
}

void collect_numbers(const TreeRef& tree, std::set<std::string>& names) {
  if (const auto name = assigned_name(tree); name && is_number(Assign(tree).rhs().get())) {
    names.insert(*name);
  }
  if (!tree->isAtom()) {
    for (const TreeRef& child : tree->trees()) {
      collect_numbers(child, names);
    }
  }
}

Expr optional_tensor(const SourceRange& range) {
  const auto named = [&](const char* type) { return Expr(Var::create(range, Ident::create(range, type))); };
  return Expr(Compound::create(torch::jit::TK_SUBSCRIPT, range,
                               {named("Optional"), List<Expr>::create(range, {named("Tensor")})}));
}

}  // namespace

std::optional<std::string> widened_variable(const std::string& message) {
  static const std::regex kPattern(
      "Variable '([^']+)' previously had type (NoneType|int|float|bool) but is now being assigned to a value of type "
      "Tensor");
  std::smatch match;
  return std::regex_search(message, match, kPattern) ? std::make_optional(match[1].str()) : std::nullopt;
}

VariableRewriter::VariableRewriter(const torch::jit::Def& def, const std::set<std::string>& widened)
    : widened_(widened) {
  collect_numbers(def.statements().tree(), numbers_);
}

TreeRef VariableRewriter::assignment(const TreeRef& tree, int depth) const {
  const auto name = assigned_name(tree);
  if (!name) {
    return tree;
  }
  const Assign assign(tree);
  const SourceRange& range = tree->range();
  const Expr value = assign.rhs().get();
  const auto through = [&](const std::string& function) {
    const Expr called = call_of(value.range(), std::string(kPythonPrefix) + function, {value});
    return Assign::create(range, assign.lhs_list(), Maybe<Expr>::create(range, called), assign.type()).tree();
  };
  if (widened_.count(*name) == 0) {
    return depth > 0 && numbers_.count(*name) == 1 ? through("assign_" + *name) : tree;
  }
  if (is_number(value)) {
    return through("as_tensor");
  }
  return value.kind() != torch::jit::TK_NONE ? tree
                                             : Assign::create(range, assign.lhs_list(), assign.rhs(),
                                                              Maybe<Expr>::create(range, optional_tensor(range)))
                                                   .tree();
}

Expr VariableRewriter::present(const Expr& expr) const {
  const bool widened = expr.kind() == torch::jit::TK_VAR && widened_.count(Var(expr).name().name()) == 1;
  return widened ? call_of(expr.range(), std::string(kPythonPrefix) + "present", {expr}) : expr;
}

torch::jit::Def with_renamed(const torch::jit::Def& def, const std::string& parameter) {
  static const std::set<std::string> kBuiltins = {
      "print", "tuple", "float",  "complex", "int", "bool", "str", "getattr", "hasattr", "isinstance", "range",
      "zip",   "list",  "dict",   "min",     "max", "abs",  "all", "any",     "divmod",  "sum",        "enumerate",
      "ord",   "chr",   "sorted", "bin",     "pow", "hex",  "oct", "len",     "hash",    "round",      "rangelist"};
  if (kBuiltins.count(parameter) == 0) {
    return def;
  }
  const std::function<TreeRef(const TreeRef&)> rename = [&](const TreeRef& tree) -> TreeRef {
    if (tree->kind() == torch::jit::TK_VAR && Var(tree).name().name() == parameter) {
      return Var::create(tree->range(), Ident::create(tree->range(), std::string(kRenamedPrefix) + parameter)).tree();
    }
    return tree->isAtom() ? tree : tree->map(rename);
  };
  return torch::jit::Def::create(def.range(), def.name(), def.decl(),
                                 List<torch::jit::Stmt>(rename(def.statements().tree())));
}

}  // namespace bertjit
